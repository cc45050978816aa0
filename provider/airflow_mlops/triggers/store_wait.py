"""Triggers that the sensors defer to. Each waits for one event."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_mlops.hooks.store import LifecycleStoreHook
from airflow_mlops.triggers.shared_poll import Subscription

if TYPE_CHECKING:
    from airflow_mlops.store.wait_conditions import WaitCondition


class StoreWaitTrigger(BaseTrigger):
    """Base class of triggers that wait until a condition of the store is met. Subclasses define the condition.

    There is nothing external to cancel, so ``on_kill`` is not overridden. The trigger always unsubscribes from the
    shared poll when it ends.

    :param store_conn_id: connection ID of the lifecycle store.
    :param poll_seconds: maximum interval between polls, in seconds. Default: 60.
    """

    _subscription: Subscription | None = None

    def __init__(
        self, *, store_conn_id: str = LifecycleStoreHook.default_conn_name, poll_seconds: float = 60.0
    ) -> None:
        super().__init__()
        self.store_conn_id = store_conn_id
        self.poll_seconds = poll_seconds

    def condition(self) -> WaitCondition:
        """Return the wait condition. Called when the trigger starts, after its templates are rendered."""
        raise NotImplementedError

    def arguments(self) -> dict[str, Any]:
        """Return the subclass's own arguments, to recreate the trigger."""
        raise NotImplementedError

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and arguments to recreate the trigger."""
        shared = {"store_conn_id": self.store_conn_id, "poll_seconds": self.poll_seconds}
        return f"{type(self).__module__}.{type(self).__qualname__}", {**self.arguments(), **shared}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait for matches and emit the first one."""
        with Subscription(self.condition(), self.store_conn_id, self.poll_seconds) as self._subscription:
            while not (matches := await self._subscription.next_matches()):
                pass
        yield TriggerEvent(matches[0])

    async def cleanup(self) -> None:
        """Unsubscribe from the shared poll when the trigger is cancelled."""
        if self._subscription is not None:
            self._subscription.close()


class RetrainingRequestTrigger(StoreWaitTrigger):
    """Wait until a model's drift episode requests a retraining.

    :param model: name of the registered model.
    :param after: ``[episode, attempts]`` of the last request to ignore. Default: none.
    """

    def __init__(self, model: str, after: Sequence[int] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.model = model
        self.after = after

    def condition(self) -> WaitCondition:
        """Return the wait condition."""
        from airflow_mlops.store.wait_conditions import RetrainingRequests

        after = None if self.after is None else (int(self.after[0]), int(self.after[1]))
        return RetrainingRequests((self.model,), after)

    def arguments(self) -> dict[str, Any]:
        """Return the arguments to recreate the trigger."""
        return {"model": self.model, "after": None if self.after is None else list(self.after)}


class NewChampionTrigger(StoreWaitTrigger):
    """Wait until a model has a new champion.

    :param model: name of the registered model.
    :param after_revision: minimum ledger revision, exclusive. Default: not checked.
    :param other_than: version number to ignore. Default: not checked.
    :param since: ISO timestamp after which the champion was recorded. Default: not checked.
    """

    def __init__(
        self,
        model: str,
        after_revision: int | str | None = None,
        other_than: int | str | None = None,
        since: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.model = model
        self.after_revision = after_revision
        self.other_than = other_than
        self.since = since

    def condition(self) -> WaitCondition:
        """Return the wait condition."""
        return _parse_new_champion(self.model, self.after_revision, self.other_than, self.since)

    def arguments(self) -> dict[str, Any]:
        """Return the arguments to recreate the trigger."""
        return {
            "model": self.model,
            "after_revision": self.after_revision,
            "other_than": self.other_than,
            "since": self.since,
        }


class LabelledRowsTrigger(StoreWaitTrigger):
    """Wait until a partition has enough labelled rows.

    :param dataset: name of the labels dataset.
    :param partition: partition key.
    :param min_rows: minimum number of labelled rows. Default: 1.
    """

    def __init__(self, dataset: str, partition: str, min_rows: int | str = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset
        self.partition = partition
        self.min_rows = min_rows

    def condition(self) -> WaitCondition:
        """Return the wait condition."""
        from airflow_mlops.store.wait_conditions import LabelledRows

        return LabelledRows(self.dataset, self.partition, int(self.min_rows))

    def arguments(self) -> dict[str, Any]:
        """Return the arguments to recreate the trigger."""
        return {"dataset": self.dataset, "partition": self.partition, "min_rows": self.min_rows}


def _parse_new_champion(
    model: str, after_revision: int | str | None, other_than: int | str | None, since: str | None
) -> WaitCondition:
    """Parse rendered template values; empty text and ``"None"`` mean not checked.

    :raises ValueError: when a revision or version is not a number, or the timestamp is not valid.
    """
    from airflow_mlops.store.clock import from_iso
    from airflow_mlops.store.wait_conditions import NewChampion

    revision, version, timestamp = (None if v in (None, "", "None") else v for v in (after_revision, other_than, since))
    return NewChampion(
        model,
        None if revision is None else int(revision),
        None if version is None else int(version),
        None if timestamp is None else from_iso(str(timestamp)),
    )
