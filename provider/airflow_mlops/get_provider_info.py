"""What this provider tells Airflow about itself."""

from __future__ import annotations

from typing import Any

_STEPS = (
    "base",
    "ingest",
    "validate",
    "training_set",
    "split",
    "leakage",
    "train",
    "tune",
    "register",
    "self_test",
    "evaluate",
    "gate",
    "promote",
    "rollback",
    "card",
    "score",
    "profile",
    "drift",
    "concept",
    "performance",
    "episode",
    "fleet",
    "freshness",
    "plan",
    "janitor",
)
_WAITED_FOR = ("drift", "model_version", "labels")
_TRIGGERS = ("drift", "champion", "waiting")
_NOTIFIERS = ("lifecycle.LifecycleNotifier", "log.LogNotifier", "webhook.WebhookNotifier", "email.EmailNotifier")


def get_provider_info() -> dict[str, Any]:
    """Give the provider's description, as Airflow's entry point ``apache_airflow_provider`` asks for."""
    name = "MLOps"
    return {
        "package-name": "airflow-provider-mlops",
        "name": name,
        "description": "The machine-learning lifecycle: validate, train, gate, promote, score, watch, retrain.",
        "integrations": [
            {
                "integration-name": name,
                "external-doc-url": "https://airflow.apache.org/docs/",
                "tags": ["software"],
            }
        ],
        "operators": [
            {"integration-name": name, "python-modules": [f"airflow_mlops.operators.{step}" for step in _STEPS]}
        ],
        "sensors": [
            {"integration-name": name, "python-modules": [f"airflow_mlops.sensors.{what}" for what in _WAITED_FOR]}
        ],
        "triggers": [
            {"integration-name": name, "python-modules": [f"airflow_mlops.triggers.{what}" for what in _TRIGGERS]}
        ],
        "hooks": [
            {"integration-name": name, "python-modules": ["airflow_mlops.hooks.store", "airflow_mlops.hooks.mlflow"]}
        ],
        "task-decorators": [
            {"name": "train_model", "class-name": "airflow_mlops.decorators.train_model.train_model_task"}
        ],
        "extra-links": ["airflow_mlops.links.report.ReportLink", "airflow_mlops.links.card.ModelCardLink"],
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
            "SQLAlchemy's: PostgreSQL through psycopg2 or psycopg, or SQLite for a single user",
            default="postgresql+psycopg2",
            enum=["postgresql+psycopg2", "postgresql+psycopg", "sqlite"],
        ),
        "query": _object("Query", 'options of the URL: {"sslmode": "verify-full"}, or a socket\'s folder as "host"'),
        "snapshots": _field("Snapshot root", "where snapshots live: file:///shared/snapshots, s3://bucket/snapshots"),
        "snapshot_options": _object("Snapshot options", "fsspec's options for the snapshot root"),
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
        "tracking_uri": _field("Tracking URI", "in full: https://host:port/path, or a database URL for a local store"),
        "artifact_location": _field(
            "Artifact location", "for a local store: file:///shared/models, s3://bucket/models"
        ),
        "token": _field("Token", "a bearer token, in place of login and password", format="password"),
        "verify": _flag("Check the certificate", "whether the server's TLS certificate is checked", True),
        "ca_bundle": _field("CA bundle", "a file on the workers: certificates to trust in place of the system's"),
        "load_in_process": _flag("Load in process", "models live in the task's own process, not in a child", False),
        "allow_pickle": _flag("Allow pickle", "adopted models kept as pickle may be loaded: they can run code", False),
        "client_cert": _field("Client certificate", "a file on the workers with certificate and key"),
        "connect_seconds": _seconds("Connect seconds", "how long a connection may take", 5),
        "read_seconds": _seconds("Read seconds", "how long the server may be silent", 30),
        "overall_seconds": _seconds("Overall seconds", "how long one call may take, repetitions included", 60),
    },
}
