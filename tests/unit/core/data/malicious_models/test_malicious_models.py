"""Malformed source files: each is rejected with the reason, or read as declared.

One table lists files that the reader rejects, one unusual files that are read, and one files that are read but fail
their contract. A rejected file leaves no files below the snapshot root.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.data.contracts.contract_inference import infer_contract
from airflow_mlops.core.data.files import read_file
from airflow_mlops.core.data.profiles import profile
from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
from airflow_mlops.core.data.validation import validate

Make = Callable[[Path], Any]


def content(data: bytes | str) -> Make:
    return lambda path: path.write_bytes(data.encode() if isinstance(data, str) else data)


def table(**columns: Any) -> Make:
    return lambda path: pq.write_table(pa.table(columns), path)


def twice_named(path: Path) -> None:
    pq.write_table(pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]), path)


def truncated(make: Make, fraction: float) -> Make:
    """Cut a file off."""

    def made(path: Path) -> None:
        make(path)
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * fraction)])

    return made


def corrupted(path: Path) -> None:
    """Damage a file inside, its footer being whole."""
    pl.DataFrame(ROWS).write_parquet(path, compression="zstd")
    data = bytearray(path.read_bytes())
    data[4:400] = b"\xff" * 396
    path.write_bytes(data)


def parts(*frames: pl.DataFrame) -> Make:
    def made(path: Path) -> None:
        path.mkdir()
        for number, frame in enumerate(frames):
            frame.write_parquet(path / f"{number}.parquet")

    return made


ROWS = {"a": list(range(5000))}
FAR = pa.array([2**62, 2**62], pa.timestamp("us"))
CSV = "a,b\n" + "1,2\n" * 5000
REFUSED: list[tuple[str, Make, str]] = [
    ("empty.csv", content(b""), "cannot read the file: No columns"),
    ("blank_lines.csv", content("\n\n\n"), "cannot read the file: No columns"),
    ("not_found.csv", lambda path: None, "file not found"),
    ("unknown_kind.xlsx", content("a\n1\n"), "is not a supported file type"),
    ("folder.csv", Path.mkdir, "the path is a folder"),
    ("latin_1.csv", content("name\ncafé\n".encode("latin-1")), "not UTF-8 at byte 8"),
    ("latin_1_deep.csv", content(b"name\n" + b"x\n" * 100_000 + b"\xe9\n"), "not UTF-8"),
    ("surrogate.csv", content(b"a\n\xed\xa0\x80\n"), "not UTF-8"),
    ("utf_16.csv", content("a,b\n1,2\n".encode("utf-16")), "UTF-16 text, not CSV"),
    ("utf_16_without_mark.csv", content("a,b\n1,2\n".encode("utf-16-le")), "a NUL byte at byte 1"),
    ("nul_in_a_field.csv", content(b"a,b\nx\x00y,1\n"), "a NUL byte at byte 5"),
    ("nul_deep.csv", content(b"a\n" + b"x\n" * 700_000 + b"\x00\n"), "a NUL byte at byte 1400002"),
    ("all_nul.csv", content(b"\x00" * 4096), "a NUL byte at byte 0"),
    ("json.csv", content('[{"a": 1},\n{"a": 2}]'), "this is JSON, not CSV"),
    ("json_lines.csv", content('{"a": 1}\n{"a": 2}\n'), "this is JSON, not CSV"),
    ("error_page.csv", content("<!DOCTYPE html><html>Not found</html>"), "HTML or XML"),
    ("spreadsheet.csv", content(b"PK\x03\x04\x14\x00\x06\x00"), "a zip archive or a spreadsheet"),
    ("parquet.csv", table(a=[1]), "this is Parquet, not CSV"),
    ("packed.csv", content(gzip.compress(b"a\n1\n")), "this is gzip, not CSV"),
    ("not_packed.csv.gz", content("a\n1\n"), "cannot read the file: Not a gzipped file"),
    ("torn.csv.gz", truncated(content(gzip.compress(CSV.encode())), 0.7), "cannot read the file"),
    ("semicolons.csv", content("a;b\n1;2\n"), "separated by ';'"),
    ("tabs.csv", content("a\tb\n1\t2\n"), "separated by '\\\\t'"),
    ("row_too_long.csv", content("a,b\n1,2\n1,2,3\n"), "Expected 2 fields in line 3, saw 3"),
    ("first_row_too_long.csv", content("a,b\n1,2,3\n"), "Expected 2 fields in line 2, saw 3"),
    ("comment_above.csv", content("# export\na,b\n1,2\n"), "Expected 1 fields in line 2, saw 2"),
    ("open_quote.csv", content('a,b\n"never closed,1\n2,3\n'), "EOF inside string"),
    ("name_twice.csv", content("a,b,a\n1,2,3\n"), r"occur twice: \['a'\]"),
    ("name_twice_to_the_eye.csv", content("a,a\u200b\n1,2\n"), "occur twice"),
    ("name_in_two_normal_forms.csv", content("é,e\u0301\n1,2\n"), "occur twice"),
    ("row_labels.csv", content(",a\n0,1\n"), "column 1 of 2 has no name"),
    ("comma_at_the_end.csv", content("a,b,\n1,2,\n"), "column 3 of 3 has no name"),
    ("header_is_a_blob.csv", content("x" * 100_000 + "\n1\n"), "a column name has 100000 characters"),
    ("empty.parquet", content(b""), "cannot read the file: .*0 bytes"),
    ("magic_only.parquet", content(b"PAR1"), "cannot read the file"),
    ("csv.parquet", content(CSV), "cannot read the file"),
    ("torn.parquet", truncated(table(**ROWS), 0.9), "cannot read the file"),
    ("rotten.parquet", corrupted, "cannot read the file"),
    ("folder.parquet", Path.mkdir, "the path is a folder"),
    ("name_twice.parquet", twice_named, r"occur twice: \['a'\]"),
]


def remaining_files(root: SnapshotRoot) -> list[str]:
    return [str(path) for path in Path(root.path).rglob("*") if path.is_file()] if Path(root.path).exists() else []


@pytest.mark.parametrize(("name", "make", "message"), REFUSED, ids=[case[0] for case in REFUSED])
def test_a_file_that_cannot_be_trusted_is_refused_with_the_reason(
    name: str, make: Make, message: str, tmp_path: Path, root: SnapshotRoot
) -> None:
    path = tmp_path / name
    make(path)
    with pytest.raises(BadInput, match=message) as caught:
        root.write("poisoned", read_file(str(path)))
    assert name in str(caught.value)
    assert caught.value.hint
    assert remaining_files(root) == []


def texts(*values: str | None) -> Callable[[pd.DataFrame], bool]:
    return lambda frame: [None if pd.isna(v) else v for v in frame["a"]] == list(values)


def numbers(*values: float) -> Callable[[pd.DataFrame], bool]:
    return lambda frame: np.array_equal(frame["a"].astype(float), values, equal_nan=True)


READ: list[tuple[str, Make, Callable[[pd.DataFrame], bool]]] = [
    ("country_codes.csv", content("a\nNA\nNULL\nNone\nnan\n"), texts("NA", "NULL", "None", "nan")),
    ("empty_field.csv", content("a,b\n,1\nx,2\n"), texts(None, "x")),
    ("row_too_short.csv", content("b,a\n1\n2,x\n"), texts(None, "x")),
    ("byte_order_mark.csv", content(b"\xef\xbb\xbfa\nx\n"), texts("x")),
    ("windows_line_ends.csv", content("a,b\r\nx,1\r\n"), texts("x")),
    ("old_line_ends.csv", content("a,b\rx,1\ry,2\r"), texts("x", "y")),
    ("blank_line_inside.csv", content("a\n1\n\n2\n"), numbers(1, 2)),
    ("thousands.csv", content('a\n"1,234"\n'), texts("1,234")),
    ("dates_of_two_kinds.csv", content("a\n2024-01-01\n01/02/2024\n"), texts("2024-01-01", "01/02/2024")),
    ("line_end_in_a_field.csv", content('a\n"x\ny"\n'), texts("x\ny")),
    ("mixed.csv", content("a\n1\nx\n3.5\n"), texts("1", "x", "3.5")),
    ("words_for_not_a_number.csv", content("a\n1\nNaN\n"), texts("1", "NaN")),
    ("infinite.csv", content("a\n1\ninf\n-inf\n"), numbers(1, np.inf, -np.inf)),
    ("negative_zero.csv", content("a\n-0.0\n"), lambda frame: bool(np.signbit(frame["a"][0]))),
    ("a_million_characters.csv", content("a\n" + "x" * 10**6 + "\n"), lambda frame: len(frame["a"][0]) == 10**6),
    ("header_only.csv", content("a,b\n"), lambda frame: frame.shape == (0, 2)),
    ("blanks_in_names.csv", content(" a , b.c\n1,2\n"), lambda frame: list(frame) == [" a ", " b.c"]),
    ("decomposed_name.csv", content("e\u0301\n1\n"), lambda frame: list(frame) == ["e\u0301"]),
    ("no_rows.parquet", table(a=pa.array([], pa.int64())), lambda frame: frame.shape == (0, 1)),
    ("all_null.parquet", table(a=pa.nulls(3)), texts(None, None, None)),
    ("coded.parquet", table(a=pa.array(["x", None]).dictionary_encode()), texts("x", None)),
    ("not_finite.parquet", table(a=[1.0, np.nan, np.inf]), numbers(1, np.nan, np.inf)),
]


@pytest.mark.parametrize(("name", "make", "as_declared"), READ, ids=[case[0] for case in READ])
def test_a_file_that_only_looks_odd_is_read_as_declared_and_comes_back_from_a_snapshot(
    name: str, make: Make, as_declared: Callable[[pd.DataFrame], bool], tmp_path: Path, root: SnapshotRoot
) -> None:
    path = tmp_path / name
    make(path)
    assert as_declared(pd.concat(list(read_file(str(path)))))
    snapshot = root.open(root.write("odd", read_file(str(path))))
    assert as_declared(snapshot.to_pandas())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\n123456789012345678901234567890\n", "'a' is int.*64 bits|too large|too big"),
        ("a\n18446744073709551615\n", "'a' is int.*64 bits"),
    ],
)
def test_integers_beyond_64_bits_are_refused_and_never_cut(
    text: str, message: str, tmp_path: Path, root: SnapshotRoot
) -> None:
    path = tmp_path / "huge.csv"
    path.write_text(text)
    with pytest.raises(BadInput, match=message):
        root.write("huge", read_file(str(path)))
    assert remaining_files(root) == []


Failures = set[tuple[str, str | None]]
VALIDATED: list[tuple[str, Make, dict[str, Any], Failures]] = [
    ("no_rows", table(a=pa.array([], pa.int64())), {"type": "int"}, {("rows", None)}),
    ("no_columns", table(), {"type": "int"}, {("rows", None), ("required", "a")}),
    ("all_null", table(a=pa.nulls(3)), {"type": "int", "nullable": False}, {("missing", "a")}),
    ("all_null_allowed", table(a=pa.nulls(3)), {"type": "date", "min": "2024-01-01"}, set()),
    ("nested", table(a=pa.array([[1], [2]])), {"type": "int"}, {("type", "a")}),
    ("records", table(a=pa.array([{"x": 1}])), {"type": "str"}, {("type", "a")}),
    ("binary", table(a=pa.array([b"\xff\xfe"])), {"type": "str"}, {("type", "a")}),
    ("times_of_day", table(a=pa.array([1], pa.time64("us"))), {"type": "datetime"}, {("type", "a")}),
    ("spans", table(a=pa.array([1], pa.duration("us"))), {"type": "float"}, {("type", "a")}),
    ("decimals", table(a=pa.array([Decimal("1.10"), None])), {"type": "float", "max": 1}, {("max", "a")}),
    ("huge_decimals", table(a=pa.array([Decimal("9" * 38)])), {"type": "float", "max": 1e37}, {("max", "a")}),
    ("64_bits", table(a=pa.array([2**64 - 1], pa.uint64())), {"type": "int", "max": 2**63}, {("max", "a")}),
    ("half_floats", table(a=pa.array(np.array([1.5], np.float16))), {"type": "int"}, {("type", "a")}),
    ("not_a_number", table(a=[1.0, np.nan]), {"type": "float", "nullable": False}, {("missing", "a")}),
    ("infinite", table(a=[np.inf, -np.inf]), {"type": "float", "min": 0, "max": 1}, {("finite", "a")}),
    ("negative_zero", table(a=[-0.0]), {"type": "float", "min": 0}, set()),
    ("far_times", table(a=FAR), {"type": "datetime", "max": "2100-01-01"}, {("max", "a")}),
    ("text_for_numbers", table(a=["1", "2"]), {"type": "int"}, {("type", "a")}),
    ("a_million_characters", table(a=["x" * 10**6]), {"type": "str", "max_length": 10}, {("max_length", "a")}),
    ("int_and_float", parts(pl.DataFrame({"a": [1]}), pl.DataFrame({"a": [1.5]})), {"type": "int"}, {("type", "a")}),
    ("repeated", table(a=[1, 2, 1]), {"type": "int", "unique": True}, {("unique", "a")}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "make", "rule", "failed"), VALIDATED, ids=[case[0] for case in VALIDATED])
def test_a_parquet_file_that_breaks_its_contract_is_reported_by_rule_and_column(
    name: str, make: Make, rule: dict[str, Any], failed: Failures, tmp_path: Path
) -> None:
    path = tmp_path / f"{name}.parquet"
    make(path)
    report = validate(path, {"name": "poisoned", "columns": {"a": rule}})
    assert {(c.name, c.where) for c in report.failed} == failed
    assert len(report.to_json()) < 6000
    profiled = profile(path)
    assert sum(column.missing for column in profiled.columns.values()) <= profiled.rows
    assert profiled == type(profiled).from_json(profiled.to_json())


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ((pl.DataFrame({"a": [1]}), pl.DataFrame({"b": [1]})), "disagree on columns"),
        ((pl.DataFrame({"a": [1]}), pl.DataFrame({"a": [[1]]})), "disagree on types"),
    ],
)
def test_incompatible_parts_are_refused(frames: Any, message: str, tmp_path: Path) -> None:
    parts(*frames)(tmp_path / "parts")
    for read in (profile, lambda data: validate(data, {"name": "x", "columns": {"a": {"type": "int"}}})):
        with pytest.raises(BadInput, match=message) as caught:
            read(tmp_path / "parts")
        assert "1.parquet" in str(caught.value.where)


NAMES = ["a b", "c.d", "x" * 5000, "é", "e\u0301", "a\u200b", "1", "None", "a;b", '"', "row", "rows", "🦆", "col('x')"]


def test_times_beyond_python_are_validated_like_others(tmp_path: Path) -> None:
    path = tmp_path / "far.parquet"
    pq.write_table(pa.table({"a": FAR}), path)
    contract = {
        "name": "far",
        "key": "a",
        "columns": {"a": {"type": "datetime"}},
        "freshness": {"column": "a", "max_age": "1d"},
    }
    assert {c.name for c in validate(path, contract).failed} == {"key"}
    assert infer_contract(path, "far").columns["a"].type == "datetime"


def test_names_of_any_kind_are_kept_apart_and_validated(tmp_path: Path) -> None:
    path = tmp_path / "names.parquet"
    pl.DataFrame({name: [number] for number, name in enumerate(NAMES)}).write_parquet(path)
    columns = {name: {"type": "int", "max": number - 1} for number, name in enumerate(NAMES)}
    checks = [{"name": f"check {i}", "rule": f"col({name!r}) > {i}"} for i, name in enumerate(NAMES) if i != 2]
    report = validate(path, {"name": "names", "columns": columns, "checks": checks, "key": NAMES[:2]})
    assert [c.where for c in report.failed if c.name == "max"] == NAMES
    assert sum(c.name.startswith("check") for c in report.failed) == len(NAMES) - 1
    assert set(profile(path).columns) == set(NAMES)
