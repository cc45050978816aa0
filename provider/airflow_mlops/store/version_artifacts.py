"""Artifact locations of versions, and which of them are still in use."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select

from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import ChampionPeriod, LedgerEntry, StoredReport, Version

PAGE_SIZE = 500


class VersionArtifact(NamedTuple):
    """Artifact location of a version.

    :param decision: the newest gate decision.
    """

    version: int
    run_id: str
    artifact_uri: str
    candidate: str
    decision: str | None
    recorded_at: datetime


def of_model(database: Database, model: str) -> list[VersionArtifact]:
    """Return the artifact locations of a model's versions, oldest version first."""
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
        return [VersionArtifact(*row) for row in rows]


def recent_champions(database: Database, model: str, count: int) -> list[int]:
    """Return the last ``count`` champions without duplicates, newest first.

    Champions that are scheduled to begin, and the one in effect today on the data's clock, are always added.
    """
    champions: dict[int, None] = {}
    newest_first = select(LedgerEntry.version).where(LedgerEntry.model == model).order_by(LedgerEntry.revision.desc())
    with database.session() as session:
        for version in session.scalars(newest_first.execution_options(yield_per=PAGE_SIZE)):
            if len(champions) >= count:
                break
            champions[version] = None
        same_entry = (ChampionPeriod.model == LedgerEntry.model) & (ChampionPeriod.revision == LedgerEntry.revision)
        periods = select(LedgerEntry.version).join(ChampionPeriod, same_entry).where(ChampionPeriod.model == model)
        today = (
            periods.where(ChampionPeriod.effective_at <= now()).order_by(ChampionPeriod.effective_at.desc()).limit(1)
        )
        scheduled = periods.where(ChampionPeriod.effective_at > now())
        for query in (today, scheduled):
            champions |= dict.fromkeys(session.scalars(query))
    return list(champions)


def subjects_reported_since(database: Database, subjects: Iterable[str], since: datetime) -> set[str]:
    """Return the subjects for which a report was published since a point in time."""
    names, reported = list(subjects), set[str]()
    with database.session() as session:
        for at in range(0, len(names), PAGE_SIZE):
            query = select(StoredReport.subject).where(
                StoredReport.subject.in_(names[at : at + PAGE_SIZE]), StoredReport.recorded_at >= since
            )
            reported |= set(session.scalars(query.distinct()))
    return reported
