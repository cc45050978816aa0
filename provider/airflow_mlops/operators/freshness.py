"""The age of a model: an alarm for the retraining that never came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.operators.base import ReportingOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class CheckFreshnessOperator(ReportingOperator):
    """Fail when a model was not trained with success for so many days; gives a ``ReportRef``.

    For a small DAG with a schedule of its own and a notifier as ``on_failure_callback``. Airflow's ``DeadlineAlert``
    tells that a run takes too long; that no run was successful, or started at all, it does not.

    :param model: the model's name.
    :param max_days: so many days may pass without a training whose gate has decided.
    :param champion_max_days: so many days one version may be champion; ``None``: as long as it likes.
    :param as_of: the moment that is judged, as ISO text; default now.
    """

    template_fields: Sequence[str] = ("model", "max_days", "champion_max_days", "as_of")

    def __init__(
        self,
        *,
        model: str,
        max_days: float | str,
        champion_max_days: float | str | None = None,
        as_of: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.model = model
        self.max_days = max_days
        self.champion_max_days = champion_max_days
        self.as_of = as_of

    def step(self, context: Context) -> dict[str, Any]:
        """Judge, publish, fail if it is too old."""
        from airflow_mlops.core.monitoring.freshness import check_freshness

        report = check_freshness(
            self.database,
            model=self.model,
            max_days=_days("max_days", self.max_days),
            champion_max_days=None
            if self.champion_max_days in (None, "", "None")
            else _days("champion_max_days", self.champion_max_days),
            as_of=None if self.as_of in ("", "None") else self.as_of,
        )
        return self.conclude(report, context)


def _days(name: str, given: Any) -> float:
    from airflow_mlops.core.errors import BadInput

    try:
        return float(given)
    except ValueError:
        raise BadInput(f"{name} is no number of days: {given!r}", mend="give a number, such as 30") from None
