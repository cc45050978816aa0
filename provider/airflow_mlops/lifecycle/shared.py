"""What the DAGs of a model have in common: names, assets, arguments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from airflow.sdk import Asset, AssetWatcher, Param
from airflow.sdk.definitions.asset import Model

from airflow_mlops.core.lifecycle.spec import Lifecycle
from airflow_mlops.core.lifecycle.steps import whole_days
from airflow_mlops.notifications.lifecycle import LifecycleNotifier
from airflow_mlops.triggers.drift import DriftTrigger

PARTITION = "{{ partition_key }}"


@dataclass(frozen=True, slots=True)
class Family:
    """A model's DAGs, before they are made.

    :param spec: what the file says.
    :param file: where it is; ``None`` when it came as a mapping.
    :param features: the asset of features that keep their contract.
    :param scores: the asset of scores.
    :param champion: the asset that tells of a promotion.
    :param retraining_wanted: the asset that a drift episode wakes the training by.
    """

    spec: Lifecycle
    file: str | None
    features: Asset
    scores: Asset
    champion: Asset
    retraining_wanted: Asset

    @classmethod
    def of(cls, spec: Lifecycle, file: str | None) -> Family:
        """Name the assets, and let the triggerer watch for drift."""
        watcher = AssetWatcher(name=spec.dataset("drift"), trigger=DriftTrigger(models=[spec.model]))
        return cls(
            spec=spec,
            file=file,
            features=Asset(spec.dataset("features"), group="dataset"),
            scores=Asset(spec.dataset("scores"), group="dataset"),
            champion=Model(spec.dataset("champion")),
            retraining_wanted=Asset(spec.dataset("retraining_wanted"), watchers=[watcher]),
        )

    @property
    def labelled(self) -> str:
        """The template for the partition whose labels come with a run's own."""
        delay = self.spec.label_delay
        if not delay:
            return PARTITION
        if whole_days(delay) and self.spec.key_format == "%Y-%m-%d":
            return "{{ macros.ds_add(partition_key, -%d) }}" % delay.days  # noqa: UP031 - a template has the braces
        seconds = int(delay.total_seconds())
        moment = f"macros.datetime.strptime(partition_key, '{self.spec.key_format}')"
        return "{{ (" + f"{moment} - macros.timedelta(seconds={seconds})).strftime('{self.spec.key_format}')" + " }}"

    @property
    def first_labelled(self) -> str:
        """The key of the first run that has labels to read: those of the first partition."""
        return (_midnight(self.spec.start) + self.spec.label_delay).strftime(self.spec.key_format)

    def dag(self, of: str, doc: str, **more: Any) -> dict[str, Any]:
        """Give what every DAG of the model is made with.

        :param of: which one it is, such as ``training``.
        :param doc: what it does, as Markdown.
        """
        spec = self.spec
        source = f"\n\nMade by `lifecycle_dags` from `{self.file}`." if self.file else ""
        return {
            "dag_id": spec.dataset(of),
            "catchup": False,
            "max_active_runs": 1,
            "default_args": {
                "owner": spec.owner or f"{spec.model}-team",
                "retries": spec.retries,
                "retry_delay": timedelta(seconds=spec.retry_seconds),
            },
            "tags": [spec.model, of, *spec.tags],
            "doc_md": doc.strip() + source,
            **more,
        }

    def days(self) -> dict[str, Any]:
        """Give the DAG's first and last day, for those that the calendar starts."""
        end = self.spec.end
        return {"start_date": _midnight(self.spec.start), "end_date": None if end is None else _midnight(end)}

    def notifier(self) -> LifecycleNotifier:
        """Give who tells people."""
        return LifecycleNotifier(webhook_conn_id=self.spec.webhook_conn_id)


def champion_param() -> Param:
    """Give the form's field for another champion than that of the partition."""
    return Param(
        None,
        "The champion of this moment instead of the partition's own: an ISO date or date-time.",
        type=["null", "string"],
        title="Champion of",
    )


CHAMPION_AT = "{{ params.champion_at or partition_key }}"


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
