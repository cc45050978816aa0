"""A request of a retraining, as an event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_mlops.triggers.base import StoreEventTrigger
from airflow_mlops.triggers.watching import Answer

if TYPE_CHECKING:
    from airflow_mlops.store.questions import Question

_REMEMBERED = 200


class DriftTrigger(StoreEventTrigger):
    """Fires once for each request of a retraining: for an ``AssetWatcher``.

    A request stands in the lifecycle store until a training run claims it. What was told already is kept in the
    watched asset's state, so that a triggerer that restarts does not tell it again; and were it told twice, only one
    run could claim the episode.

    :param models: the models that are watched; ``None`` for all.
    :param store_conn_id: the connection to the lifecycle store.
    :param poll_seconds: how often the store is asked at least.
    """

    remembered_as: ClassVar[str] = "mlops_drift_seen"

    def question(self) -> Question:
        """Give what is watched."""
        from airflow_mlops.store.questions import Requests

        return Requests(None if self.models is None else tuple(self.models))

    def news(self, answer: Answer, told: Any) -> tuple[Answer, Any]:
        """Give the requests that were never told."""
        known = [str(name) for name in told] if isinstance(told, list) else []
        new = [request for request in answer if request["id"] not in known]
        return new, [*known, *(request["id"] for request in new)][-_REMEMBERED:]
