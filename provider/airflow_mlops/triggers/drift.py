"""Event trigger for retraining requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_mlops.triggers.base import StoreEventTrigger
from airflow_mlops.triggers.shared_poll import ConditionMatches

if TYPE_CHECKING:
    from airflow_mlops.store.wait_conditions import WaitCondition

_MAX_REMEMBERED = 200


class DriftTrigger(StoreEventTrigger):
    """Emit one event per retraining request. For an ``AssetWatcher``.

    A request remains in the lifecycle store until a training run claims it. The emitted requests are saved in the
    watched asset's state, so a restarted triggerer does not repeat them. If one is repeated, still only one run can
    claim the episode.

    :param models: names of the models to watch. ``None`` (default): all.
    :param store_conn_id: connection ID of the lifecycle store.
    :param poll_seconds: maximum interval between polls, in seconds. Default: 5.
    """

    state_key: ClassVar[str] = "mlops_drift_seen"

    def condition(self) -> WaitCondition:
        """Return the wait condition to watch."""
        from airflow_mlops.store.wait_conditions import RetrainingRequests

        return RetrainingRequests(None if self.models is None else tuple(self.models))

    def new_events(self, matches: ConditionMatches, state: Any) -> tuple[ConditionMatches, Any]:
        """Return the requests that were not emitted yet."""
        emitted = [str(name) for name in state] if isinstance(state, list) else []
        new = [request for request in matches if request["id"] not in emitted]
        return new, [*emitted, *(request["id"] for request in new)][-_MAX_REMEMBERED:]
