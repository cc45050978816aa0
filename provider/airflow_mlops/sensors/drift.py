"""Waiting for drift, inside a DAG."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator

from airflow_mlops.hooks.store import LifecycleStoreHook
from airflow_mlops.triggers.drift import DriftTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context


class DriftSensor(BaseSensorOperator):
    """Wait, deferred, until a model's drift episode asks for a retraining; gives the request.

    To start a DAG by drift rather than wait in one, give an ``AssetWatcher`` a ``DriftTrigger``.

    :param model: the model's name.
    :param store_conn_id: the connection to the lifecycle store.
    """

    template_fields: Sequence[str] = ("model",)

    def __init__(self, *, model: str, store_conn_id: str = LifecycleStoreHook.default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.model = model
        self.store_conn_id = store_conn_id

    def execute(self, context: Context) -> Any:
        """Look once, then defer."""
        from airflow_mlops.store import episodes

        found = episodes.requested(LifecycleStoreHook(self.store_conn_id).database, [self.model])
        if found:
            return {"model": self.model, "episode": found[0].number, "cutoff": found[0].cutoff}
        self.defer(
            trigger=DriftTrigger([self.model], self.store_conn_id, self.poke_interval),
            method_name="execute_complete",
            timeout=timedelta(seconds=self.timeout),
        )

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Give what the trigger saw."""
        return event
