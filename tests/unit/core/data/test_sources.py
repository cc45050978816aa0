"""Row sources: the parameters choose one, every kind of frame keeps its values, and a bad source is named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from airflow_mlops.common.errors import BadInput, MlopsError
from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
from airflow_mlops.core.data.sources import FunctionSource, choose_source, read_rows

BIG = 2**60 + 1
FRAME = pd.DataFrame({"id": pd.array([1, None, BIG], "Int64"), "paid": pd.array([True, None, False], "boolean")})


class Leads:
    """A source that returns what it was created with.

    :param rows: the result of ``read``; an exception is raised.
    """

    def __init__(self, *, rows: Any) -> None:
        self.rows = rows

    def read(self, partition: str | None) -> Any:
        if isinstance(self.rows, Exception):
            raise self.rows
        return self.rows


class SkipError(Exception):
    pass


def frames(rows: Any, **more: Any) -> list[pd.DataFrame]:
    return list(read_rows(Leads, {"rows": rows}, "2026-04-06", **more))


@pytest.mark.parametrize(
    ("parameters", "kind", "options"),
    [
        ({"sql": "SELECT 1", "conn_id": "db", "path": "", "rows": None}, "sql", {"sql": "SELECT 1", "conn_id": "db"}),
        ({"path": "x.csv"}, "file", {"path": "x.csv"}),
        ({"rows": "a.b:c"}, "rows", {"rows": "a.b:c"}),
        ({"source": "acme", "source_options": {"table": "leads"}}, "acme", {"table": "leads"}),
        ({"source": {"kind": "acme", "table": "leads", "limit": 1}}, "acme", {"table": "leads", "limit": 1}),
        ({"source": Leads}, Leads, {}),
    ],
)
def test_the_parameters_choose_a_source_and_its_options(parameters: dict[str, Any], kind: Any, options: Any) -> None:
    assert choose_source(parameters) == (kind, options)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "exactly one of source, sql, path and rows is required; got none"),
        ({"source": "acme", "rows": "a.b:c"}, r"got \['source', 'rows'\]"),
        ({"sql": "SELECT 1"}, "sql requires conn_id"),
        ({"source": "acme", "conn_id": "db"}, "conn_id requires sql"),
        ({"path": "x.csv", "source_options": {"a": 1}}, "source_options requires source"),
        ({"source": {"table": "leads"}}, "source has no kind"),
    ],
)
def test_parameters_without_one_meaning_are_refused(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        choose_source(parameters)


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("convert", [pl.from_pandas, lambda f: pl.from_pandas(f).lazy(), pa.Table.from_pandas,
                                     pa.RecordBatch.from_pandas])  # fmt: skip
def test_a_frame_of_any_library_gives_the_same_snapshot(convert: Any, several: bool, root: SnapshotRoot) -> None:
    frame = convert(FRAME)
    (read,) = frames([frame] if several else frame)
    ref = root.write("d", read)
    assert ref == root.write("d", FRAME)
    assert read["id"].tolist()[2] == BIG


@pytest.mark.parametrize("convert", [pl.DataFrame, pa.table])
def test_dates_decimals_and_categories_are_those_of_a_pandas_source(convert: Any, root: SnapshotRoot) -> None:
    from datetime import UTC, date, datetime
    from decimal import Decimal

    columns = {
        "day": [date(2026, 4, 6), None],
        "at": [datetime(2026, 4, 6, 12, tzinfo=UTC), None],
        "price": [Decimal("1.50"), Decimal("2.25")],
        "plan": ["basic", None],
    }
    (read,) = frames(convert(columns))
    assert root.write("d", read) == root.write("d", pd.DataFrame(columns))


def test_frames_are_read_one_by_one() -> None:
    drawn: list[int] = []

    def draw() -> Iterator[pd.DataFrame]:
        for number in range(3):
            drawn.append(number)
            yield FRAME

    rows = read_rows(Leads, {"rows": draw()}, None)
    next(rows)
    assert drawn == [0]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "returned no frame"),
        (None, "returned NoneType, not a frame"),
        ("x.csv", "returned str, not a frame"),
        ({"a": [1]}, "returned dict, not a frame"),
        ([FRAME, None], "returned NoneType, not a frame(.|\n)*frame 1"),
        ([[1, 2]], "returned list, not a frame"),
        (pl.Series([1]), "returned int, not a frame"),
    ],
)
def test_a_source_without_frames_is_refused_by_name(rows: Any, message: str) -> None:
    with pytest.raises(BadInput, match=message) as caught:
        frames(rows)
    assert "test_sources:Leads, partition 2026-04-06" in str(caught.value)
    assert caught.value.hint


def test_an_error_of_a_source_can_be_retried_and_says_which_line_raised_it() -> None:
    with pytest.raises(MlopsError, match="failed: ConnectionError: the CRM is down") as caught:
        frames(ConnectionError("the CRM is down"))
    assert type(caught.value) is MlopsError  # BadInput would fail the task at once
    assert str(caught.value.where).startswith(f"{__file__}, line ")
    assert isinstance(caught.value.__cause__, ConnectionError)


def test_errors_that_have_to_pass_do() -> None:
    with pytest.raises(SkipError):
        frames(SkipError(), reraise=(SkipError,))
    with pytest.raises(BadInput, match=r"^no such table$"):
        frames(BadInput("no such table"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"row": 1}, "'row' is not an option of the row source .*Leads'(.|\n)*did you mean 'rows'"),
        ({}, "requires the option 'rows'"),
    ],
)
def test_a_wrong_option_is_refused_before_anything_is_read(options: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        next(read_rows(Leads, options, None))


def test_the_name_of_something_else_is_not_a_source() -> None:
    with pytest.raises(BadInput, match="Path has no 'read'|PosixPath has no 'read'"):
        next(read_rows("pathlib:Path", {}, None))
    with pytest.raises(BadInput, match="'acme' is not a known row source(.|\n)*known are sql, file, rows"):
        next(read_rows("acme", {}, None))


def test_the_built_in_sources_are_implementations_too(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("id\n7\n")
    (read,) = read_rows("file", {"path": str(tmp_path / "x.csv")}, None)
    assert read["id"].tolist() == [7]
    (read,) = read_rows("rows", {"rows": lambda partition: pd.DataFrame({"p": [partition]})}, "2026-04-06")
    assert read["p"].tolist() == ["2026-04-06"]
    assert FunctionSource("builtins:dict").rows is dict
