"""One look at the lifecycle store for everything that is waited for: one query, however many ask.

The query grows with what is asked for, not with the store: of each model the last episode and the newest entry of the
ledger, of each partition the current snapshot, each found in an index. It reads the state and no list of changes, so a
transaction that commits late, or a look that failed, loses nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import ColumnElement, Select, String, cast, func, literal_column, null, select, union_all
from sqlalchemy.orm import aliased

from airflow_mlops.store.clock import from_iso
from airflow_mlops.store.database import Database
from airflow_mlops.store.questions import Asked, Champions, Head, Labelled, NewChampion, Question, Requests, Rows, Seen
from airflow_mlops.store.tables import CatalogueEntry, Episode, LedgerEntry

MOST_NAMED = 500
"""Of more names than this all are read: a statement takes only so many parameters."""
_ASKED, _HEAD, _ROWS = "asked", "head", "rows"


def look(database: Database, questions: Collection[Question]) -> Seen:
    """Find everything that these questions need to be answered.

    :raises StoreNotReady: when the store cannot be used.
    """
    parts = [part for part in (_episodes(questions), _ledger(questions), _catalogue(questions)) if part is not None]
    seen = Seen()
    if not parts:
        return seen
    with database.session() as session:
        found = session.execute(union_all(*parts) if len(parts) > 1 else parts[0]).all()
    for kind, name, number, count, a, b, c, d in found:
        if kind == _ASKED:
            seen.asked[name] = Asked(name, number, count, a, b, c, d)
        elif kind == _HEAD:
            seen.heads[name] = Head(name, number, count, a, from_iso(b))
        else:
            seen.rows[name, a] = Rows(name, a, number, b, c, count)
    return seen


def answers(database: Database, question: Question) -> list[dict[str, Any]]:
    """Answer one question now."""
    return question.answer(look(database, [question]))


def last_asked(database: Database, model: str) -> tuple[int, int]:
    """Give ``(episode, attempts)`` of a model's last episode; zeros when it never had one."""
    found = look(database, [Requests((model,))]).asked.get(model)
    return (0, 0) if found is None else (found.number, found.attempts)


def _episodes(questions: Iterable[Question]) -> Select[Any] | None:
    asked = [q.models for q in questions if isinstance(q, Requests)]
    if not asked:
        return None
    first, other = aliased(Episode), aliased(Episode)
    newest = select(func.max(other.number)).where(other.model == first.model).scalar_subquery()
    query = _select(
        _ASKED,
        Episode.model,
        Episode.number,
        Episode.attempts,
        Episode.state,
        Episode.action,
        Episode.change_partition,
        Episode.cutoff,
    )
    query = query.join(first, (first.model == Episode.model) & (first.number == 1)).where(Episode.number == newest)
    return _named(query, first.model, None if None in asked else {m for models in asked for m in models or ()})


def _ledger(questions: Iterable[Question]) -> Select[Any] | None:
    asked = [q.models for q in questions if isinstance(q, Champions)]
    asked += [(q.model,) for q in questions if isinstance(q, NewChampion)]
    if not asked:
        return None
    # Epochs begin at 1, so these are the models, each once.
    first, other = aliased(LedgerEntry), aliased(LedgerEntry)
    newest = select(func.max(other.epoch)).where(other.model == first.model).scalar_subquery()
    query = _select(
        _HEAD,
        LedgerEntry.model,
        LedgerEntry.epoch,
        LedgerEntry.version,
        LedgerEntry.action,
        _text(LedgerEntry.recorded_at),
    )
    query = query.join(first, (first.model == LedgerEntry.model) & (first.epoch == 1))
    query = query.where(LedgerEntry.epoch == newest)
    return _named(query, first.model, None if None in asked else {m for models in asked for m in models or ()})


def _catalogue(questions: Iterable[Question]) -> Select[Any] | None:
    asked = {(q.dataset, q.partition) for q in questions if isinstance(q, Labelled)}
    if not asked:
        return None
    other = aliased(CatalogueEntry)
    newest = (
        select(func.max(other.sequence))
        .where(other.dataset == CatalogueEntry.dataset, other.partition == CatalogueEntry.partition)
        .scalar_subquery()
    )
    query = _select(
        _ROWS,
        CatalogueEntry.dataset,
        CatalogueEntry.sequence,
        CatalogueEntry.rows,
        CatalogueEntry.partition,
        CatalogueEntry.snapshot_id,
        CatalogueEntry.uri,
    ).where(CatalogueEntry.sequence == newest)
    partitions = {partition for _, partition in asked}
    query = _named(query, CatalogueEntry.dataset, {dataset for dataset, _ in asked})
    if len(partitions) > MOST_NAMED:
        return query.where(CatalogueEntry.partition.between(min(partitions), max(partitions)))
    return _named(query, CatalogueEntry.partition, partitions)


def _select(kind: str, *columns: Any) -> Select[Any]:
    """Give eight columns, of the same types whatever is asked for: kind, name, two numbers, four texts."""
    absent = [_text(null()) for _ in range(7 - len(columns))]
    numbered = [column.label(None) for column in (*columns, *absent)]
    return select(literal_column(f"'{kind}'", String).label("kind"), *numbered)


def _text(column: Any) -> ColumnElement[str]:
    return cast(column, String)


def _named(query: Select[Any], column: Any, names: set[str] | None) -> Select[Any]:
    """Ask for these names only; ``None`` asks for all."""
    if names is None or len(names) > MOST_NAMED:
        return query
    return query.where(column.in_(sorted(names)))
