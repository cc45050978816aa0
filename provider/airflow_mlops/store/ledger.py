"""The promotion ledger: which version was champion, since when, and by whose decision.

Entries are only ever added. ``(model, revision)`` is unique and an entry names the revision before it. So of two
promoters that start from the same champion, one gets an integrity error: a compare-and-set.

An entry has two clocks:

- ``recorded_at`` is the store's own clock: the PostgreSQL server's, independent of the workers' clocks. It is never
  before that of the preceding entry, so it sorts as the revisions do.
- ``effective_at`` is the data's clock: from then on, this version. A later decision overrides earlier ones from its own
  ``effective_at`` on, including what they had scheduled after it. A version that is rolled back before its scheduled
  start therefore never starts.

An entry whose ``effective_at`` is in the future is the :func:`head` at once: aliases follow it and challengers are
compared with it. :func:`as_of` returns it only from ``effective_at`` on. The entries that no later one overrides are
also stored as champion periods, so that the champion at any time is found with one index lookup.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from airflow_mlops.common.errors import Conflict
from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import ChampionPeriod, LedgerEntry

Clock = Literal["recorded", "effective"]
Action = Literal["promote", "rollback", "adopt"]


def head(database: Database, model: str) -> LedgerEntry | None:
    """Return the newest entry, which names the champion now; ``None`` when the model never had one."""
    with database.session() as session:
        return _newest(session, model)


def at_revision(database: Database, model: str, revision: int) -> LedgerEntry | None:
    """Return the entry of a revision; ``None`` when there is none."""
    with database.session() as session:
        return session.get(LedgerEntry, (model, revision))


def find_promotion(database: Database, model: str, version: int, actor: str) -> LedgerEntry | None:
    """Return the newest entry in which this actor promoted this version, so that a retry finds its own entry."""
    with database.session() as session:
        return session.scalars(
            select(LedgerEntry)
            .where(LedgerEntry.model == model, LedgerEntry.version == version, LedgerEntry.actor == actor)
            .order_by(LedgerEntry.revision.desc())
            .limit(1)
        ).first()


def find_action(database: Database, model: str, action: Action, actor: str) -> LedgerEntry | None:
    """Return the newest entry with this action by this actor, for any version."""
    with database.session() as session:
        return session.scalars(
            select(LedgerEntry)
            .where(LedgerEntry.model == model, LedgerEntry.action == action, LedgerEntry.actor == actor)
            .order_by(LedgerEntry.revision.desc())
            .limit(1)
        ).first()


def entries_of_version(
    database: Database, model: str, version: int, *, before_revision: int | None = None, limit: int = 100
) -> list[LedgerEntry]:
    """Return the entries that made this version champion, newest first.

    :param before_revision: only older entries.
    """
    query = select(LedgerEntry).where(LedgerEntry.model == model, LedgerEntry.version == version)
    if before_revision is not None:
        query = query.where(LedgerEntry.revision < before_revision)
    with database.session() as session:
        return list(session.scalars(query.order_by(LedgerEntry.revision.desc()).limit(limit)))


def last_entry_of_version(
    database: Database, model: str, version: int, *, before_revision: int | None = None
) -> LedgerEntry | None:
    """Return the newest entry that made this version champion; ``None`` when it never was.

    :param before_revision: only older entries.
    """
    return next(iter(entries_of_version(database, model, version, before_revision=before_revision, limit=1)), None)


def append(
    database: Database,
    *,
    model: str,
    expected_revision: int | None,
    version: int,
    digest: str,
    gate_report: str | None,
    approver: str | None,
    reason: str,
    actor: str,
    effective_at: datetime | None = None,
    action: Action = "promote",
) -> LedgerEntry:
    """Make a version champion, if the champion is still the one that the decision was based on.

    :param expected_revision: the revision of the champion that it was compared with; ``None`` for the first champion.
    :param effective_at: from when on, on the data's clock; default now.
    :param action: the kind of change.
    :raises Conflict: when another version was promoted in between.
    """
    conflict = Conflict(
        f"the champion of {model!r} has changed since this version was compared with it",
        where=f"expected revision {expected_revision}",
        hint="run the gate again to compare with the new champion",
    )
    entry = LedgerEntry(
        model=model,
        version=version,
        digest=digest,
        gate_report=gate_report,
        approver=approver,
        reason=reason[:1000],
        actor=actor,
        action=action,
    )
    entry.revision = 1 if expected_revision is None else expected_revision + 1
    entry.previous_revision = expected_revision
    try:
        with database.session() as session:
            newest = _newest(session, model)
            if (None if newest is None else newest.revision) != expected_revision:
                raise conflict
            timestamp = _server_time(session)
            entry.recorded_at = timestamp if newest is None else max(timestamp, newest.recorded_at)
            entry.effective_at = effective_at or entry.recorded_at
            session.add(entry)
            session.flush()  # first of all: the loser of a race stops here
            _start_period(session, entry)
    except IntegrityError:
        newest_entry = head(database, model)
        if (None if newest_entry is None else newest_entry.revision) == expected_revision:
            raise  # not a lost race: for example, the gate report is not published
        raise conflict from None
    return entry


def _newest(session: Session, model: str) -> LedgerEntry | None:
    return session.scalars(
        select(LedgerEntry).where(LedgerEntry.model == model).order_by(LedgerEntry.revision.desc()).limit(1)
    ).first()


def _start_period(session: Session, entry: LedgerEntry) -> None:
    """Start a champion period on the data's clock; periods that would start later are cancelled."""
    session.execute(
        delete(ChampionPeriod).where(
            ChampionPeriod.model == entry.model, ChampionPeriod.effective_at >= entry.effective_at
        )
    )
    period = ChampionPeriod(model=entry.model, effective_at=entry.effective_at)
    period.revision = entry.revision
    session.add(period)


