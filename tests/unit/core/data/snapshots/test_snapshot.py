"""Snapshots: content-addressed, committed atomically, rejected when a file was changed."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_mlops.common.errors import BadInput, NotFound
from airflow_mlops.common.refs import SnapshotRef
from airflow_mlops.core.data.snapshots import snapshot as module
from airflow_mlops.core.data.snapshots.dtypes import normalise_dtypes
from airflow_mlops.core.data.snapshots.snapshot import ContentId, SnapshotRoot, validate_name

quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
row = st.fixed_dictionaries(
    {
        "i": st.integers(-(2**63), 2**63 - 1),
        "maybe": st.none() | st.integers(-(2**60), 2**60),
        "f": st.floats(allow_nan=True, allow_infinity=True).map(lambda v: v + 0.0),
        "s": st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5),
        "b": st.booleans(),
        "t": st.none() | st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1)),
        "d": st.dates(date(1900, 1, 1), date(2100, 1, 1)),
    }
)
rows_of = st.lists(row, min_size=1, max_size=12)


def frame_of(rows: list[dict[str, Any]], *, nullable: bool = True) -> pd.DataFrame:
    """A chunk as a database gives it; without missing values an int column may come as plain int64."""
    columns = {name: [r[name] for r in rows] for name in row_names(rows)}
    frame = pd.DataFrame({n: pd.Series(v, dtype="object") for n, v in columns.items()})
    whole = nullable or frame["maybe"].isna().any()
    return frame.astype(
        {"i": "int64", "maybe": "Int64" if whole else "int64", "f": "float64", "b": "bool", "t": "datetime64[us]"}
    )


def row_names(rows: list[dict[str, Any]]) -> list[str]:
    return list(rows[0])


def id_of(chunks: list[pd.DataFrame]) -> str:
    content, schema = ContentId(), None
    for chunk in chunks:
        rows = normalise_dtypes(chunk, schema, "test")
        schema = schema or {n: module.logical_type(rows[n].dtype) for n in rows.columns}
        content.add(rows)
    assert schema is not None
    return content.hexdigest(schema)


@quick
@given(rows_of, st.data())
def test_the_same_rows_in_any_order_and_any_chunking_give_the_same_id(rows: list[dict[str, Any]], data: Any) -> None:
    whole = id_of([frame_of(rows)])
    shuffled = data.draw(st.permutations(rows))
    cuts = sorted(data.draw(st.sets(st.integers(1, max(1, len(rows) - 1)), max_size=3)))
    pieces = [shuffled[a:b] for a, b in zip([0, *cuts], [*cuts, len(rows)], strict=True) if shuffled[a:b]]
    chunks = [frame_of(p, nullable=data.draw(st.booleans())) for p in pieces]
    columns = data.draw(st.permutations(list(chunks[0].columns)))
    assert id_of([c[columns] for c in chunks]) == whole


@quick
@given(rows_of, rows_of, st.data())
def test_different_rows_give_different_ids(rows: list[dict[str, Any]], others: list[dict[str, Any]], data: Any) -> None:
    original = id_of([frame_of(rows)])
    doubled = [*rows, data.draw(st.sampled_from(rows))]
    assert id_of([frame_of(doubled)]) != original
    which, column = data.draw(st.integers(0, len(rows) - 1)), data.draw(st.sampled_from(sorted(rows[0])))
    replacement = others[0][column]
    if repr(replacement) != repr(rows[which][column]):
        changed = [dict(r) for r in rows]
        changed[which][column] = replacement
        assert id_of([frame_of(changed)]) != original


def test_two_rows_that_swap_one_cell_are_other_rows() -> None:
    before = pd.DataFrame({"a": [1, 2], "b": [1, 2]})
    assert id_of([before]) != id_of([before.assign(b=[2, 1])])
    assert id_of([before.astype(str)]) != id_of([before.assign(b=[2, 1]).astype(str)])


def test_the_same_values_under_another_name_or_type_are_another_snapshot() -> None:
    frame = pd.DataFrame({"a": [1, 0]})
    ids = {id_of([f]) for f in (frame, frame.rename(columns={"a": "b"}), frame.astype(float), frame.astype(str))}
    assert len(ids | {id_of([frame.astype(bool)])}) == 5


def test_the_id_does_not_change_from_version_to_version_of_the_libraries() -> None:
    frame = pd.DataFrame({"i": [1, 2], "f": [0.5, np.nan], "s": ["a", None], "b": [True, False]})
    assert id_of([frame]) == KNOWN_ID


KNOWN_ID = "dabda160c1bb6c4caabf72ce9d783e9e"


def test_a_column_of_objects_from_a_database_has_the_type_of_what_is_in_it(root: SnapshotRoot) -> None:
    frame = pd.DataFrame({"b": [True, None], "i": [1, None], "t": [datetime(2026, 1, 1), None]}, dtype=object)
    opened = root.open(root.write("d", frame))
    assert opened.schema == {"b": "bool", "i": "int", "t": "datetime"}
    plain = pd.DataFrame({"b": [True], "i": [1], "t": [datetime(2026, 1, 1)]})
    later = pd.DataFrame({"b": [None], "i": [None], "t": [None]}, dtype=object)
    assert root.write("d", [plain, later]).id == opened.ref.id


def test_what_is_read_is_what_was_written(root: SnapshotRoot) -> None:
    frame = pd.DataFrame(
        {
            "i": [1, 2],
            "maybe": pd.array([2**40, None], dtype="Int64"),
            "f": [0.1, np.inf],
            "s": ["é", None],
            "b": [True, False],
            "t": pd.to_datetime(["2026-01-01 10:00:00.123456", None]),
        }
    )
    read = root.open(root.write("d", frame)).to_pandas()
    assert read["i"].tolist() == [1, 2]
    assert read["maybe"].tolist()[0] == 2**40
    assert np.isnan(read["maybe"].tolist()[1])
    assert read["f"].tolist() == [0.1, np.inf]
    assert read["s"].tolist()[0] == "é"
    assert read["s"].isna().tolist() == [False, True]
    assert read["b"].tolist() == [True, False]
    assert read["t"].tolist()[0] == pd.Timestamp("2026-01-01 10:00:00.123456")


def test_columns_come_in_the_requested_order_and_a_missing_one_is_reported(root: SnapshotRoot) -> None:
    opened = root.open(root.write("d", [pd.DataFrame({"a": [1], "b": [2]}), pd.DataFrame({"b": [4], "a": [3]})]))
    assert opened.to_pandas(["b", "a"]).to_dict("list") == {"b": [2, 4], "a": [1, 3]}
    assert list(opened.to_pandas(["b", "a"]).columns) == ["b", "a"]
    assert opened.scan().collect().shape == (2, 2)
    with pytest.raises(BadInput, match=r"has no column \['c'\]"):
        opened.to_pandas(["a", "c"])


@pytest.mark.parametrize(
    ("first", "later"),
    [
        ([1, 2], [1.5, 2.5]),  # would be cut to 1 and 2
        ([1, 2], [1.5, np.nan]),
        ([1, 2], ["x", "y"]),
        ([True, False], [2, 3]),  # would be True
        ([0.5], ["x"]),
        (pd.to_datetime(["2026-01-01"]), [5]),  # would be 1970
        ([1], np.array([2**63 + 1], dtype="uint64")),
    ],
)
def test_a_later_chunk_of_another_type_is_refused_not_bent(root: SnapshotRoot, first: Any, later: Any) -> None:
    with pytest.raises(BadInput, match="column 'c' is ") as caught:
        root.write("d", [pd.DataFrame({"c": first}), pd.DataFrame({"c": later})])
    assert "d chunk 1" in str(caught.value.where)


def test_a_number_beyond_64_bits_is_refused(root: SnapshotRoot) -> None:
    for value in (np.array([2**63 + 1], dtype="uint64"), [2**70]):
        with pytest.raises(BadInput, match="column 'c'"):
            root.write("d", pd.DataFrame({"c": value}))


def test_timestamps_with_a_zone_become_utc(root: SnapshotRoot) -> None:
    zoned = pd.DataFrame({"t": pd.to_datetime(["2026-01-01 01:00:00+01:00"])})
    plain = pd.DataFrame({"t": pd.to_datetime(["2026-01-01 00:00:00"])})
    assert root.write("d", zoned).id == root.write("d", plain).id


def test_dates_become_their_text_and_decimals_numbers(root: SnapshotRoot) -> None:
    frame = pd.DataFrame({"d": [date(2026, 1, 2), None], "n": [Decimal("1.10"), None]}, dtype=object)
    read = root.open(root.write("d", frame)).to_pandas()
    assert read["d"].tolist()[0] == "2026-01-02"
    assert read["n"].tolist()[0] == 1.1
    assert read.isna().sum().tolist() == [1, 1]


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([], "no rows and no columns"),
        (pd.DataFrame(), "no rows and no columns"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), r"occur twice: \['a'\]"),
        (pd.DataFrame([[1, 2]], columns=["1", 1]), r"occur twice: \['1'\]"),
        ([pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]})], r"different columns: \['a', 'b'\]"),
    ],
)
def test_input_that_is_no_table_is_refused_and_leaves_nothing(root: SnapshotRoot, frames: Any, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        root.write("d", frames)
    assert parts(root) == []


def test_number_names_of_columns_become_text(root: SnapshotRoot) -> None:
    assert root.open(root.write("d", [pd.DataFrame({0: [1]}), pd.DataFrame({0: [2]})])).schema == {"0": "int"}


@pytest.mark.parametrize("name", ["../x", "", "a/b", ".hidden", "x\n", "/abs", "a" * 101, "..", "a\\b"])
def test_a_name_that_could_climb_out_is_refused(root: SnapshotRoot, name: str) -> None:
    with pytest.raises(BadInput, match="cannot be the name of a dataset"):
        root.write(name, pd.DataFrame({"a": [1]}))
    with pytest.raises(BadInput):
        root.open(SnapshotRef(name, "0", "", 1))
    with pytest.raises(BadInput):
        root.open(SnapshotRef("d", name, "", 1))


def test_a_valid_name_is_returned() -> None:
    assert validate_name("Churn_features.v1-a") == "Churn_features.v1-a"


def parts(root: SnapshotRoot, dataset: str = "d") -> list[str]:
    return sorted(p.name for p in Path(root.path, dataset, "parts").glob("*/*"))


def manifests(root: SnapshotRoot, dataset: str = "d") -> list[Path]:
    return sorted(p for p in Path(root.path, dataset).glob("*") if p.is_file())


FRAME = pd.DataFrame({"a": [1, 2, 3]})


def test_committed_twice_there_is_one_snapshot_and_one_set_of_parts(root: SnapshotRoot) -> None:
    first = root.write("d", FRAME, partition="2026-04-06")
    again = root.write("d", [FRAME[2:], FRAME[:2]], partition="2026-04-13")
    assert again.id == first.id
    assert again.partition == "2026-04-13"
    assert len(manifests(root)) == 1
    assert parts(root) == ["part-00000.parquet"]


@pytest.mark.parametrize("step", ["second chunk", "part", "manifest", "link"])
def test_a_crash_before_the_commit_leaves_no_snapshot_and_no_parts(
    root: SnapshotRoot, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def crash(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    def chunks() -> Any:
        yield FRAME
        if step == "second chunk":
            crash()
        yield FRAME

    with monkeypatch.context() as patched:
        if step == "part":
            patched.setattr(SnapshotRoot, "_write_part", crash)
        if step == "manifest":
            patched.setattr(SnapshotRoot, "write_text", crash)
        if step == "link":
            patched.setattr(type(root.fs), "link", crash)
        with pytest.raises(KeyboardInterrupt):
            root.write("d", chunks())
    assert parts(root) == []
    assert not [m for m in manifests(root) if m.suffix == ".json"]
    ref = root.write("d", [FRAME, FRAME])  # the next one is not hindered
    assert root.open(ref).to_pandas()["a"].tolist() == [1, 2, 3, 1, 2, 3]


def test_a_crash_just_after_the_commit_keeps_the_committed_parts(
    root: SnapshotRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = type(root.fs).link

    def killed(self: Any, *args: Any, **kwargs: Any) -> None:
        real(self, *args, **kwargs)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(type(root.fs), "link", killed)
        with pytest.raises(KeyboardInterrupt):
            root.write("d", FRAME)
    committed = SnapshotRef("d", id_of([FRAME]), "", 3)
    assert root.open(committed).to_pandas()["a"].tolist() == [1, 2, 3]
    assert root.write("d", FRAME).id == committed.id
    assert len(parts(root)) == 1


def test_a_reader_sees_nothing_of_a_snapshot_that_is_still_written(root: SnapshotRoot) -> None:
    def chunks() -> Any:
        yield FRAME
        assert parts(root) == ["part-00000.parquet"]
        assert manifests(root) == []
        yield FRAME

    root.write("d", chunks())
    assert len(manifests(root)) == 1


def test_a_truncated_or_missing_part_is_refused_and_ingesting_the_same_rows_repairs_it(root: SnapshotRoot) -> None:
    ref = root.write("d", FRAME)
    part = next(Path(root.path, "d", "parts").glob("*/*"))
    part.write_bytes(part.read_bytes()[:-10])
    with pytest.raises(NotFound, match="gone or was changed"):
        root.open(ref)
    part.unlink()
    with pytest.raises(NotFound, match="gone or was changed"):
        root.open(ref)
    assert root.write("d", FRAME).id == ref.id
    assert root.open(ref).to_pandas()["a"].tolist() == [1, 2, 3]


def test_an_unknown_snapshot_is_not_found_with_its_path(root: SnapshotRoot) -> None:
    with pytest.raises(NotFound, match="there is no snapshot abc of 'd'") as caught:
        root.open(SnapshotRef("d", "abc", "", 1))
    assert str(caught.value.where).endswith("d/abc.json")


def test_the_manifest_has_rows_schema_and_source(root: SnapshotRoot) -> None:
    root.write("d", FRAME, source={"query": "q.sql"})
    manifest = json.loads(manifests(root)[0].read_text())
    assert (manifest["rows"], manifest["schema"], manifest["source"]) == (3, {"a": "int"}, {"query": "q.sql"})
    assert manifest["files"][0]["rows"] == 3


def test_the_same_rows_at_the_same_time_from_many_writers_are_one_snapshot(root: SnapshotRoot) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        refs = list(pool.map(lambda _: root.write("d", FRAME), range(16)))
    assert len({r.id for r in refs}) == 1
    assert root.open(refs[0]).to_pandas()["a"].tolist() == [1, 2, 3]


def test_a_slow_writer_of_the_same_rows_does_not_replace_the_manifest_that_is_committed(
    root: SnapshotRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, committed = type(root.fs).link, list[bytes]()

    def late(self: Any, *args: Any) -> None:
        if not committed:
            committed.append(b"")  # the other writer's own link is not late
            root.write("d", FRAME, source={"by": "the fast one"})
            committed.append(manifests(root)[0].read_bytes())
        real(self, *args)

    monkeypatch.setattr(type(root.fs), "link", late)
    ref = root.write("d", FRAME, source={"by": "the slow one"})
    assert [m.read_bytes() for m in manifests(root) if m.suffix == ".json"] == committed[1:]
    assert not [m for m in manifests(root) if m.suffix != ".json"], "its draft is gone"
    assert len(parts(root)) == 1, "and so are its parts"
    assert root.open(ref).to_pandas()["a"].tolist() == [1, 2, 3]


def test_a_share_without_hard_links_gets_snapshots_all_the_same(
    root: SnapshotRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(type(root.fs), "link", refused)
    assert root.open(root.write("d", FRAME)).to_pandas()["a"].tolist() == [1, 2, 3]
    assert len(manifests(root)) == 1


def test_a_snapshot_lives_in_any_fsspec_location(root: SnapshotRoot) -> None:
    memory = SnapshotRoot("memory://snapshots")
    ref = memory.write("d", FRAME)
    assert ref.id == root.write("d", FRAME).id
    assert memory.open(ref).to_pandas()["a"].tolist() == [1, 2, 3]
