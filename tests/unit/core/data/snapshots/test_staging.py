"""Staged parts survive a kill: complete parts are reused, everything else is ignored."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_mlops.common.errors import BadInput, Conflict
from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
from airflow_mlops.core.data.snapshots.staging import RETENTION_DAYS, Staging, delete_abandoned


def rows(number: int, count: int = 3) -> pd.DataFrame:
    return pd.DataFrame({"id": range(number * count, (number + 1) * count), "name": [f"n{number}"] * count})


def write_missing(staging: Staging, numbers: Any = range(3)) -> list[Any]:
    return [staging.load_part(n) or staging.add(n, rows(n)) for n in numbers]


def files(root: SnapshotRoot) -> list[str]:
    return sorted(str(f).removeprefix(f"{root.path}/") for f in root.fs.find(root.path))


def test_its_parts_are_the_same_snapshot_as_one_written_at_once(root: SnapshotRoot) -> None:
    staging = Staging(root, "d", "k")
    ref = staging.commit(write_missing(staging), partition="2026-04-06")
    staging.clear(ref)
    assert root.open(ref).to_pandas()["id"].tolist() == list(range(9))
    assert root.write("d", [rows(2), rows(0), rows(1)]).id == ref.id
    assert not any("staging" in file for file in files(root))


def test_a_part_is_valid_once_its_marker_exists_and_its_file_is_complete(root: SnapshotRoot) -> None:
    staging = Staging(root, "d", "k")
    part = staging.add(0, rows(0))
    again = Staging(root, "d", "k")
    assert again.load_part(0) == part
    assert again.load_part(1) is None
    path = f"{root.path}/d/{part.file['path']}"
    with root.fs.open(path, "wb") as file:
        file.write(b"torn")
    assert again.load_part(0) is None
    again.add(0, rows(0))
    assert again.load_part(0) == part
    root.write_text("d/staging/k/00000.json", '{"file": 1')
    assert again.load_part(0) is None


def test_parts_of_another_key_are_ignored(root: SnapshotRoot) -> None:
    Staging(root, "d", "k").add(0, rows(0))
    assert Staging(root, "d", "other").load_part(0) is None


def test_a_zombie_with_other_content_does_not_touch_what_is_committed(root: SnapshotRoot) -> None:
    staging, zombie = Staging(root, "d", "k"), Staging(root, "d", "k")
    ref = staging.commit(write_missing(staging))
    staging.clear(ref)
    zombie.add(1, rows(1).assign(name="other"))
    assert root.open(ref).to_pandas()["name"].tolist() == ["n0"] * 3 + ["n1"] * 3 + ["n2"] * 3


def test_parts_of_another_schema_are_refused(root: SnapshotRoot) -> None:
    staging = Staging(root, "d", "k")
    first = staging.add(0, rows(0))
    with pytest.raises(BadInput, match="part 1"):
        staging.add(1, rows(1).assign(id="x"), first.schema)


def test_a_missing_part_is_reported_at_the_commit(root: SnapshotRoot) -> None:
    staging = Staging(root, "d", "k")
    parts = write_missing(staging)
    root.fs.rm(f"{root.path}/d/{parts[1].file['path']}")
    with pytest.raises(Conflict, match="part-00001"):
        staging.commit(parts)


def test_parts_of_rows_that_were_committed_before_are_removed(root: SnapshotRoot) -> None:
    before = root.write("d", [rows(0), rows(1), rows(2)])
    staging = Staging(root, "d", "k")
    ref = staging.commit(write_missing(staging))
    staging.clear(ref)
    assert ref == before
    assert not any("parts/k/" in file for file in files(root))
    assert len(root.open(ref).to_pandas()) == 9


def test_staging_abandoned_for_a_week_is_deleted_and_snapshots_stay(root: SnapshotRoot) -> None:
    committed = Staging(root, "d", "committed")  # killed between the commit and its clearing up
    ref = committed.commit(write_missing(committed))
    Staging(root, "d", "given-up").add(0, rows(7))
    assert delete_abandoned(root, "d") == []
    later = datetime.now(UTC) + timedelta(days=RETENTION_DAYS, hours=1)
    assert sorted(delete_abandoned(root, "d", now=later)) == ["committed", "given-up"]
    assert len(root.open(ref).to_pandas()) == 9
    assert {file.split("/")[2] for file in files(root) if "/parts/" in file} == {"committed"}
    assert delete_abandoned(root, "nothing") == []


@settings(max_examples=25, deadline=None)
@given(kills=st.lists(st.integers(0, 4), max_size=4), order=st.permutations(range(5)))
def test_after_any_interruptions_every_row_is_there_once(
    kills: list[int], order: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = SnapshotRoot(tmp_path_factory.mktemp("s").as_uri())
    for kill in kills:
        write_missing(Staging(root, "d", "k"), order[:kill])
    staging = Staging(root, "d", "k")
    ref = staging.commit(write_missing(staging, range(5)))
    assert root.open(ref).to_pandas()["id"].tolist() == list(range(15))


def test_a_root_may_move(tmp_path: Path) -> None:
    root = SnapshotRoot((tmp_path / "here").as_uri())
    ref = root.write("d", [rows(0), rows(1)])
    shutil.move(tmp_path / "here", tmp_path / "there")
    moved = SnapshotRoot((tmp_path / "there").as_uri())
    assert moved.open(ref).to_pandas()["id"].tolist() == list(range(6))
    assert [committed.id for committed in moved.list_snapshots("d")] == [ref.id]


def test_a_manifest_of_an_earlier_release_with_absolute_paths_is_read(tmp_path: Path) -> None:
    root = SnapshotRoot((tmp_path / "here").as_uri())
    ref = root.write("d", rows(0))
    manifest = tmp_path / "here" / "d" / f"{ref.id}.json"
    manifest.write_text(manifest.read_text().replace('"parts/', f'"{tmp_path}/here/d/parts/'))
    assert root.open(ref).to_pandas()["id"].tolist() == [0, 1, 2]
