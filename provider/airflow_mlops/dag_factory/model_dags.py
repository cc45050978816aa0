"""Names, assets and arguments that the DAGs of a model share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from airflow.sdk import Asset, AssetWatcher, BaseNotifier, Param
from airflow.sdk.definitions.asset import Model

from airflow_mlops.core.lifecycle.sections import is_whole_days
from airflow_mlops.core.lifecycle.spec import Lifecycle
from airflow_mlops.notifications.lifecycle import LifecycleNotifier
from airflow_mlops.notifications.notifiers import create_notifier
from airflow_mlops.triggers.drift import DriftTrigger

PARTITION = "{{ partition_key }}"


@dataclass(frozen=True, slots=True)
class ModelDags:
    """Shared configuration of a model's DAGs.

    :param spec: the lifecycle.
    :param file: its file; ``None`` for a mapping.
    :param features: the asset of valid features.
    :param scores: the asset of scores.
    :param champion: the asset that a promotion updates.
    :param retraining_request: the asset with which a drift episode triggers the training.
    """

    spec: Lifecycle
    file: str | None
    features: Asset
    scores: Asset
    champion: Asset
    retraining_request: Asset

    @classmethod
    def from_spec(cls, spec: Lifecycle, file: str | None) -> ModelDags:
        """Create the assets, including the watcher for drift episodes."""
        watcher = AssetWatcher(name=spec.dataset("drift"), trigger=DriftTrigger(models=[spec.model]))
        return cls(
            spec=spec,
            file=file,
            features=Asset(spec.dataset("features"), group="dataset"),
            scores=Asset(spec.dataset("scores"), group="dataset"),
            champion=Model(spec.dataset("champion")),
            retraining_request=Asset(spec.dataset("retraining_requested"), watchers=[watcher]),
        )

    @property
    def labelled_partition(self) -> str:
        """The template of the partition whose labels are complete at a run."""
        delay = self.spec.label_delay
        if not delay:
            return PARTITION
        if is_whole_days(delay) and self.spec.key_format == "%Y-%m-%d":
            return "{{ macros.ds_add(partition_key, -%d) }}" % delay.days  # noqa: UP031 - a template has the braces
        seconds = int(delay.total_seconds())
        timestamp = f"macros.datetime.strptime(partition_key, '{self.spec.key_format}')"
        return "{{ (" + f"{timestamp} - macros.timedelta(seconds={seconds})).strftime('{self.spec.key_format}')" + " }}"

    @property
    def first_labelled_run(self) -> str:
        """The key of the first run with labels: those of the first partition."""
        return (_midnight(self.spec.start) + self.spec.label_delay).strftime(self.spec.key_format)

    def dag_arguments(self, role: str, doc: str, **more: Any) -> dict[str, Any]:
        """Return the arguments of one of the model's DAGs.

        :param role: the DAG's role, such as ``training``.
        :param doc: its description in Markdown.
        :param more: further arguments.
        """
        spec = self.spec
        source = f"\n\nCreated by `lifecycle_dags` from `{self.file}`." if self.file else ""
        return {
            "dag_id": spec.dataset(role),
            "catchup": False,
            "max_active_runs": 1,
            "default_args": {
                "owner": spec.owner or f"{spec.model}-team",
                "retries": spec.retries,
                "retry_delay": timedelta(seconds=spec.retry_seconds),
            },
            "tags": [spec.model, role, *spec.tags],
            "doc_md": doc.strip() + source,
            **more,
        }

    def date_range(self) -> dict[str, Any]:
        """Return the start and end date of a DAG with a time schedule."""
        end = self.spec.end
        return {"start_date": _midnight(self.spec.start), "end_date": None if end is None else _midnight(end)}

    def notifier(self) -> BaseNotifier:
        """Return the notifier for decisions and drift.

        :raises BadInput: when ``notify`` is not the name of a notifier, or has an invalid option.
        """
        if self.spec.notify is not None:
            return create_notifier(self.spec.notify)
        return LifecycleNotifier(webhook_conn_id=self.spec.webhook_conn_id)


def champion_param() -> Param:
    """Return the form field that overrides the partition's champion."""
    return Param(
        None,
        "Use the champion at this time instead of the partition's: an ISO date or date-time.",
        type=["null", "string"],
        title="Champion of",
    )


CHAMPION_AT = "{{ params.champion_at or partition_key }}"


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
