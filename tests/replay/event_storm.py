"""An event source that emits each retraining request a thousand times."""

from __future__ import annotations

from typing import Any, ClassVar

from airflow_mlops.triggers.drift import DriftTrigger
from airflow_mlops.triggers.shared_poll import ConditionMatches
from tests.replay.scenarios import STORM_EVENTS


class StormTrigger(DriftTrigger):
    """A :class:`DriftTrigger` that emits each event as a burst of numbered events."""

    state_key: ClassVar[str] = "mlops_storm_seen"

    def new_events(self, matches: ConditionMatches, state: Any) -> tuple[ConditionMatches, Any]:
        """Return each new event a thousand times."""
        new, known = super().new_events(matches, state)
        return [{**request, "number": number} for request in new for number in range(STORM_EVENTS)], known
