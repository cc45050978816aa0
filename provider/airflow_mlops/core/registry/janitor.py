"""The janitor: what killed tasks have left, and files that nobody needs, go; what nobody may lose stays.

Each thing it does can be done again without harm, so it may be killed at any point; what a sweep leaves, or cannot do,
the next one does. A dry run finds the same and does nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from airflow_mlops.core.data import sweeping
from airflow_mlops.core.data.snapshot import SnapshotRoot
from airflow_mlops.core.errors import BadInput, MlopsError, Superseded
from airflow_mlops.core.registry import agreement, leftovers, promotion, retention
from airflow_mlops.core.report import Check, Report
from airflow_mlops.store import attempts, models
from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database

if TYPE_CHECKING:
    from mlflow import MlflowClient

TOLD = 50


@dataclass(frozen=True, slots=True)
class Janitor:
    """What the janitor goes by.

    :param older_than_hours: what was begun within so many hours may be at work and is not touched; no training may
        take longer.
    :param keep_champions: the files of so many of the last champions stay, at least two.
    :param keep_days: the files of all versions that were registered, or judged, within so many days stay; and so long
        it is remembered which attempt of a task may publish.
    :param most: so many things are done in one sweep.
    :raises BadInput: when a value makes no sense.
    """

    older_than_hours: float = 48.0
    keep_champions: int = 5
    keep_days: float = 90.0
    most: int = 1000

    def __post_init__(self) -> None:
        for name, least in (("older_than_hours", 1), ("keep_champions", 2), ("keep_days", 1), ("most", 1)):
            if not getattr(self, name) >= least:
                raise BadInput(f"{name} is {getattr(self, name)}", where="the janitor", mend=f"at least {least}")


@dataclass(frozen=True, slots=True)
class Chore:
    """One thing that is to be done.

    :param what: in words.
    :param do: does it; once more does no harm.
    """

    what: str
    do: Callable[[], object]


@dataclass(slots=True)
class _Done:
    """What was done, or would be, of one kind."""

    done: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    left: bool = False


def clean(
    client: MlflowClient,
    database: Database,
    root: SnapshotRoot,
    rules: Janitor | None = None,
    *,
    dry_run: bool = True,
    moment: datetime | None = None,
) -> Report:
    """Sweep once.

    :param rules: what to go by.
    :param dry_run: only find what there is to do.
    :param moment: now; for tests.
    :returns: a report of the kind ``janitor``: one check for each kind of thing, which warns where something could not
        be done; its facts tell what was done, or would be.
    """
    rules, moment = rules or Janitor(), moment or now()
    found: dict[str, _Done] = {}
    budget = rules.most
    for kind, chores in _kinds(client, database, root, rules, moment).items():
        found[kind] = _swept(chores, budget, dry_run=dry_run)
        budget -= len(found[kind].done) + len(found[kind].wrong)
    checks = [_check(kind, of, dry_run) for kind, of in found.items()]
    facts = {
        "dry_run": dry_run,
        "left_for_the_next": [kind for kind, of in found.items() if of.left],
        "counts": {kind: len(of.done) for kind, of in found.items()},
        **{kind: of.done[:TOLD] for kind, of in found.items()},
    }
    checks += _disagreements(client, database)
    return Report.of("janitor", "a dry run" if dry_run else "a sweep", checks, facts=facts)


def _kinds(
    client: MlflowClient, database: Database, root: SnapshotRoot, rules: Janitor, moment: datetime
) -> dict[str, Iterator[Chore]]:
    before = moment - timedelta(hours=rules.older_than_hours)
    return {
        "aliases": _aliases(client, database),
        "runs and versions": _leftovers(client, database, before),
        "temporary files": _temporary(root, before),
        "old files": _expired(client, database, rules, moment),
        "old attempts": _attempts(database, min(before, moment - timedelta(days=rules.keep_days))),
    }


def _aliases(client: MlflowClient, database: Database) -> Iterator[Chore]:
    """What the ledger says and MLflow's aliases do not."""
    for model in models.names(database):
        report = agreement.disagreements(client, database, model)
        wrong = [c.name for c in report.failed if c.name.startswith("alias ")]
        gone = [c.name for c in report.failed if c.name in ("the model is in MLflow", "champions are in MLflow")]
        if wrong and not gone and report.facts["champion"] is not None:
            yield Chore(
                f"{model}: {', '.join(wrong)} as in the ledger", partial(promotion.reconcile, client, database, model)
            )


def _leftovers(client: MlflowClient, database: Database, before: datetime) -> Iterator[Chore]:
    for one in leftovers.leftovers(client, database, before=before):
        yield Chore(str(one), partial(leftovers.clear, client, one))


def _temporary(root: SnapshotRoot, before: datetime) -> Iterator[Chore]:
    for path, why in sweeping.left(root, before):
        yield Chore(f"{path.removeprefix(root.path).lstrip('/')}: {why}", partial(sweeping.remove, root, path))


def _expired(client: MlflowClient, database: Database, rules: Janitor, moment: datetime) -> Iterator[Chore]:
    for model in models.names(database):
        kept = {"champions": rules.keep_champions, "days": rules.keep_days, "moment": moment}
        for files in retention.expired(client, database, model, **kept):  # type: ignore[arg-type]
            yield Chore(
                f"{model} v{files.version}: registered {files.recorded_at.date()}, no champion for long",
                partial(retention.remove, client, database, model, files, moment=moment),
            )


def _attempts(database: Database, before: datetime) -> Iterator[Chore]:
    for day, count in attempts.forgettable(database, before).items():
        yield Chore(f"{day}: {count} attempts of tasks", partial(attempts.forget, database, day, before))


def _swept(chores: Iterator[Chore], most: int, *, dry_run: bool) -> _Done:
    """Do chores, at most so many; one that fails keeps no other from being done."""
    found = _Done()
    try:
        for chore in chores:
            if len(found.done) + len(found.wrong) >= most:
                found.left = True
                break
            try:
                if not dry_run:
                    chore.do()
            except Superseded:
                raise
            except Exception as error:
                found.wrong.append(f"{chore.what}: {_said(error)}")
            else:
                found.done.append(chore.what)
    except Superseded:
        raise
    except Exception as error:  # what there is to do could not be found out
        found.wrong.append(f"looking for it: {_said(error)}")
    return found


def _said(error: Exception) -> str:
    return (error.what if isinstance(error, MlopsError) else f"{type(error).__name__}: {error}")[:200]


def _check(kind: str, of: _Done, dry_run: bool) -> Check:
    verb = "to be put right" if dry_run else "put right"
    said = f"{len(of.done)} {verb}" + (", more are left for the next sweep" if of.left else "")
    if of.wrong:
        return Check(kind, "fail", "warn", of.wrong[:10], None, of.wrong[0], f"{said}; {len(of.wrong)} could not be")
    return Check(kind, "pass", "warn", len(of.done), None, None, said)


def _disagreements(client: MlflowClient, database: Database) -> list[Check]:
    """What is left that the store and MLflow do not agree on: that is for people."""
    found = []
    for model in models.names(database):
        try:
            failed = agreement.disagreements(client, database, model).failed
        except Exception as error:
            found.append(Check("agreement with MLflow", "fail", "warn", None, None, model, _said(error)))
            continue
        found += [
            Check(f"agreement with MLflow: {c.name}", "fail", "warn", c.observed, None, f"{model} {c.where}", c.message)
            for c in failed
            if not c.name.startswith("alias ")
        ]
    return found or [Check("agreement with MLflow", "pass", "warn")]
