"""Whatever the files are like, batches have all rows once, in their order, and no more than they may."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.refs import SnapshotRef
from airflow_mlops.core.data.snapshots.snapshot import Snapshot, SnapshotRoot
from airflow_mlops.core.scoring.batches import BatchReader, plan_batches

GROUPS = st.lists(st.lists(st.integers(0, 20), max_size=5), max_size=5)


@given(groups=GROUPS, most=st.integers(1, 30))
def test_every_row_is_in_one_batch_and_all_batches_but_the_last_are_full(groups: list[list[int]], most: int) -> None:
    batches = plan_batches(groups, most)
    rows = [
        (piece.file, piece.group, piece.first + n) for batch in batches for piece in batch for n in range(piece.rows)
    ]
    assert rows == [
        (f, g, n) for f, of_file in enumerate(groups) for g, count in enumerate(of_file) for n in range(count)
    ]
    sizes = [sum(piece.rows for piece in batch) for batch in batches]
    assert sizes[:-1] == [most] * len(sizes[:-1])
    assert all(0 < size <= most for size in sizes)


def snapshot(folder: Path, files: list[pd.DataFrame], group_rows: int) -> tuple[SnapshotRoot, Snapshot]:
    paths = []
    for number, frame in enumerate(files):
        paths.append(str(folder / f"{number}.parquet"))
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), paths[-1], row_group_size=group_rows)
    schema = dict.fromkeys(files[0].columns, "any")
    return SnapshotRoot(folder.as_uri()), Snapshot(SnapshotRef("d", "i", "", 0), tuple(paths), schema)


def rows(first: int, count: int) -> pd.DataFrame:
    n = range(first, first + count)
    return pd.DataFrame(
        {
            "id": n,
            "maybe": pd.array([None if i % 3 == 0 else i for i in n], dtype="Int64"),
            "flag": pd.array([None if i % 5 == 0 else i % 2 == 0 for i in n], dtype="boolean"),
            "name": pd.Series([None if i % 4 == 0 else f"name-{i % 7}" for i in n], dtype="str"),
            "at": pd.Series([None if i % 6 == 0 else f"2026-01-{1 + i % 28:02}" for i in n]).astype("datetime64[us]"),
            "x": [float("nan") if i % 7 == 0 else i / 3 for i in n],
        }
    )


@settings(max_examples=20, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=3),
    group_rows=st.integers(1, 40),
    most=st.integers(1, 40),
    data=st.data(),
)
def test_rows_and_types_are_those_of_the_snapshot_also_when_batches_are_left_out(
    sizes: list[int], group_rows: int, most: int, data: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    files = [rows(100 * number, size) for number, size in enumerate(sizes)]
    root, found = snapshot(tmp_path_factory.mktemp("d"), files, group_rows)
    columns = ["x", "id", "maybe", "flag", "name", "at"]
    expected = found.to_pandas(columns)
    with BatchReader(root, found, columns, most) as batches:
        wanted = sorted(data.draw(st.sets(st.integers(0, len(batches) - 1))))
        for number in wanted:
            part = expected[number * most : (number + 1) * most].reset_index(drop=True)
            pd.testing.assert_frame_equal(batches.read(number), part)


def test_batches_may_be_asked_for_in_any_order(tmp_path: Path) -> None:
    root, found = snapshot(tmp_path, [rows(0, 20)], 8)
    with BatchReader(root, found, ["id"], 3) as batches:
        read = {number: batches.read(number)["id"].tolist() for number in (6, 0, 3, 2, 5, 1, 4)}
    assert [id_ for number in range(7) for id_ in read[number]] == list(range(20))


def test_a_column_that_is_not_there_is_told(tmp_path: Path) -> None:
    root, found = snapshot(tmp_path, [rows(0, 3)], 3)
    with pytest.raises(BadInput, match=r"does not have the columns \['income'\]"):
        BatchReader(root, found, ["id", "income"], 3)
