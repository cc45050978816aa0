"""The catalogue: which snapshot a partition is now."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from sqlalchemy import select

from airflow_mlops.common.errors import BadInput, NotFound
from airflow_mlops.common.refs import SnapshotRef
from airflow_mlops.core.data.snapshots.resolver import resolve_snapshot
from airflow_mlops.store import catalogue
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import CatalogueEntry


def ref(id_: str, partition: str | None = "2026-04-06", dataset: str = "d") -> SnapshotRef:
    return SnapshotRef(dataset, id_, f"file:///{id_}", 3, partition)


def sequences(database: Database) -> list[tuple[int, str]]:
    with database.session() as session:
        found = session.scalars(select(CatalogueEntry).order_by(CatalogueEntry.sequence))
        return [(e.sequence, e.snapshot_id) for e in found]


def test_late_data_take_the_place_of_the_earlier_and_the_earlier_stay_known(each_database: Database) -> None:
    assert catalogue.record(each_database, ref("a")) is True
    assert catalogue.record(each_database, ref("a")) is False  # a retry
    assert catalogue.record(each_database, ref("b")) is True
    assert catalogue.current(each_database, "d", "2026-04-06") == ref("b")
    assert catalogue.record(each_database, ref("a")) is True  # and back
    assert sequences(each_database) == [(1, "a"), (2, "b"), (3, "a")]


def test_partitions_come_in_order_with_both_ends_and_each_its_current_snapshot(each_database: Database) -> None:
    days = ["2026-04-20", "2026-04-06", "2026-04-13"]
    for day in days:
        catalogue.record(each_database, ref("old" + day, day))
        catalogue.record(each_database, ref("new" + day, day))
        catalogue.record(each_database, ref("x", day, dataset="other"))
    assert [r.id for r in catalogue.partitions(each_database, "d")] == ["new" + d for d in sorted(days)]
    assert [r.partition for r in catalogue.partitions(each_database, "d", "2026-04-06", "2026-04-13")] == sorted(days)[
        :2
    ]
    assert catalogue.partitions(each_database, "d", "2026-04-07", "2026-04-12") == []
    assert catalogue.partitions(each_database, "none") == []


def test_a_partition_that_is_not_there_is_told(each_database: Database) -> None:
    with pytest.raises(NotFound, match="'d' has no snapshot for partition 2026-04-06"):
        catalogue.current(each_database, "d", "2026-04-06")


def test_a_snapshot_without_a_partition_has_no_place(each_database: Database) -> None:
    with pytest.raises(ValueError, match="without a partition"):
        catalogue.record(each_database, ref("a", None))


def test_many_at_once_are_put_one_after_the_other(each_database: Database) -> None:
    with ThreadPoolExecutor(8) as pool:
        changed = list(pool.map(lambda i: catalogue.record(each_database, ref(f"s{i % 4}")), range(24)))
    found = sequences(each_database)
    assert [number for number, _ in found] == list(range(1, len(found) + 1))
    assert len(found) == sum(changed)
    assert all(one[1] != other[1] for one, other in pairwise(found))
    assert {name for _, name in found} == {"s0", "s1", "s2", "s3"}


def test_an_address_is_what_the_catalogue_has_there_now(each_database: Database) -> None:
    catalogue.record(each_database, ref("a"))
    for value in ("d@2026-04-06", ref("a"), ref("a").to_dict()):
        assert resolve_snapshot(each_database, value) == ref("a")
    for wrong in ("d", "@2026-04-06", "d@", "d@None"):
        with pytest.raises(BadInput, match="is not a snapshot's address"):
            resolve_snapshot(each_database, wrong)
