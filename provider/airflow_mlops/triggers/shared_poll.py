"""Shared poll of a lifecycle store for all triggers of a triggerer.

Triggers subscribe with a wait condition. While there are subscribers, one task polls the store for all conditions at
once and wakes only the triggers whose matches have changed. The poll runs in a thread, one per store and not per
trigger, so it never blocks the triggerer's event loop.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakKeyDictionary

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from airflow_mlops.hooks.store import LifecycleStoreHook

if TYPE_CHECKING:
    from airflow.sdk import Connection

    from airflow_mlops.store.database import Database
    from airflow_mlops.store.wait_conditions import StoreState, WaitCondition

log = logging.getLogger(__name__)
ConditionMatches = list[dict[str, Any]]

MIN_POLL_SECONDS = 0.01
_polls: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, SharedPoll]] = WeakKeyDictionary()


class Subscription:
    """Subscription of one trigger to the shared poll. A context manager that unsubscribes on exit.

    :param condition: wait condition.
    :param store_conn_id: connection ID of the lifecycle store.
    :param poll_seconds: maximum interval between polls, in seconds. Other subscribers may poll more often.
    """

    def __init__(self, condition: WaitCondition, store_conn_id: str, poll_seconds: float) -> None:
        self.condition = condition
        self.poll_seconds = max(float(poll_seconds), MIN_POLL_SECONDS)
        self._poll = _get_poll(store_conn_id)
        self._changed = asyncio.Event()
        self._matches: ConditionMatches | None = None
        self._error: Exception | None = None

    def __enter__(self) -> Self:
        self._poll.subscribe(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Unsubscribe. Idempotent."""
        self._poll.unsubscribe(self)

    async def next_matches(self) -> ConditionMatches:
        """Wait until the matches differ from those last returned, and return them.

        The first poll always returns, even without matches.

        :raises AirflowNotFoundException: when the connection does not exist.
        """
        await self._changed.wait()
        self._changed.clear()
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        return self._matches or []

    def deliver(self, matches: ConditionMatches) -> None:
        """Deliver the matches of a poll."""
        if matches != self._matches:
            self._matches = matches
            self._changed.set()

    def fail(self, error: Exception) -> None:
        """Deliver an error that a retry does not fix."""
        self._error = error
        self._changed.set()


class SharedPoll:
    """Poll of one store for all its subscriptions.

    :param store_conn_id: connection ID of the lifecycle store.
    """

    def __init__(self, store_conn_id: str) -> None:
        self.store_conn_id = store_conn_id
        self.poll_count = 0
        self._subscriptions: dict[WaitCondition, set[Subscription]] = {}
        self._database: Database | None = None
        self._task: asyncio.Task[None] | None = None
        self._wakeup = asyncio.Event()
        self._failing = False
        self._interval = MIN_POLL_SECONDS

    def subscribe(self, subscription: Subscription) -> None:
        """Add a subscription; the first one starts the poll."""
        self._subscriptions.setdefault(subscription.condition, set()).add(subscription)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._poll(), name=f"mlops-watch-{self.store_conn_id}")
        elif subscription.poll_seconds < self._interval:
            self._interval = subscription.poll_seconds
            self._wakeup.set()

    def unsubscribe(self, subscription: Subscription) -> None:
        """Remove a subscription; the last one stops the poll."""
        subscriptions = self._subscriptions.get(subscription.condition)
        if subscriptions is None or subscription not in subscriptions:
            return
        subscriptions.discard(subscription)
        if not subscriptions:
            del self._subscriptions[subscription.condition]
        if not self._subscriptions and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _poll(self) -> None:
        while True:
            await self._poll_once()
            await self._wait_for_next()

    async def _wait_for_next(self) -> None:
        """Wait until the next poll. A new subscription may shorten the interval."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        self._interval = min((s.poll_seconds for s in self._subscribed(self._subscriptions)), default=MIN_POLL_SECONDS)
        while (remaining := start + self._interval - loop.time()) > 0:
            self._wakeup.clear()
            try:
                await asyncio.wait_for(self._wakeup.wait(), remaining)
            except TimeoutError:
                return

    async def _poll_once(self) -> None:
        """Query the store once and deliver the matches. After a failure, the next poll reconnects."""
        conditions = list(self._subscriptions)
        try:
            if self._database is None:
                connection = await BaseHook.aget_connection(self.store_conn_id)
                self._database = await asyncio.to_thread(_open_database, self.store_conn_id, connection)
            self.poll_count += 1
            state = await asyncio.to_thread(_query_store, self._database, conditions)
            matches = {condition: condition.matches(state) for condition in conditions}
        except AirflowNotFoundException as error:
            for subscription in self._subscribed(conditions):
                subscription.fail(error)
        except Exception as error:  # the poll must survive any error of the store
            self._database = None  # the password may have changed
            log_failure = log.debug if self._failing else log.warning
            log_failure("Cannot query the lifecycle store %s, retrying: %s", self.store_conn_id, error)
            self._failing = True
        else:
            if self._failing:
                log.warning("The lifecycle store %s is available again", self.store_conn_id)
                self._failing = False
            for condition, answer in matches.items():
                for subscription in self._subscribed([condition]):
                    subscription.deliver(answer)

    def _subscribed(self, conditions: Iterable[WaitCondition]) -> Iterator[Subscription]:
        for condition in conditions:
            yield from self._subscriptions.get(condition, ())


def _get_poll(store_conn_id: str) -> SharedPoll:
    """Return the shared poll of a store in this event loop."""
    polls = _polls.setdefault(asyncio.get_running_loop(), {})
    if store_conn_id not in polls:
        polls[store_conn_id] = SharedPoll(store_conn_id)
    return polls[store_conn_id]


def _open_database(store_conn_id: str, connection: Connection) -> Database:
    # In the thread, because its imports would block the event loop.
    return LifecycleStoreHook(store_conn_id, connection).database


def _query_store(database: Database, conditions: list[WaitCondition]) -> StoreState:
    from airflow_mlops.store import polling

    return polling.fetch_state(database, conditions)
