"""Base class of the sensors on the lifecycle store."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator, PokeReturnValue
from airflow.sdk.exceptions import AirflowFailException
from airflow.triggers.base import StartTriggerArgs

from airflow_mlops.hooks.store import LifecycleStoreHook

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_mlops.store.database import Database
    from airflow_mlops.triggers.store_wait import StoreWaitTrigger

POLL_SECONDS = 5.0


class StoreSensor(BaseSensorOperator):
    """Base class of deferrable sensors on the lifecycle store. Subclasses define the trigger.

    The sensor polls once and defers if there is no result. All deferred sensors of a triggerer share one query, at the
    shortest ``poke_interval`` among them.

    :param store_conn_id: connection ID of the lifecycle store.
    :param deferrable: wait in the triggerer (default), else in a worker according to ``mode``.
    :param start_from_trigger: start in the triggerer, without a worker that polls first. Parameters may then be
        templates but not outputs of other tasks. Ignored for mapped sensors. Default: ``False``.
    """

    def __init__(
        self,
        *,
        store_conn_id: str = LifecycleStoreHook.default_conn_name,
        deferrable: bool = True,
        start_from_trigger: bool = False,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("poke_interval", POLL_SECONDS)
        super().__init__(**kwargs)
        self.store_conn_id = store_conn_id
        self.deferrable = deferrable
        self.start_from_trigger = start_from_trigger and deferrable

    def enable_start_from_trigger(self) -> None:
        """Set the arguments to start without a worker; call it at the end of a subclass's constructor."""
        if self.start_from_trigger:
            path, kwargs = self.build_trigger().serialize()
            self.start_trigger_args = StartTriggerArgs(
                trigger_cls=path,
                next_method="execute_complete",
                trigger_kwargs=kwargs,
                timeout=timedelta(seconds=self.timeout),
            )

    def build_trigger(self) -> StoreWaitTrigger:
        """Return the trigger that waits for the same event."""
        raise NotImplementedError

    def build_deferred_trigger(self, database: Database) -> StoreWaitTrigger:
        """Return the trigger, completed with values read from the store."""
        return self.build_trigger()

    def poke(self, context: Context) -> PokeReturnValue:
        """Poll the store once."""
        return self._poll(self._database)

    def _poll(self, database: Database) -> PokeReturnValue:
        from airflow_mlops.store import polling

        try:
            question = self.build_trigger().condition()
        except ValueError as error:  # an invalid parameter: a retry does not fix it
            raise AirflowFailException(f"{self.task_id} has an invalid parameter: {error}") from error
        events = polling.find_matches(database, question)
        return PokeReturnValue(bool(events), events[0] if events else None)

    def execute(self, context: Context) -> Any:
        """Poll once, then defer."""
        if not self.deferrable:
            return super().execute(context)
        # Built before the poll, so that an event in between is seen by one of them.
        database = self._database
        trigger = self.build_deferred_trigger(database)
        result = self._poll(database)
        if result:
            return result.xcom_value
        self.defer(trigger=trigger, method_name="execute_complete", timeout=timedelta(seconds=self.timeout))

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Return the trigger's event."""
        return event

    @property
    def trigger_arguments(self) -> dict[str, Any]:
        """Arguments of every trigger."""
        return {"store_conn_id": self.store_conn_id, "poll_seconds": self.poke_interval}

    @property
    def _database(self) -> Database:
        return LifecycleStoreHook(self.store_conn_id).database
