"""What the built-in metrics have in common."""

from __future__ import annotations

import math
from collections.abc import Callable

from airflow_mlops.core.metrics import interval_methods
from airflow_mlops.core.metrics.influence import mean_influence
from airflow_mlops.core.metrics.metric import Metric, mean_metric
from airflow_mlops.core.metrics.types import Array, Task

LARGE_FALL = 0.1
UNIT = (0.0, 1.0)


def mean_loss(
    name: str,
    task: Task,
    loss: Callable[[Array, Array], Array],
    *,
    gain_by_influence: bool = False,
    aliases: tuple[str, ...] = (),
) -> Metric:
    """Build the metric of a mean row loss, which is never negative."""
    return Metric(
        name,
        "lower",
        task,
        mean_metric(loss),
        mean_influence(loss),
        gain_by_influence=gain_by_influence,
        interval=interval_methods.LOSS,
        bounds=(0.0, math.inf),
        aliases=aliases,
    )
