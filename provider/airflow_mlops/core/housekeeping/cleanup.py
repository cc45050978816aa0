"""Cleanup job: removes orphans of killed tasks and unreferenced files, and repairs MLflow's aliases.

Every task of the cleanup can be repeated without harm, so the job may be killed at any point and the next run resumes.
A dry run finds the same tasks and performs none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from airflow_mlops.common.errors import BadInput, MlopsError, Superseded
from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.data.snapshots import orphaned_files
from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
from airflow_mlops.core.housekeeping import orphans, retention
from airflow_mlops.core.registry import aliases, consistency
from airflow_mlops.store import attempts, models
from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database

if TYPE_CHECKING:
    from mlflow import MlflowClient

MAX_LISTED = 50


@dataclass(frozen=True, slots=True)
class CleanupPolicy:
    """Limits of the cleanup.

    :param older_than_hours: skip what was begun within this many hours, because it may be in use. No training may take
        longer.
    :param keep_champions: retain the files of this many of the last champions, at least two.
    :param keep_days: retain the files of all versions that were registered or evaluated within this many days, and the
        records of which attempt of a task may publish.
    :param max_actions: the largest number of tasks in one run.
    :raises BadInput: when a value is too small.
    """

    older_than_hours: float = 48.0
    keep_champions: int = 5
    keep_days: float = 90.0
    max_actions: int = 1000

    def __post_init__(self) -> None:
        for name, minimum in (("older_than_hours", 1), ("keep_champions", 2), ("keep_days", 1), ("max_actions", 1)):
            if not getattr(self, name) >= minimum:
                raise BadInput(f"{name} is {getattr(self, name)}", where="the cleanup", hint=f"at least {minimum}")


@dataclass(frozen=True, slots=True)
class CleanupTask:
    """One task of the cleanup.

    :param what: a description.
    :param do: performs it; safe to repeat.
    """

    what: str
    do: Callable[[], object]


@dataclass(slots=True)
class _Outcome:
    """Tasks of one kind that were performed, or would be in a real run."""

    done: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    incomplete: bool = False


def clean_up(
    client: MlflowClient,
    database: Database,
    root: SnapshotRoot,
    policy: CleanupPolicy | None = None,
    *,
    dry_run: bool = True,
    timestamp: datetime | None = None,
) -> Report:
    """Run the cleanup once.

    :param policy: the limits.
    :param dry_run: only find the tasks.
    :param timestamp: now; for tests.
    :returns: a report of the kind ``cleanup``: one check for each kind of task, which warns where a task failed; its
        facts list the tasks.
    """
    policy, timestamp = policy or CleanupPolicy(), timestamp or now()
    outcomes: dict[str, _Outcome] = {}
    budget = policy.max_actions
    for kind, tasks in _tasks(client, database, root, policy, timestamp).items():
        outcomes[kind] = _run(tasks, budget, dry_run=dry_run)
        budget -= len(outcomes[kind].done) + len(outcomes[kind].failed)
    checks = [_check(kind, outcome, dry_run) for kind, outcome in outcomes.items()]
    facts = {
        "dry_run": dry_run,
        "incomplete": [kind for kind, outcome in outcomes.items() if outcome.incomplete],
        "counts": {kind: len(outcome.done) for kind, outcome in outcomes.items()},
        **{kind: outcome.done[:MAX_LISTED] for kind, outcome in outcomes.items()},
    }
    checks += _inconsistencies(client, database)
    return Report.from_checks("cleanup", "a dry run" if dry_run else "a run", checks, facts=facts)


def _tasks(
    client: MlflowClient, database: Database, root: SnapshotRoot, rules: CleanupPolicy, moment: datetime
) -> dict[str, Iterator[CleanupTask]]:
    before = moment - timedelta(hours=rules.older_than_hours)
    return {
        "aliases": _alias_tasks(client, database),
        "runs and versions": _orphan_tasks(client, database, before),
        "temporary files": _temporary_file_tasks(root, before),
        "old files": _expired_file_tasks(client, database, rules, moment),
        "old attempts": _attempt_tasks(database, min(before, moment - timedelta(days=rules.keep_days))),
    }


def _alias_tasks(client: MlflowClient, database: Database) -> Iterator[CleanupTask]:
    """Yield a task for each model whose aliases in MLflow differ from the ledger."""
    for model in models.names(database):
        report = consistency.check_consistency(client, database, model)
        stale = [c.name for c in report.failed if c.name.startswith("alias ")]
        deleted = [c.name for c in report.failed if c.name in ("the model is in MLflow", "champions are in MLflow")]
        if stale and not deleted and report.facts["champion"] is not None:
            yield CleanupTask(
                f"{model}: {', '.join(stale)} as in the ledger", partial(aliases.reconcile, client, database, model)
            )


def _orphan_tasks(client: MlflowClient, database: Database, before: datetime) -> Iterator[CleanupTask]:
    for orphan in orphans.find_orphans(client, database, before=before):
        yield CleanupTask(str(orphan), partial(orphans.repair, client, orphan))


def _temporary_file_tasks(root: SnapshotRoot, before: datetime) -> Iterator[CleanupTask]:
    for path, why in orphaned_files.find_orphaned_files(root, before):
        yield CleanupTask(
            f"{path.removeprefix(root.path).lstrip('/')}: {why}",
            partial(orphaned_files.delete_orphaned_file, root, path),
        )


def _expired_file_tasks(
    client: MlflowClient, database: Database, rules: CleanupPolicy, moment: datetime
) -> Iterator[CleanupTask]:
    for model in models.names(database):
        for files in retention.find_expired(
            client, database, model, champions=rules.keep_champions, days=rules.keep_days, timestamp=moment
        ):
            yield CleanupTask(
                f"{model} v{files.version}: registered {files.recorded_at.date()}, not a recent champion",
                partial(retention.delete_files, client, database, model, files, timestamp=moment),
            )


def _attempt_tasks(database: Database, before: datetime) -> Iterator[CleanupTask]:
    for day, count in attempts.count_expired(database, before).items():
        yield CleanupTask(f"{day}: {count} attempts of tasks", partial(attempts.delete_expired, database, day, before))


def _run(tasks: Iterator[CleanupTask], limit: int, *, dry_run: bool) -> _Outcome:
    """Perform at most ``limit`` tasks; a failed task does not stop the others."""
    outcome = _Outcome()
    try:
        for task in tasks:
            if len(outcome.done) + len(outcome.failed) >= limit:
                outcome.incomplete = True
                break
            try:
                if not dry_run:
                    task.do()
            except Superseded:
                raise
            except Exception as error:
                outcome.failed.append(f"{task.what}: {_message(error)}")
            else:
                outcome.done.append(task.what)
    except Superseded:
        raise
    except Exception as error:  # finding the tasks has failed
        outcome.failed.append(f"search failed: {_message(error)}")
    return outcome


def _message(error: Exception) -> str:
    return (error.what if isinstance(error, MlopsError) else f"{type(error).__name__}: {error}")[:200]


def _check(kind: str, outcome: _Outcome, dry_run: bool) -> Check:
    done, failed = len(outcome.done), outcome.failed
    summary = f"{done} {'to clean up' if dry_run else 'cleaned up'}"
    if outcome.incomplete:
        summary += ", more remain for the next run"
    if failed:
        return Check(kind, "fail", "warn", failed[:10], None, failed[0], f"{summary}; {len(failed)} failed")
    return Check(kind, "pass", "warn", done, None, None, summary)


def _inconsistencies(client: MlflowClient, database: Database) -> list[Check]:
    """Return the differences between store and MLflow that need a person."""
    checks = []
    for model in models.names(database):
        try:
            failed = consistency.check_consistency(client, database, model).failed
        except Exception as error:
            checks.append(Check("consistency with MLflow", "fail", "warn", None, None, model, _message(error)))
            continue
        checks += [
            Check(
                f"consistency with MLflow: {c.name}", "fail", "warn", c.observed, None, f"{model} {c.where}", c.message
            )
            for c in failed
            if not c.name.startswith("alias ")
        ]
    return checks or [Check("consistency with MLflow", "pass", "warn")]
