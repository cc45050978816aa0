"""Base class of the event triggers for an ``AssetWatcher``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk.exceptions import AirflowNotFoundException
from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from airflow_mlops.hooks.store import LifecycleStoreHook
from airflow_mlops.triggers.shared_poll import ConditionMatches, Subscription
from airflow_mlops.triggers.trigger_state import TriggerState

if TYPE_CHECKING:
    from airflow_mlops.store.wait_conditions import WaitCondition

MISSING_CONNECTION_SECONDS = 60.0
"""Seconds between retries while the connection is missing. A watcher that ends is not restarted."""


class StoreEventTrigger(BaseEventTrigger):
    """Base class of triggers that emit each event of the lifecycle store once. Subclasses define the events.

    :param models: names of the models to watch. ``None`` (default): all.
    :param store_conn_id: connection ID of the lifecycle store.
    :param poll_seconds: maximum interval between polls, in seconds. Default: 5.
    """

    state_key: ClassVar[str]
    _subscription: Subscription | None = None
    _memory: TriggerState | None = None

    def __init__(
        self,
        models: Sequence[str] | None = None,
        store_conn_id: str = LifecycleStoreHook.default_conn_name,
        poll_seconds: float = 5.0,
    ) -> None:
        super().__init__()
        self.models = None if models is None else sorted(models)
        self.store_conn_id = store_conn_id
        self.poll_seconds = poll_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and arguments to recreate the trigger."""
        arguments = {"models": self.models, "store_conn_id": self.store_conn_id, "poll_seconds": self.poll_seconds}
        return f"{type(self).__module__}.{type(self).__qualname__}", arguments

    def condition(self) -> WaitCondition:
        """Return the wait condition to watch."""
        raise NotImplementedError

    def new_events(self, matches: ConditionMatches, state: Any) -> tuple[ConditionMatches, Any]:
        """Return the new events and the state to save once they are emitted.

        :param matches: current matches of the condition.
        :param state: previously returned state, also from before a restart; ``None`` on the first call.
        """
        raise NotImplementedError

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Emit new events as they appear."""
        watched = [self.store_conn_id, self.models]
        self._memory = memory = TriggerState(self.asset_state_store, self.state_key, watched)
        state = await memory.get()
        with Subscription(self.condition(), self.store_conn_id, self.poll_seconds) as self._subscription:
            while True:
                try:
                    answer = await self._subscription.next_matches()
                except AirflowNotFoundException as error:
                    self.log.warning("Waiting for the connection to the lifecycle store: %s", error)
                    await asyncio.sleep(MISSING_CONNECTION_SECONDS)
                    continue
                events, new_state = self.new_events(answer, state)
                for event in events:
                    yield TriggerEvent(event)
                if events:
                    memory.set_delayed(new_state)
                elif new_state != state:
                    await memory.set(new_state)
                state = new_state

    async def cleanup(self) -> None:
        """Unsubscribe from the shared poll."""
        if self._subscription is not None:
            self._subscription.close()
        if self._memory is not None:
            self._memory.close()
