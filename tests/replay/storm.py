"""An event source gone wild: it tells each request of a retraining a thousand times."""

from __future__ import annotations

from typing import Any, ClassVar

from airflow_mlops.triggers.drift import DriftTrigger
from airflow_mlops.triggers.watching import Answer
from tests.replay.worlds import STORM


class StormTrigger(DriftTrigger):
    """What :class:`DriftTrigger` tells once comes as a burst of numbered events."""

    remembered_as: ClassVar[str] = "mlops_storm_seen"

    def news(self, answer: Answer, told: Any) -> tuple[Answer, Any]:
        """Tell what is new, a thousand times."""
        new, known = super().news(answer, told)
        return [{**request, "number": number} for request in new for number in range(STORM)], known
