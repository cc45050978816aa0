"""A snapshot that a version has scored is scored once and for all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from airflow_mlops.common.refs import ModelVersionRef, SnapshotRef
from airflow_mlops.store import score_sets
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import ScoreSet

ROWS = SnapshotRef("features", "r" * 32, "file:///r", 3, "2026-04-06")


def scores(name: str) -> SnapshotRef:
    return SnapshotRef("m_scores", name * 32, f"file:///{name}", 3, "2026-04-06")


def recorded(
    database: Database, name: str, *, key: str = "k", version: int = 1, instead_of: str | None = None
) -> ScoreSet:
    made_by = ModelVersionRef("m", version, "0" * 64, "run")
    return score_sets.record(
        database, key, version=made_by, rows=ROWS, scores=scores(name), actor="d/r/t/-1", replaces=instead_of
    )


def test_the_first_one_stays(each_database: Database) -> None:
    first = recorded(each_database, "a")
    assert recorded(each_database, "b").snapshot_id == "a" * 32
    found = score_sets.find(each_database, "k")
    assert found is not None
    assert (score_sets.ref_of(found), found.input_snapshot_id, found.scored_at) == (
        scores("a"),
        ROWS.id,
        first.scored_at,
    )


def test_one_whose_files_are_gone_is_replaced(each_database: Database) -> None:
    recorded(each_database, "a")
    assert recorded(each_database, "b", instead_of="a" * 32).snapshot_id == "b" * 32
    assert recorded(each_database, "c", instead_of="a" * 32).snapshot_id == "b" * 32


def test_of_many_at_once_all_get_the_same(each_database: Database) -> None:
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda name: recorded(each_database, name).snapshot_id, "abcdef"))
    assert len(set(found)) == 1


def test_a_partition_has_a_set_of_each_version(each_database: Database) -> None:
    recorded(each_database, "a")
    recorded(each_database, "b", key="other", version=2)
    found = score_sets.of_partition(each_database, "m", "2026-04-06")
    assert [(one.version, one.snapshot_id[0]) for one in found] == [(1, "a"), (2, "b")]
    assert [one.version for one in score_sets.of_partition(each_database, "m", "2026-04-06", version=2)] == [2]
    assert score_sets.of_partition(each_database, "m", "2026-04-13") == []
    assert score_sets.find(each_database, "unknown") is None
