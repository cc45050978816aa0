"""Metadata of this provider, for Airflow's entry point ``apache_airflow_provider``."""

from __future__ import annotations

from typing import Any

_OPERATORS = (
    "base",
    "ingest",
    "validate",
    "training_set",
    "split",
    "leakage",
    "train",
    "tune",
    "candidates",
    "register",
    "self_test",
    "evaluate",
    "gate",
    "promote",
    "rollback",
    "model_card",
    "score",
    "serve",
    "profile",
    "drift",
    "concept",
    "performance",
    "episode",
    "list_models",
    "freshness",
    "plan",
    "cleanup",
)
_SENSORS = ("base", "drift", "model_version", "labels")
_TRIGGERS = ("base", "drift", "model_version", "store_wait")
_HOOKS = ("store", "mlflow")
_DOCUMENTATION = "docs/concepts.md"  # in the repository, which has no public URL yet
_NOTIFIERS = ("lifecycle.LifecycleNotifier", "log.LogNotifier", "webhook.WebhookNotifier", "email.EmailNotifier")


def get_provider_info() -> dict[str, Any]:
    """Return the provider's metadata."""
    name = "MLOps"
    return {
        "package-name": "airflow-provider-mlops",
        "name": name,
        "description": "The machine-learning lifecycle: validate, train, gate, promote, score, monitor, retrain.",
        "integrations": [
            {
                "integration-name": name,
                "external-doc-url": _DOCUMENTATION,
                "tags": ["software"],
            }
        ],
        "operators": [
            {"integration-name": name, "python-modules": [f"airflow_mlops.operators.{module}" for module in _OPERATORS]}
        ],
        "sensors": [
            {"integration-name": name, "python-modules": [f"airflow_mlops.sensors.{module}" for module in _SENSORS]}
        ],
        "triggers": [
            {"integration-name": name, "python-modules": [f"airflow_mlops.triggers.{module}" for module in _TRIGGERS]}
        ],
        "hooks": [{"integration-name": name, "python-modules": [f"airflow_mlops.hooks.{module}" for module in _HOOKS]}],
        "task-decorators": [
            {"name": "train_model", "class-name": "airflow_mlops.decorators.train_model.train_model_task"}
        ],
        "extra-links": ["airflow_mlops.links.report.ReportLink", "airflow_mlops.links.model_card.ModelCardLink"],
        "notifications": [f"airflow_mlops.notifications.{notifier}" for notifier in _NOTIFIERS],
        "connection-types": [_STORE, _MLFLOW],
        "cli": ["airflow_mlops.cli.commands.get_commands"],
    }


def _field(label: str, description: str, **schema: Any) -> dict[str, Any]:
    return {"label": label, "description": description, "schema": {"type": ["string", "null"], **schema}}


def _seconds(label: str, description: str, default: int) -> dict[str, Any]:
    schema = {"type": ["number", "null"], "default": default, "exclusiveMinimum": 0}
    return {"label": label, "description": description, "schema": schema}


def _object(label: str, description: str) -> dict[str, Any]:
    return {"label": label, "description": description, "schema": {"type": ["object", "null"]}}


def _flag(label: str, description: str, default: bool) -> dict[str, Any]:
    return {"label": label, "description": description, "schema": {"type": ["boolean", "null"], "default": default}}


_STORE = {
    "connection-type": "mlops_store",
    "hook-class-name": "airflow_mlops.hooks.store.LifecycleStoreHook",
    "hook-name": "MLOps lifecycle store",
    "ui-field-behaviour": {
        "relabeling": {"schema": "Database (or SQLite file)"},
        "placeholders": {"host": "db.example.org", "port": "5432", "schema": "mlops"},
    },
    "conn-fields": {
        "driver": _field(
            "Driver",
            "SQLAlchemy driver: PostgreSQL through psycopg2 or psycopg, or SQLite for a single user",
            default="postgresql+psycopg2",
            enum=["postgresql+psycopg2", "postgresql+psycopg", "sqlite"],
        ),
        "query": _object("Query", 'URL options: {"sslmode": "verify-full"}, or a Unix socket\'s directory as "host"'),
        "snapshots": _field("Snapshot root", "URI of the snapshots: file:///shared/snapshots, s3://bucket/snapshots"),
        "snapshot_options": _object("Snapshot options", "fsspec options for the snapshot root"),
    },
}

_MLFLOW = {
    "connection-type": "mlflow",
    "hook-class-name": "airflow_mlops.hooks.mlflow.MlflowHook",
    "hook-name": "MLflow",
    "ui-field-behaviour": {
        "hidden-fields": ["host", "port", "schema"],
        "relabeling": {"login": "Login (basic authentication)"},
    },
    "conn-fields": {
        "tracking_uri": _field("Tracking URI", "complete: https://host:port/path, or a database URL for a local store"),
        "artifact_location": _field(
            "Artifact location", "for a local store: file:///shared/models, s3://bucket/models"
        ),
        "token": _field("Token", "bearer token, instead of login and password", format="password"),
        "verify": _flag("Verify the certificate", "verify the server's TLS certificate", True),
        "ca_bundle": _field("CA bundle", "file on the workers with the certificates to trust instead of the system's"),
        "load_in_process": _flag("Load in process", "load models in the task's process, not in a child", False),
        "allow_pickle": _flag("Allow pickle", "load adopted models stored as pickle: it can run code", False),
        "client_cert": _field("Client certificate", "file on the workers with certificate and key"),
        "connect_seconds": _seconds("Connect seconds", "connection timeout in seconds", 5),
        "read_seconds": _seconds("Read seconds", "read timeout in seconds", 30),
        "overall_seconds": _seconds("Overall seconds", "timeout of one call in seconds, including retries", 60),
    },
}
