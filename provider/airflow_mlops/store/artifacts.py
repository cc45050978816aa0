"""What the store knows of versions' files: where they are, and who may still need them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select

from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import LedgerEntry, Reign, StoredReport, Version

PAGE = 500


class Files(NamedTuple):
    """Where a version's files are.

    :param decision: the newest gate's.
    """

    version: int
    run_id: str
    artifact_uri: str
    candidate: str
    decision: str | None
    recorded_at: datetime


def of_model(database: Database, model: str) -> list[Files]:
    """Give where the files of a model's versions are, oldest version first."""
    columns = (
        Version.version,
        Version.run_id,
        Version.artifact_uri,
        Version.candidate,
        Version.gate_decision,
        Version.recorded_at,
    )
    with database.session() as session:
        rows = session.execute(select(*columns).where(Version.model == model).order_by(Version.version))
        return [Files(*row) for row in rows]


def last_champions(database: Database, model: str, count: int) -> list[int]:
    """Give the versions that were champion last, the champion first, each once; also one that is yet to begin, and the
    one that is champion on the data's clock today.
    """
    found: dict[int, None] = {}
    newest_first = select(LedgerEntry.version).where(LedgerEntry.model == model).order_by(LedgerEntry.epoch.desc())
    with database.session() as session:
        for version in session.scalars(newest_first.execution_options(yield_per=PAGE)):
            if len(found) >= count:
                break
            found[version] = None
        reigning = (Reign.model == LedgerEntry.model) & (Reign.epoch == LedgerEntry.epoch)
        reigns = select(LedgerEntry.version).join(Reign, reigning).where(Reign.model == model)
        today = reigns.where(Reign.effective_at <= now()).order_by(Reign.effective_at.desc()).limit(1)
        later = reigns.where(Reign.effective_at > now())
        for query in (today, later):
            found |= dict.fromkeys(session.scalars(query))
    return list(found)


def judged_since(database: Database, subjects: Iterable[str], since: datetime) -> set[str]:
    """Give those of the subjects about which a report was published since a moment."""
    names, found = list(subjects), set[str]()
    with database.session() as session:
        for at in range(0, len(names), PAGE):
            query = select(StoredReport.subject).where(
                StoredReport.subject.in_(names[at : at + PAGE]), StoredReport.recorded_at >= since
            )
            found |= set(session.scalars(query.distinct()))
    return found