def _server_time(session: Session) -> datetime:
    """Return the time of the PostgreSQL server; with SQLite, that of this machine."""
    if session.get_bind().dialect.name != "postgresql":
        return now()
    timestamp: datetime = session.execute(select(func.clock_timestamp())).scalar_one()
    return timestamp.astimezone(UTC)


def history(
    database: Database, model: str, *, limit: int = 100, before_revision: int | None = None
) -> list[LedgerEntry]:
    """Return a page of the model's history, newest first.

    :param before_revision: only older entries, for the next page.
    """
    query = select(LedgerEntry).where(LedgerEntry.model == model)
    if before_revision is not None:
        query = query.where(LedgerEntry.revision < before_revision)
    with database.session() as session:
        return list(session.scalars(query.order_by(LedgerEntry.revision.desc()).limit(limit)))


def as_of(database: Database, model: str, timestamp: datetime, *, clock: Clock = "effective") -> LedgerEntry | None:
    """Return the champion at a point in time, inclusive; ``None`` before the first.

    Of all entries that had begun by then it is the latest decision.

    :param clock: ``recorded``: what this store knew then; ``effective``: what holds then on the data's clock.
    """
    query = select(LedgerEntry).where(LedgerEntry.model == model)
    if clock == "recorded":
        query = query.where(LedgerEntry.recorded_at <= timestamp).order_by(LedgerEntry.recorded_at.desc())
    else:
        same_entry = (ChampionPeriod.model == LedgerEntry.model) & (ChampionPeriod.revision == LedgerEntry.revision)
        query = query.join(ChampionPeriod, same_entry).where(
            ChampionPeriod.model == model, ChampionPeriod.effective_at <= timestamp
        )
        query = query.order_by(ChampionPeriod.effective_at.desc())
    with database.session() as session:
        return session.scalars(query.order_by(LedgerEntry.revision.desc()).limit(1)).first()


def event_payload(entry: LedgerEntry) -> dict[str, Any]:
    """Return the asset event payload for an entry."""
    return {"model": entry.model, "version": entry.version, "revision": entry.revision, "action": entry.action}


def to_dict(entry: LedgerEntry) -> dict[str, Any]:
    """Return an entry as a JSON-serialisable dict."""
    return {
        "model": entry.model,
        "revision": entry.revision,
        "previous_revision": entry.previous_revision,
        "action": entry.action,
        "version": entry.version,
        "digest": entry.digest,
        "gate_report": entry.gate_report,
        "approver": entry.approver,
        "reason": entry.reason,
        "actor": entry.actor,
        "recorded_at": entry.recorded_at.isoformat(),
        "effective_at": entry.effective_at.isoformat(),
    }
