"""The ledger: who is champion, since when, on whose word.

Entries are only ever added. ``(model, epoch)`` is unique and an entry names the epoch before it, so of two promoters
that start from the same champion one gets an integrity error: a compare-and-set.

An entry has two clocks. ``recorded_at`` is the store's own: the server's in PostgreSQL, whatever the workers' clocks
say, and never before that of the entry it follows, so that it sorts as the epochs do. ``effective_at`` is the data's:
'from then on this version'. A later decision overrides the earlier ones from its own ``effective_at`` on, also what
they had planned for afterwards: once a version is rolled back, its announced beginning does not bring it in again. So
an entry whose ``effective_at`` is still to come is the :func:`head` at once, which aliases follow and challengers are
compared with, and the champion :func:`as_of` a moment from that moment on; once all have begun, both say the same.
The entries that no later one overrides are kept once more as reigns, where the champion of a moment is one step away.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from airflow_mlops.core.errors import Conflict
from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import LedgerEntry, Reign

Clock = Literal["recorded", "effective"]
Action = Literal["promote", "rollback", "adopt"]


def head(database: Database, model: str) -> LedgerEntry | None:
    """Give the newest entry: the champion now; ``None`` when the model never had one."""
    with database.session() as session:
        return _newest(session, model)


def at_epoch(database: Database, model: str, epoch: int) -> LedgerEntry | None:
    """Give the entry of an epoch; ``None`` when there is none."""
    with database.session() as session:
        return session.get(LedgerEntry, (model, epoch))


def made_by(database: Database, model: str, version: int, actor: str) -> LedgerEntry | None:
    """Give the newest entry in which this actor promoted this version, so that a retry finds what it has done."""
    with database.session() as session:
        return session.scalars(
            select(LedgerEntry)
            .where(LedgerEntry.model == model, LedgerEntry.version == version, LedgerEntry.actor == actor)
            .order_by(LedgerEntry.epoch.desc())
            .limit(1)
        ).first()


def done_by(database: Database, model: str, action: Action, actor: str) -> LedgerEntry | None:
    """Give the newest entry of this kind by this actor, whichever version it was about."""
    with database.session() as session:
        return session.scalars(
            select(LedgerEntry)
            .where(LedgerEntry.model == model, LedgerEntry.action == action, LedgerEntry.actor == actor)
            .order_by(LedgerEntry.epoch.desc())
            .limit(1)
        ).first()


def reigns_of(
    database: Database, model: str, version: int, *, before_epoch: int | None = None, limit: int = 100
) -> list[LedgerEntry]:
    """Give the entries that made this version champion, newest first.

    :param before_epoch: only older entries.
    """
    query = select(LedgerEntry).where(LedgerEntry.model == model, LedgerEntry.version == version)
    if before_epoch is not None:
        query = query.where(LedgerEntry.epoch < before_epoch)
    with database.session() as session:
        return list(session.scalars(query.order_by(LedgerEntry.epoch.desc()).limit(limit)))


def reign_of(database: Database, model: str, version: int, *, before_epoch: int | None = None) -> LedgerEntry | None:
    """Give the newest entry that made this version champion; ``None`` when it never was.

    :param before_epoch: only older entries.
    """
    return next(iter(reigns_of(database, model, version, before_epoch=before_epoch, limit=1)), None)


def append(
    database: Database,
    *,
    model: str,
    expected_epoch: int | None,
    version: int,
    digest: str,
    gate_report: str | None,
    approver: str | None,
    reason: str,
    actor: str,
    effective_at: datetime | None = None,
    action: Action = "promote",
) -> LedgerEntry:
    """Make a version champion, if the champion is still the one that the decision was made against.

    :param expected_epoch: the epoch of the champion that it was compared with; ``None`` for the first champion.
    :param effective_at: from when on, on the data's clock; default now.
    :param action: what kind of change it is.
    :raises Conflict: when somebody else promoted in between.
    """
    lost = Conflict(
        f"the champion of {model!r} has changed since this version was judged against it",
        where=f"expected epoch {expected_epoch}",
        mend="run the gate again: it will compare with the new champion",
    )
    entry = LedgerEntry(
        model=model,
        epoch=1 if expected_epoch is None else expected_epoch + 1,
        previous_epoch=expected_epoch,
        version=version,
        digest=digest,
        gate_report=gate_report,
        approver=approver,
        reason=reason[:1000],
        actor=actor,
        action=action,
    )
    try:
        with database.session() as session:
            newest = _newest(session, model)
            if (None if newest is None else newest.epoch) != expected_epoch:
                raise lost
            moment = _clock(session)
            entry.recorded_at = moment if newest is None else max(moment, newest.recorded_at)
            entry.effective_at = effective_at or entry.recorded_at
            session.add(entry)
            session.flush()  # first of all: whoever loses the race stops here
            _reign(session, entry)
    except IntegrityError:
        newest_entry = head(database, model)
        if (None if newest_entry is None else newest_entry.epoch) == expected_epoch:
            raise  # not lost to another promoter: the gate report is not published, for example
        raise lost from None
    return entry


def _newest(session: Session, model: str) -> LedgerEntry | None:
    return session.scalars(
        select(LedgerEntry).where(LedgerEntry.model == model).order_by(LedgerEntry.epoch.desc()).limit(1)
    ).first()


def _reign(session: Session, entry: LedgerEntry) -> None:
    """Let an entry begin on the data's clock: whatever earlier decisions had planned from then on is off."""
    session.execute(delete(Reign).where(Reign.model == entry.model, Reign.effective_at >= entry.effective_at))
    session.add(Reign(model=entry.model, effective_at=entry.effective_at, epoch=entry.epoch))


