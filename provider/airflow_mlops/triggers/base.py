"""What the triggers for an ``AssetWatcher`` share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk.exceptions import AirflowNotFoundException
from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from airflow_mlops.hooks.store import LifecycleStoreHook
from airflow_mlops.triggers.memory import Memory
from airflow_mlops.triggers.watching import Answer, Subscription

if TYPE_CHECKING:
    from airflow_mlops.store.questions import Question

ABSENT_SECONDS = 60.0
"""How long a connection that is not there is waited for: a watcher that ends is not started again."""


class StoreEventTrigger(BaseEventTrigger):
    """Tells each thing that comes up in the lifecycle store once, for ever. Subclasses say which, and what is new.

    :param models: the models that are watched; ``None`` for all.
    :param store_conn_id: the connection to the lifecycle store.
    :param poll_seconds: how often the store is asked at least.
    """

    remembered_as: ClassVar[str]
    _subscription: Subscription | None = None
    _memory: Memory | None = None

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
        """Give what the triggerer needs to make it again."""
        arguments = {"models": self.models, "store_conn_id": self.store_conn_id, "poll_seconds": self.poll_seconds}
        return f"{type(self).__module__}.{type(self).__qualname__}", arguments

    def question(self) -> Question:
        """Give what is watched."""
        raise NotImplementedError

    def news(self, answer: Answer, told: Any) -> tuple[Answer, Any]:
        """Tell what is new.

        :param answer: what the store says now.
        :param told: what this gave before, perhaps in another life of the triggerer; ``None`` at the very first.
        :returns: the events, and what to remember once they are told.
        """
        raise NotImplementedError

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Tell what is new, whenever there is something."""
        whose = [self.store_conn_id, self.models]
        self._memory = memory = Memory(self.asset_state_store, self.remembered_as, whose)
        told = await memory.get()
        with Subscription(self.question(), self.store_conn_id, self.poll_seconds) as self._subscription:
            while True:
                try:
                    answer = await self._subscription.answer()
                except AirflowNotFoundException as error:
                    self.log.warning("waiting for the connection to the lifecycle store: %s", error)
                    await asyncio.sleep(ABSENT_SECONDS)
                    continue
                events, now = self.news(answer, told)
                for event in events:
                    yield TriggerEvent(event)
                if events:
                    memory.set_later(now)
                elif now != told:
                    await memory.set(now)
                told = now

    async def cleanup(self) -> None:
        """Leave the shared poll."""
        if self._subscription is not None:
            self._subscription.end()
        if self._memory is not None:
            self._memory.end()
