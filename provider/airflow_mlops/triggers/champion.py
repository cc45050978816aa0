"""A new champion, as an event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_mlops.triggers.base import StoreEventTrigger
from airflow_mlops.triggers.watching import Answer

if TYPE_CHECKING:
    from airflow_mlops.store.questions import Question


class ModelVersionTrigger(StoreEventTrigger):
    """Fires when a model has a new champion, promoted or rolled back to: for an ``AssetWatcher``.

    The champions that are there when it watches for the first time are no news. Which were told is kept in the watched
    asset's state; what happens while no triggerer runs is told when one does again. Of several changes between two
    looks only the last is told.

    :param models: the models that are watched; ``None`` for all, also those that have no champion yet.
    :param store_conn_id: the connection to the lifecycle store.
    :param poll_seconds: how often the store is asked at least.
    """

    remembered_as: ClassVar[str] = "mlops_champions_seen"

    def question(self) -> Question:
        """Give what is watched."""
        from airflow_mlops.store.questions import Champions

        return Champions(None if self.models is None else tuple(self.models))

    def news(self, answer: Answer, told: Any) -> tuple[Answer, Any]:
        """Give the champions of a later epoch than was told."""
        epochs = {c["model"]: int(c["epoch"]) for c in answer}
        if not isinstance(told, dict):
            return [], epochs
        new = [c for c in answer if int(c["epoch"]) > int(told.get(c["model"], 0))]
        return new, {**told, **epochs}
