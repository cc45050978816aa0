"""The ledger: who is champion, since when, on whose word.

Entries are only ever added. ``(model, epoch)`` is unique and an entry names the epoch before it, so of two promoters
that start from the same champion one gets an integrity error: a compare-and-set.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from airflow_mlops.core.errors import Conflict
from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import LedgerEntry

Clock = Literal["recorded", "effective"]


def head(database: Database, model: str) -> LedgerEntry | None:
    """Give the newest entry: the champion now; ``None`` when the model never had one."""
    with database.session() as session:
        return session.scalars(
            select(LedgerEntry).where(LedgerEntry.model == model).order_by(LedgerEntry.epoch.desc()).limit(1)
        ).first()


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
) -> LedgerEntry:
    """Make a version champion, if the champion is still the one that the decision was made against.

    :param expected_epoch: the epoch of the champion that it was compared with; ``None`` for the first champion.
    :param effective_at: from when on, on the data's clock; default now.
    :raises Conflict: when somebody else promoted in between.
    """
    moment = now()
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
        recorded_at=moment,
        effective_at=effective_at or moment,
    )
    lost = Conflict(
        f"the champion of {model!r} has changed since this version was judged against it",
        where=f"expected epoch {expected_epoch}",
        mend="run the gate again: it will compare with the new champion",
    )
    try:
        with database.session() as session:
            newest = session.scalars(
                select(LedgerEntry.epoch).where(LedgerEntry.model == model).order_by(LedgerEntry.epoch.desc())
            ).first()
            if newest != expected_epoch:
                raise lost
            session.add(entry)
    except IntegrityError:
        newest_entry = head(database, model)
        if (None if newest_entry is None else newest_entry.epoch) == expected_epoch:
            raise  # not lost to another promoter: the gate report is not published, for example
        raise lost from None
    return entry


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

    :param clock: ``recorded``: what this store knew then; ``effective``: what holds then on the data's clock.
    """
    column = LedgerEntry.effective_at if clock == "effective" else LedgerEntry.recorded_at
    with database.session() as session:
        return session.scalars(
            select(LedgerEntry)
            .where(LedgerEntry.model == model, column <= moment)
            # Of two entries of one moment the later decision holds.
            .order_by(column.desc(), LedgerEntry.epoch.desc())
            .limit(1)
        ).first()


def as_dict(entry: LedgerEntry) -> dict[str, Any]:
    """Give an entry's plain facts."""
    return {
        "model": entry.model,
        "epoch": entry.epoch,
        "previous_epoch": entry.previous_epoch,
        "version": entry.version,
        "digest": entry.digest,
        "gate_report": entry.gate_report,
        "approver": entry.approver,
        "reason": entry.reason,
        "actor": entry.actor,
        "recorded_at": entry.recorded_at.isoformat(),
        "effective_at": entry.effective_at.isoformat(),
    }
