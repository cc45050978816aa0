"""The janitor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from airflow_mlops.operators.base import ReportingOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class JanitorOperator(ReportingOperator):
    """Put right what killed tasks have left, and remove files that nobody needs; gives the ``ReportRef``.

    MLflow's aliases follow the ledger; runs that nobody will end are closed, and versions that nobody will finish are
    removed; temporary files of snapshots go, and so do the files of old versions: never those of the champion, of the
    one before, of one with an alias, or of one that is being judged. What is known of a version stays; which attempt of
    a task may publish is forgotten long after the task.

    :param for_real: whether to do it; else the report only tells what there is to do.
    :param older_than_hours: what was begun within so many hours is not touched.
    :param keep_champions: the files of so many of the last champions stay.
    :param keep_days: the files of all versions that were registered, or judged, within so many days stay; and so long
        it is remembered which attempt of a task may publish.
    :param most: so many things are done in one sweep.
    :param when_failed: ``fail``: what could not be put right fails the task, after the report is published; ``warn``:
        it only says so.
    """

    template_fields: Sequence[str] = ("for_real", "older_than_hours", "keep_champions", "keep_days", "most")

    def __init__(
        self,
        *,
        for_real: bool | str = False,
        older_than_hours: float | str = 48.0,
        keep_champions: int | str = 5,
        keep_days: float | str = 90.0,
        most: int | str = 1000,
        when_failed: Literal["fail", "warn"] = "warn",
        **kwargs: Any,
    ) -> None:
        super().__init__(when_failed=when_failed, **kwargs)
        self.for_real = for_real
        self.older_than_hours = older_than_hours
        self.keep_champions = keep_champions
        self.keep_days = keep_days
        self.most = most

    def step(self, context: Context) -> dict[str, Any]:
        """Sweep once, publish what was done."""
        from airflow_mlops.core.registry.janitor import Janitor, clean
        from airflow_mlops.core.yes_no import yes_or_no

        rules = Janitor(
            older_than_hours=float(self.older_than_hours),
            keep_champions=int(self.keep_champions),
            keep_days=float(self.keep_days),
            most=int(self.most),
        )
        real = yes_or_no(self.for_real, "for_real", unsaid=False)
        report = clean(self.mlflow, self.database, self.snapshots, rules, dry_run=not real)
        return self.conclude(report, context)
