"""Operator that checks the age of a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.operators.base import ReportingOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class CheckFreshnessOperator(ReportingOperator):
    """Fail when the last successful training of a model is too old. Returns a ``ReportRef``.

    Use it in a small DAG with its own schedule and a notifier as ``on_failure_callback``. Airflow's ``DeadlineAlert``
    reports runs that take too long, but not that no run succeeded or started.

    :param model: name of the registered model.
    :param max_days: maximum age, in days, of the last training whose gate made a decision.
    :param champion_max_days: maximum age of the champion, in days. ``None`` (default): no limit.
    :param as_of: reference time, as an ISO date or date-time. Default: now.
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
        """Check the age, publish the report and fail if it is too old."""
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


def _days(name: str, value: Any) -> float:
    from airflow_mlops.common.errors import BadInput

    try:
        return float(value)
    except ValueError:
        raise BadInput(f"{name} is not a number of days; got {value!r}", hint="use a number such as 30") from None
