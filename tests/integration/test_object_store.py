"""Snapshots in an S3-compatible object store: the same invariants as in a folder."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from airflow_mlops.core.data.profiles import profile
from airflow_mlops.core.data.snapshots.orphaned_files import delete_orphaned_file, find_orphaned_files
from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
from airflow_mlops.core.data.snapshots.staging import Staging

pytest.importorskip("s3fs", reason="s3fs is not installed")
moto_server = pytest.importorskip("moto.server", reason="moto is not installed")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """An S3 server of moto's, on a free port; the variables lead to it, as they do in a container of the stack."""
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_REGION", "us-east-1")
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ALLOW_HTTP", "true")  # Polars refuses a store without TLS unless it is told
        yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def root(endpoint: str) -> SnapshotRoot:
    """A snapshot root in a bucket of its own."""
    bucket = uuid.uuid4().hex
    root = SnapshotRoot(f"s3://{bucket}/snapshots")
    root.fs.mkdir(bucket)
    return root


def frame(first: int = 0) -> pd.DataFrame:
    return pd.DataFrame({"id": range(first, first + 5), "x": [0.5, 1.5, None, 3.5, 4.5], "name": list("abcde")})


def test_rows_are_read_as_they_were_written(root: SnapshotRoot) -> None:
    ref = root.write("rows", [frame(), frame(5)], partition="2026-01-12")
    read = root.open(ref).to_pandas()
    assert ref.rows == len(read) == 10
    assert list(read["id"]) == list(range(10))
    assert read["x"].isna().sum() == 2
    assert root.open(ref).scan().select("id").collect().height == 10
    assert sum(len(batch) for batch in root.open(ref).batches(["id"])) == 10


def test_the_same_rows_in_any_order_are_the_same_snapshot_and_leave_nothing_behind(root: SnapshotRoot) -> None:
    ref = root.write("rows", frame())
    before = root.fs.find(root.path)
    again = root.write("rows", frame().iloc[::-1])
    root.fs.invalidate_cache()
    assert again.id == ref.id
    assert root.fs.find(root.path) == before


def test_a_snapshot_that_breaks_off_is_not_seen_and_its_parts_are_removed(root: SnapshotRoot) -> None:
    def breaking() -> Iterator[pd.DataFrame]:
        yield frame()
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        root.write("rows", breaking())
    root.fs.invalidate_cache()
    assert root.fs.find(root.path) == []


def test_an_id_is_the_same_as_on_a_disk(root: SnapshotRoot, tmp_path: Path) -> None:
    on_disk = SnapshotRoot(tmp_path.as_uri()).write("rows", frame())
    assert root.write("rows", frame()).id == on_disk.id


def test_a_reader_that_keeps_no_listings_sees_what_was_committed_since_it_last_looked(root: SnapshotRoot) -> None:
    # s3fs keeps what it has listed; a process that lives longer than a task must not.
    other = SnapshotRoot(root.uri, {"skip_instance_cache": True, "use_listings_cache": False})
    first = root.write("rows", frame())
    assert [ref.id for ref in other.list_snapshots("rows")] == [first.id]
    second = root.write("rows", frame(100))
    assert {ref.id for ref in other.list_snapshots("rows")} == {first.id, second.id}
    assert len(other.open(second).to_pandas()) == 5


def test_a_login_that_the_connection_has_is_enough_to_read_and_to_judge(
    endpoint: str, root: SnapshotRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = root.write("rows", [frame(), frame(5)])
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_ENDPOINT_URL", "AWS_ALLOW_HTTP"):
        monkeypatch.delenv(name)
    login = {
        "key": "testing",
        "secret": "testing",
        "endpoint_url": endpoint,
        "client_kwargs": {"region_name": "us-east-1"},
    }
    snapshot = SnapshotRoot(root.uri, login).open(ref)
    assert len(snapshot.to_pandas(["id"])) == 10
    assert snapshot.scan().select("id").collect().height == 10
    assert profile(snapshot).rows == 10
    assert "testing" not in repr(snapshot)


def test_scoring_goes_on_after_the_parts_that_were_staged(root: SnapshotRoot) -> None:
    staging = Staging(root, "scores", "key")
    assert staging.load_part(0) is None
    part = staging.add(0, frame())
    assert Staging(root, "scores", "key").load_part(0) == part


def test_parts_that_nothing_refers_to_are_swept(root: SnapshotRoot) -> None:
    ref = root.write("rows", frame())
    orphan = f"{root.path}/rows/parts/{uuid.uuid4().hex}/part-00000.parquet"
    root.fs.pipe_file(orphan, b"torn")
    found = list(find_orphaned_files(root, datetime.now(UTC) + timedelta(days=1)))
    assert [path for path, _ in found] != []
    for path, _ in found:
        delete_orphaned_file(root, path)
    root.fs.invalidate_cache()
    assert not root.fs.exists(orphan)
    assert len(root.open(ref).to_pandas()) == 5
