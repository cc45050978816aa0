"""Operator that cleans up after killed tasks and deletes old files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from airflow_mlops.operators.base import ReportingOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class CleanUpOperator(ReportingOperator):
    """Repair what killed tasks left behind and delete unreferenced files. Returns a ``ReportRef``.

    It sets MLflow's aliases from the ledger, closes abandoned runs, and removes unfinished versions and temporary
    snapshot files. It deletes the files of old versions, except those of current, recent and previous champions, of
    versions with an alias, and of versions under evaluation. The records of all versions remain. Records of which
    attempt may publish are deleted after ``keep_days``.

    :param apply: apply the changes. Default: ``False``, a dry run that only reports them.
    :param older_than_hours: minimum age of cleaned items, in hours. Newer items may still be in use. Default: 48.
    :param keep_champions: number of most recent champions whose files are retained. Default: 5.
    :param keep_days: retention, in days, for the files of versions that were registered or evaluated, and for attempt
        records. Default: 90.
    :param max_actions: maximum number of changes per run. Default: 1000.
    :param when_failed: ``warn`` (default): a failed repair only logs a warning. ``fail``: it fails the task after the
        report is published.
    """

    template_fields: Sequence[str] = ("apply", "older_than_hours", "keep_champions", "keep_days", "max_actions")

    def __init__(
        self,
        *,
        apply: bool | str = False,
        older_than_hours: float | str = 48.0,
        keep_champions: int | str = 5,
        keep_days: float | str = 90.0,
        max_actions: int | str = 1000,
        when_failed: Literal["fail", "warn"] = "warn",
        **kwargs: Any,
    ) -> None:
        super().__init__(when_failed=when_failed, **kwargs)
        self.apply = apply
        self.older_than_hours = older_than_hours
        self.keep_champions = keep_champions
        self.keep_days = keep_days
        self.max_actions = max_actions

    def step(self, context: Context) -> dict[str, Any]:
        """Clean up once and publish the report."""
        from airflow_mlops.common.booleans import parse_bool
        from airflow_mlops.core.housekeeping.cleanup import CleanupPolicy, clean_up

        rules = CleanupPolicy(
            older_than_hours=float(self.older_than_hours),
            keep_champions=int(self.keep_champions),
            keep_days=float(self.keep_days),
            max_actions=int(self.max_actions),
        )
        dry_run = not parse_bool(self.apply, "apply", default=False)
        report = clean_up(self.mlflow, self.database, self.snapshots, rules, dry_run=dry_run)
        return self.conclude(report, context)
