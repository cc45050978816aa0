"""What the sensors defer to: each waits for one thing, tells it, and ends."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_mlops.hooks.store import LifecycleStoreHook
from airflow_mlops.triggers.watching import Subscription

if TYPE_CHECKING:
    from airflow_mlops.store.questions import Question


class WaitingTrigger(BaseTrigger):
    """Waits until the lifecycle store answers a question. Subclasses say which.

    There is nothing outside to cancel when a person ends the waiting task, so ``on_kill`` is Airflow's own; whichever
    way the trigger ends, it leaves the shared poll.

    :param store_conn_id: the connection to the lifecycle store.
    :param poll_seconds: how often the store is asked at least.
    """

    _subscription: Subscription | None = None

    def __init__(
        self, *, store_conn_id: str = LifecycleStoreHook.default_conn_name, poll_seconds: float = 60.0
    ) -> None:
        super().__init__()
        self.store_conn_id = store_conn_id
        self.poll_seconds = poll_seconds

    def question(self) -> Question:
        """Give what is waited for. Asked when the trigger starts, when its templates are rendered."""
        raise NotImplementedError

    def arguments(self) -> dict[str, Any]:
        """Give what the subclass needs to be made again."""
        raise NotImplementedError

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give what the triggerer needs to make it again."""
        shared = {"store_conn_id": self.store_conn_id, "poll_seconds": self.poll_seconds}
        return f"{type(self).__module__}.{type(self).__qualname__}", {**self.arguments(), **shared}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, tell, end."""
        with Subscription(self.question(), self.store_conn_id, self.poll_seconds) as self._subscription:
            while not (found := await self._subscription.answer()):
                pass
        yield TriggerEvent(found[0])

    async def cleanup(self) -> None:
        """Leave the shared poll, if the trigger was ended from outside."""
        if self._subscription is not None:
            self._subscription.end()


class RequestTrigger(WaitingTrigger):
    """Waits until a model's drift episode asks for a retraining.

    :param model: the model's name.
    :param after: ``[episode, attempts]`` of the last request that is known already.
    """

    def __init__(self, model: str, after: Sequence[int] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.model = model
        self.after = after

    def question(self) -> Question:
        """Give what is waited for."""
        from airflow_mlops.store.questions import Requests

        after = None if self.after is None else (int(self.after[0]), int(self.after[1]))
        return Requests((self.model,), after)

    def arguments(self) -> dict[str, Any]:
        """Give what this needs to be made again."""
        return {"model": self.model, "after": None if self.after is None else list(self.after)}


class NewChampionTrigger(WaitingTrigger):
    """Waits until a model has a new champion: of a later epoch, of another version, or since a moment.

    :param model: the model's name.
    :param after_epoch: an epoch of the ledger.
    :param other_than: a version.
    :param since: an ISO moment.
    """

    def __init__(
        self,
        model: str,
        after_epoch: int | str | None = None,
        other_than: int | str | None = None,
        since: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.model = model
        self.after_epoch = after_epoch
        self.other_than = other_than
        self.since = since

    def question(self) -> Question:
        """Give what is waited for."""
        return new_champion(self.model, self.after_epoch, self.other_than, self.since)

    def arguments(self) -> dict[str, Any]:
        """Give what this needs to be made again."""
        return {
            "model": self.model,
            "after_epoch": self.after_epoch,
            "other_than": self.other_than,
            "since": self.since,
        }


class LabelledTrigger(WaitingTrigger):
    """Waits until a partition has enough labelled rows.

    :param dataset: the dataset of labels.
    :param partition: the partition.
    :param min_rows: how many rows are enough.
    """

    def __init__(self, dataset: str, partition: str, min_rows: int | str = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset
        self.partition = partition
        self.min_rows = min_rows

    def question(self) -> Question:
        """Give what is waited for."""
        from airflow_mlops.store.questions import Labelled

        return Labelled(self.dataset, self.partition, int(self.min_rows))

    def arguments(self) -> dict[str, Any]:
        """Give what this needs to be made again."""
        return {"dataset": self.dataset, "partition": self.partition, "min_rows": self.min_rows}


def new_champion(
    model: str, after_epoch: int | str | None, other_than: int | str | None, since: str | None
) -> Question:
    """Read what a template may have made text of; nothing, and ``"None"``, ask for nothing.

    :raises ValueError: when an epoch or a version is no number, or the moment is none.
    """
    from airflow_mlops.store.clock import from_iso
    from airflow_mlops.store.questions import NewChampion

    epoch, version, moment = (None if v in (None, "", "None") else v for v in (after_epoch, other_than, since))
    return NewChampion(
        model,
        None if epoch is None else int(epoch),
        None if version is None else int(version),
        None if moment is None else from_iso(str(moment)),
    )