def _clock(session: Session) -> datetime:
    """Give the time of the store's clock: that of the PostgreSQL server; with SQLite there is none but our own."""
    if session.get_bind().dialect.name != "postgresql":
        return now()
    told: datetime = session.execute(select(func.clock_timestamp())).scalar_one()
    return told.astimezone(UTC)


def history(database: Database, model: str, *, limit: int = 100, before_epoch: int | None = None) -> list[LedgerEntry]:
    """Give a page of the model's history, newest first.

    :param before_epoch: only older entries, for the next page.
    """
    query = select(LedgerEntry).where(LedgerEntry.model == model)
    if before_epoch is not None:
        query = query.where(LedgerEntry.epoch < before_epoch)
    with database.session() as session:
        return list(session.scalars(query.order_by(LedgerEntry.epoch.desc()).limit(limit)))


def as_of(database: Database, model: str, moment: datetime, *, clock: Clock = "effective") -> LedgerEntry | None:
    """Give the champion of a moment, the moment itself included; ``None`` before the first.

    Of all entries that had begun by then it is the latest decision.

    :param clock: ``recorded``: what this store knew then; ``effective``: what holds then on the data's clock.
    """
    query = select(LedgerEntry).where(LedgerEntry.model == model)
    if clock == "recorded":
        query = query.where(LedgerEntry.recorded_at <= moment).order_by(LedgerEntry.recorded_at.desc())
    else:
        reigning = (Reign.model == LedgerEntry.model) & (Reign.epoch == LedgerEntry.epoch)
        query = query.join(Reign, reigning).where(Reign.model == model, Reign.effective_at <= moment)
        query = query.order_by(Reign.effective_at.desc())
    with database.session() as session:
        return session.scalars(query.order_by(LedgerEntry.epoch.desc()).limit(1)).first()


def event_of(entry: LedgerEntry) -> dict[str, Any]:
    """Give what an asset event tells of an entry."""
    return {"model": entry.model, "version": entry.version, "epoch": entry.epoch, "action": entry.action}


def as_dict(entry: LedgerEntry) -> dict[str, Any]:
    """Give an entry's plain facts."""
    return {
        "model": entry.model,
        "epoch": entry.epoch,
        "previous_epoch": entry.previous_epoch,
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
