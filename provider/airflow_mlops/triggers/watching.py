"""The one poll of a lifecycle store that all triggers of a triggerer share.

Triggers subscribe with a question. While anybody is subscribed, one task asks the store once in a while, in one query
for all questions, and wakes only those whose answer has changed: a trigger that waits costs nothing. The store is asked
in a thread, one for each store and not for each trigger, so that the event loop of the triggerer is never held up.
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
    from airflow_mlops.store.questions import Question, Seen

log = logging.getLogger(__name__)
Answer = list[dict[str, Any]]

LEAST_SECONDS = 0.01
_watches: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Watch]] = WeakKeyDictionary()


class Subscription:
    """What one trigger waits for. A context manager: leaving it ends the subscription.

    :param question: what is waited for.
    :param store_conn_id: the connection to the lifecycle store.
    :param poll_seconds: how often the store is asked at least; others may have it asked more often.
    """

    def __init__(self, question: Question, store_conn_id: str, poll_seconds: float) -> None:
        self.question = question
        self.poll_seconds = max(float(poll_seconds), LEAST_SECONDS)
        self._watch = _watch_of(store_conn_id)
        self._changed = asyncio.Event()
        self._answer: Answer | None = None
        self._error: Exception | None = None

    def __enter__(self) -> Self:
        self._watch.join(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.end()

    def end(self) -> None:
        """End it; again does nothing."""
        self._watch.leave(self)

    async def answer(self) -> Answer:
        """Give the answer as soon as it is another one than this has given before.

        The first answer comes with the first look at the store, even when it is empty.

        :raises AirflowNotFoundException: when there is no such connection.
        """
        await self._changed.wait()
        self._changed.clear()
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        return self._answer or []

    def tell(self, answer: Answer) -> None:
        """Take what the store was found to say."""
        if answer != self._answer:
            self._answer = answer
            self._changed.set()

    def fail(self, error: Exception) -> None:
        """Take an error that asking again does not mend."""
        self._error = error
        self._changed.set()


class Watch:
    """The poll of one store, for all who are subscribed.

    :param store_conn_id: the connection to the lifecycle store.
    """

    def __init__(self, store_conn_id: str) -> None:
        self.store_conn_id = store_conn_id
        self.looks = 0
        self._asking: dict[Question, set[Subscription]] = {}
        self._database: Database | None = None
        self._task: asyncio.Task[None] | None = None
        self._sooner = asyncio.Event()
        self._troubled = False
        self._interval = LEAST_SECONDS

    def join(self, subscription: Subscription) -> None:
        """Let one in; the first one starts the poll."""
        self._asking.setdefault(subscription.question, set()).add(subscription)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._poll(), name=f"mlops-watch-{self.store_conn_id}")
        elif subscription.poll_seconds < self._interval:
            self._interval = subscription.poll_seconds
            self._sooner.set()

    def leave(self, subscription: Subscription) -> None:
        """Let one go; the last one ends the poll."""
        asking = self._asking.get(subscription.question)
        if asking is None or subscription not in asking:
            return
        asking.discard(subscription)
        if not asking:
            del self._asking[subscription.question]
        if not self._asking and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _poll(self) -> None:
        while True:
            await self._ask()
            await self._pause()

    async def _pause(self) -> None:
        """Wait for the time of the next look, which may come closer meanwhile."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        # As often as the most impatient one wants it.
        self._interval = min((s.poll_seconds for s in self._subscribed(self._asking)), default=LEAST_SECONDS)
        while (left := began + self._interval - loop.time()) > 0:
            self._sooner.clear()
            try:
                await asyncio.wait_for(self._sooner.wait(), left)
            except TimeoutError:
                return

    async def _ask(self) -> None:
        """Ask the store once and tell who waits. A store that is down is asked again, from its connection on."""
        questions = list(self._asking)
        try:
            if self._database is None:
                connection = await BaseHook.aget_connection(self.store_conn_id)
                self._database = await asyncio.to_thread(_opened, self.store_conn_id, connection)
            self.looks += 1
            seen = await asyncio.to_thread(_look, self._database, questions)
            answers = {question: question.answer(seen) for question in questions}
        except AirflowNotFoundException as error:
            for subscription in self._subscribed(questions):
                subscription.fail(error)
        except Exception as error:  # whatever the store's trouble is, the watch must go on
            self._database = None  # the password may be another one by now
            said = log.debug if self._troubled else log.warning
            said("cannot ask the lifecycle store %s, trying again: %s", self.store_conn_id, error)
            self._troubled = True
        else:
            if self._troubled:
                log.warning("the lifecycle store %s answers again", self.store_conn_id)
                self._troubled = False
            for question, answer in answers.items():
                for subscription in self._subscribed([question]):
                    subscription.tell(answer)

    def _subscribed(self, questions: Iterable[Question]) -> Iterator[Subscription]:
        for question in questions:
            yield from self._asking.get(question, ())


def _watch_of(store_conn_id: str) -> Watch:
    """Give the watch of a store in this event loop."""
    watches = _watches.setdefault(asyncio.get_running_loop(), {})
    if store_conn_id not in watches:
        watches[store_conn_id] = Watch(store_conn_id)
    return watches[store_conn_id]


def _opened(store_conn_id: str, connection: Connection) -> Database:
    # In the thread, as the libraries that this imports take longer than an event loop may be held up.
    return LifecycleStoreHook(store_conn_id, connection).database


def _look(database: Database, questions: list[Question]) -> Seen:
    from airflow_mlops.store import watch

    return watch.look(database, questions)
