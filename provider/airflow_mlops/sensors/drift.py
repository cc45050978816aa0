"""Waiting for drift, inside a DAG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.sensors.base import StoreSensor
from airflow_mlops.triggers.waiting import RequestTrigger

if TYPE_CHECKING:
    from airflow_mlops.store.database import Database


class DriftSensor(StoreSensor):
    """Wait, deferred, until a model's drift episode asks for a retraining; gives the request.

    A request that came while it waited is seen also when a training run has claimed it within seconds. To start a DAG
    by drift rather than wait in one, give an ``AssetWatcher`` a ``DriftTrigger``.

    :param model: the model's name.
    """

    template_fields: Sequence[str] = ("model",)

    def __init__(self, *, model: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.model = model
        self.begin_in_trigger()

    def trigger(self) -> RequestTrigger:
        """Give the trigger that waits for the same."""
        return RequestTrigger(self.model, **self.arguments)

    def before_deferring(self, database: Database) -> RequestTrigger:
        """Give the trigger, with the last request that was there before."""
        from airflow_mlops.store import watch

        return RequestTrigger(self.model, after=watch.last_asked(database, self.model), **self.arguments)
