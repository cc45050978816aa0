"""Event trigger for new champions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_mlops.triggers.base import StoreEventTrigger
from airflow_mlops.triggers.shared_poll import ConditionMatches

if TYPE_CHECKING:
    from airflow_mlops.store.wait_conditions import WaitCondition


class ModelVersionTrigger(StoreEventTrigger):
    """Emit an event when a model has a new champion by promotion or rollback. For an ``AssetWatcher``.

    Champions that exist on the first poll emit no event. The emitted events are saved in the watched asset's state, so
    changes while no triggerer runs are emitted later. Of several changes between two polls, only the last is emitted.

    :param models: names of the models to watch. ``None`` (default): all, including those without a champion yet.
    :param store_conn_id: connection ID of the lifecycle store.
    :param poll_seconds: maximum interval between polls, in seconds. Default: 5.
    """

    state_key: ClassVar[str] = "mlops_champions_seen"

    def condition(self) -> WaitCondition:
        """Return the wait condition to watch."""
        from airflow_mlops.store.wait_conditions import Champions

        return Champions(None if self.models is None else tuple(self.models))

    def new_events(self, matches: ConditionMatches, state: Any) -> tuple[ConditionMatches, Any]:
        """Return the champions with a later revision than the emitted one."""
        revisions = {c["model"]: int(c["revision"]) for c in matches}
        if not isinstance(state, dict):
            return [], revisions
        new = [c for c in matches if int(c["revision"]) > int(state.get(c["model"], 0))]
        return new, {**state, **revisions}
