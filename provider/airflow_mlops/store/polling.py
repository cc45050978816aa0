"""One query of the lifecycle store for all conditions that sensors and triggers wait for.

The query grows with the number of conditions, not with the store: the last episode and the newest ledger entry of each
model, and the current snapshot of each partition, all found by an index. It reads the state and not a change log, so a
transaction that commits late, or a query that failed, loses nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import ColumnElement, Select, String, cast, func, literal_column, null, select, union_all
from sqlalchemy.orm import aliased

from airflow_mlops.store.clock import from_iso
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import CatalogueEntry, Episode, LedgerEntry
from airflow_mlops.store.wait_conditions import (
    Champions,
    CurrentSnapshot,
    LabelledRows,
    LatestEpisode,
    LedgerHead,
    NewChampion,
    RetrainingRequests,
    StoreState,
    WaitCondition,
)

MAX_NAMES = 500
"""With more names than this all rows are read: a statement takes only a limited number of parameters."""
_EPISODE, _HEAD, _ROWS = "episode", "head", "rows"


def fetch_state(database: Database, conditions: Collection[WaitCondition]) -> StoreState:
    """Read the state that these conditions need.

    :raises StoreNotReady: when the store cannot be used.
    """
    parts = [part for part in (_episodes(conditions), _ledger(conditions), _catalogue(conditions)) if part is not None]
    state = StoreState()
    if not parts:
        return state
    with database.session() as session:
        rows = session.execute(union_all(*parts) if len(parts) > 1 else parts[0]).all()
    for kind, name, number, count, a, b, c, d in rows:
        if kind == _EPISODE:
            state.episodes[name] = LatestEpisode(name, number, count, a, b, c, d)
        elif kind == _HEAD:
            state.champions[name] = LedgerHead(name, number, count, a, from_iso(b))
        else:
            state.snapshots[name, a] = CurrentSnapshot(name, a, number, b, c, count)
    return state


def find_matches(database: Database, condition: WaitCondition) -> list[dict[str, Any]]:
    """Return the events that meet one condition now."""
    return condition.matches(fetch_state(database, [condition]))


def last_request(database: Database, model: str) -> tuple[int, int]:
    """Return ``(episode, attempts)`` of a model's last episode; zeros when it never had one."""
    episode = fetch_state(database, [RetrainingRequests((model,))]).episodes.get(model)
    return (0, 0) if episode is None else (episode.number, episode.attempts)


def _episodes(questions: Iterable[WaitCondition]) -> Select[Any] | None:
    models = [q.models for q in questions if isinstance(q, RetrainingRequests)]
    if not models:
        return None
    first, other = aliased(Episode), aliased(Episode)
    newest = select(func.max(other.number)).where(other.model == first.model).scalar_subquery()
    query = _select(
        _EPISODE,
        Episode.model,
        Episode.number,
        Episode.attempts,
        Episode.state,
        Episode.action,
        Episode.change_partition,
        Episode.cutoff,
    )
    query = query.join(first, (first.model == Episode.model) & (first.number == 1)).where(Episode.number == newest)
    return _filter(query, first.model, _names(models))


def _ledger(questions: Iterable[WaitCondition]) -> Select[Any] | None:
    models = [q.models for q in questions if isinstance(q, Champions)]
    models += [(q.model,) for q in questions if isinstance(q, NewChampion)]
    if not models:
        return None
    # Revisions begin at 1, so the entries with 1 list each model once.
    first, other = aliased(LedgerEntry), aliased(LedgerEntry)
    newest = select(func.max(other.revision)).where(other.model == first.model).scalar_subquery()
    query = _select(
        _HEAD,
        LedgerEntry.model,
        LedgerEntry.revision,
        LedgerEntry.version,
        LedgerEntry.action,
        _text(LedgerEntry.recorded_at),
    )
    query = query.join(first, (first.model == LedgerEntry.model) & (first.revision == 1))
    query = query.where(LedgerEntry.revision == newest)
    return _filter(query, first.model, _names(models))


def _catalogue(questions: Iterable[WaitCondition]) -> Select[Any] | None:
    keys = {(q.dataset, q.partition) for q in questions if isinstance(q, LabelledRows)}
    if not keys:
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
    partitions = {partition for _, partition in keys}
    query = _filter(query, CatalogueEntry.dataset, {dataset for dataset, _ in keys})
    if len(partitions) > MAX_NAMES:
        return query.where(CatalogueEntry.partition.between(min(partitions), max(partitions)))
    return _filter(query, CatalogueEntry.partition, partitions)


def _names(models: list[tuple[str, ...] | None]) -> set[str] | None:
    """Return the union of the names; ``None`` when any of the lists means all models."""
    return None if None in models else {name for names in models for name in names or ()}


def _select(kind: str, *columns: Any) -> Select[Any]:
    """Select eight columns, of the same types for every kind: kind, name, two numbers, four texts."""
    padding = [_text(null()) for _ in range(7 - len(columns))]
    unlabelled = [column.label(None) for column in (*columns, *padding)]
    return select(literal_column(f"'{kind}'", String).label("kind"), *unlabelled)


def _text(column: Any) -> ColumnElement[str]:
    return cast(column, String)


def _filter(query: Select[Any], column: Any, names: set[str] | None) -> Select[Any]:
    """Restrict a query to these names; ``None`` or too many names leave it unrestricted."""
    if names is None or len(names) > MAX_NAMES:
        return query
    return query.where(column.in_(sorted(names)))
