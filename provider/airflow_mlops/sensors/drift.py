"""Sensor for retraining requests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.sensors.base import StoreSensor
from airflow_mlops.triggers.store_wait import RetrainingRequestTrigger

if TYPE_CHECKING:
    from airflow_mlops.store.database import Database


class DriftSensor(StoreSensor):
    """Wait until a model's drift episode requests a retraining. Returns the request.

    A request made during the wait counts even if a training run claims it within seconds. To start a DAG on drift,
    use an ``AssetWatcher`` with a ``DriftTrigger`` instead.

    :param model: name of the registered model.
    """

    template_fields: Sequence[str] = ("model",)

    def __init__(self, *, model: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.model = model
        self.enable_start_from_trigger()

    def build_trigger(self) -> RetrainingRequestTrigger:
        """Return the trigger that waits for the same request."""
        return RetrainingRequestTrigger(self.model, **self.trigger_arguments)

    def build_deferred_trigger(self, database: Database) -> RetrainingRequestTrigger:
        """Return the trigger, with the last earlier request to ignore."""
        from airflow_mlops.store import polling

        return RetrainingRequestTrigger(
            self.model, after=polling.last_request(database, self.model), **self.trigger_arguments
        )
