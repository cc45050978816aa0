"""What the sensors of the lifecycle store share."""

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
    from airflow_mlops.triggers.waiting import WaitingTrigger

POLL_SECONDS = 5.0


class StoreSensor(BaseSensorOperator):
    """Waits for something in the lifecycle store, without a worker. Subclasses say what.

    It looks once, and defers only when there is nothing yet. However many sensors of a triggerer are deferred, the
    store gets one query each ``poke_interval`` seconds: that of the most impatient one.

    :param store_conn_id: the connection to the lifecycle store.
    :param deferrable: whether it waits in the triggerer; else in a worker, as ``mode`` says.
    :param start_from_trigger: whether it goes to the triggerer at once, without a worker that looks first. Its
        parameters may then be templates, but not outputs of other tasks; a mapped sensor goes by a worker all the same.
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

    def begin_in_trigger(self) -> None:
        """Say how to begin without a worker; for the end of a subclass's constructor."""
        if self.start_from_trigger:
            path, arguments = self.trigger().serialize()
            self.start_trigger_args = StartTriggerArgs(
                trigger_cls=path,
                next_method="execute_complete",
                trigger_kwargs=arguments,
                timeout=timedelta(seconds=self.timeout),
            )

    def trigger(self) -> WaitingTrigger:
        """Give the trigger that waits for the same."""
        raise NotImplementedError

    def before_deferring(self, database: Database) -> WaitingTrigger:
        """Give the trigger, with what is only known when the store is there."""
        return self.trigger()

    def poke(self, context: Context) -> PokeReturnValue:
        """Look once."""
        return self._look(self._database)

    def _look(self, database: Database) -> PokeReturnValue:
        from airflow_mlops.store import watch

        try:
            question = self.trigger().question()
        except ValueError as error:  # a parameter that cannot be read: trying again does not mend it
            raise AirflowFailException(f"{self.task_id} cannot be asked: {error}") from error
        found = watch.answers(database, question)
        return PokeReturnValue(bool(found), found[0] if found else None)

    def execute(self, context: Context) -> Any:
        """Look once, then defer."""
        if not self.deferrable:
            return super().execute(context)
        # Taken before the look: what comes in between is seen by the one or the other.
        database = self._database
        trigger = self.before_deferring(database)
        found = self._look(database)
        if found:
            return found.xcom_value
        self.defer(trigger=trigger, method_name="execute_complete", timeout=timedelta(seconds=self.timeout))

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Give what the trigger has seen."""
        return event

    @property
    def arguments(self) -> dict[str, Any]:
        """What every trigger is told."""
        return {"store_conn_id": self.store_conn_id, "poll_seconds": self.poke_interval}

    @property
    def _database(self) -> Database:
        return LifecycleStoreHook(self.store_conn_id).database
