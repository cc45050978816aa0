"""One home for 'give me rows': files, Polars and pandas frames, all as lazy slices of about a million rows.

Polars' streaming engine alone is not out of core for what judging needs (`reference/engines.md`), slices are.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import polars as pl

from airflow_mlops.core.data.object_store import for_polars
from airflow_mlops.core.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

SLICE_ROWS = 1_000_000
TORN = (pl.exceptions.ComputeError, pl.exceptions.PanicException, OSError)  # others are slips of the query


@dataclass(frozen=True, slots=True)
class Slice:
    """Some rows that follow each other.

    :param frame: the rows, not read yet.
    :param first_row: the number of its first row in the whole, counted from 0.
    :param rows: how many it has.
    :param where: the file or frame that they come from.
    :param columnar: its columns can be read one by one for no more than all at once.
    """

    frame: pl.LazyFrame
    first_row: int
    rows: int
    where: str
    columnar: bool = False

    def collect(self, frame: pl.LazyFrame | None = None) -> pl.DataFrame:
        """Read the rows, or a query on them.

        :raises BadInput: when the file is damaged.
        """
        return collected(self.frame if frame is None else frame, self.where)


@dataclass(frozen=True, slots=True)
class Part:
    """A file, some small files, or a frame.

    :param frame: its rows, not read yet.
    :param rows: how many it has.
    :param where: what to call it in an error.
    :param columnar: its columns can be read one by one for no more than all at once: it is one file or in memory.
    """

    frame: pl.LazyFrame
    rows: int
    where: str
    columnar: bool


@dataclass(frozen=True, slots=True)
class Table:
    """Rows from anywhere, with their columns and number known and nothing else read.

    :param schema: column -> Polars type.
    :param rows: how many rows there are.
    :param where: what to call it in an error.
    :param parts: what it consists of, in order.
    """

    schema: dict[str, pl.DataType]
    rows: int
    where: str
    parts: tuple[Part, ...]

    def slices(self, size: int | None = None) -> Iterator[Slice]:
        """Go through all rows in slices.

        :param size: rows in a slice, at most; ``SLICE_ROWS`` unless told.
        """
        size, first = size or SLICE_ROWS, 0
        for part in self.parts:
            for offset in range(0, part.rows, size):
                count = min(size, part.rows - offset)
                frame = part.frame if count == part.rows else part.frame.slice(offset, count)
                yield Slice(frame, first + offset, count, part.where, part.columnar)
            first += part.rows

    def lazy(self) -> pl.LazyFrame:
        """Give all rows as one lazy frame."""
        return pl.concat([part.frame for part in self.parts])

    def sample(self, columns: Sequence[str], rows: int, pieces: int = 16) -> pl.DataFrame:
        """Read pieces spread evenly over all rows: sorted data would mislead with its first rows."""
        if self.rows <= rows:
            return collected(self.lazy().select(columns), self.where)
        size = rows // pieces
        starts = [round(i * (self.rows - size) / (pieces - 1)) for i in range(pieces)]
        everything = self.lazy().select(columns)
        return pl.concat([collected(everything.slice(start, size), self.where) for start in starts])


def collected(frame: pl.LazyFrame, where: str) -> pl.DataFrame:
    """Run a query; a damaged file becomes an error that names it."""
    try:
        return frame.collect()
    except TORN as error:
        raise _unreadable(where, error) from None


def open_table(data: Any) -> Table:
    """Open rows for judging.

    :param data: a Parquet file or a folder of them, a list of Parquet files, an open ``Snapshot``, a Polars
        frame (lazy or not), or a pandas frame; a :class:`Table` is given back.
    :raises BadInput: when a file is missing, empty or damaged, files disagree, or column names occur twice.
    """
    if isinstance(data, Table):
        return data
    if isinstance(data, pl.DataFrame):
        return _one(data.lazy(), dict(data.schema), data.height, "a Polars frame", columnar=True)
    if isinstance(data, pl.LazyFrame):
        rows = int(collected(data.select(pl.len()), "a lazy Polars frame").item())
        return _one(data, dict(data.collect_schema()), rows, "a lazy Polars frame", columnar=False)
    if isinstance(data, (str, os.PathLike)):
        return _files(_listed(os.fspath(data)), os.fspath(data))
    if type(data).__module__.split(".")[0] == "pandas" and hasattr(data, "columns"):
        return _from_pandas(data)
    files = getattr(data, "files", data)
    if isinstance(files, (list, tuple)) and files and all(isinstance(f, (str, os.PathLike)) for f in files):
        names = [os.fspath(f) for f in files]
        where = names[0] if len(names) == 1 else f"{len(names)} files, first {names[0]}"
        return _files(names, where, for_polars(getattr(data, "options", {})))
    raise BadInput(
        f"cannot read rows from {type(data).__name__}",
        where=repr(data)[:200],
        mend="pass a Parquet path, a list of them, a Snapshot, a Polars frame or a pandas frame",
    )


def _one(frame: pl.LazyFrame, schema: dict[str, pl.DataType], rows: int, where: str, *, columnar: bool) -> Table:
    return Table(schema, rows, where, (Part(frame, rows, where, columnar),))


def _listed(path: str) -> list[str]:
    if not os.path.isdir(path):
        return [path]
    files = sorted(os.path.join(path, f) for f in os.listdir(path) if f.endswith(".parquet"))
    if not files:
        raise BadInput("the folder has no Parquet files", where=path, mend="check the path, or write the data first")
    return files


def _files(files: list[str], where: str, login: dict[str, str] | None = None) -> Table:
    """Open Parquet files: footers are read, small files join into parts of about a slice."""
    opened = [_footer(file, login) for file in files]
    schema = _common_schema(files, [schema for _, schema, _ in opened])
    parts: list[Part] = []
    group: list[int] = []

    def close() -> None:
        if group:
            frames = [_cast(opened[i][0], opened[i][1], schema) for i in group]
            name = files[group[0]] if len(group) == 1 else f"{files[group[0]]} to {files[group[-1]]}"
            frame, rows = pl.concat(frames) if len(frames) > 1 else frames[0], sum(opened[i][2] for i in group)
            parts.append(Part(frame, rows, name, len(group) == 1))
            group.clear()

    for i, (_, _, rows) in enumerate(opened):
        if sum(opened[j][2] for j in group) + rows > SLICE_ROWS:
            close()
        group.append(i)
    close()
    return Table(schema, sum(rows for _, _, rows in opened), where, tuple(parts))


def _footer(file: str, login: dict[str, str] | None) -> tuple[pl.LazyFrame, dict[str, pl.DataType], int]:
    if "://" not in file:
        if not os.path.exists(file):
            raise BadInput("there is no such file", where=file, mend="check the path, or run the step that writes it")
        if os.path.getsize(file) == 0:
            raise BadInput("the file is empty (0 bytes)", where=file, mend="write it again: its writer was stopped")
    try:
        frame = pl.scan_parquet(file, storage_options=login)
        schema = dict(frame.collect_schema())
        return frame, schema, int(frame.select(pl.len()).collect().item())
    except pl.exceptions.DuplicateError as error:
        named = re.search("'(.*)'", str(error), re.DOTALL)
        raise BadInput(
            f"column names occur twice: {[named[1]] if named else error}",
            where=file,
            mend="rename them, or drop one, where the file is written",
        ) from None
    except TORN as error:
        raise _unreadable(file, error) from None


def _unreadable(where: str, error: BaseException) -> BadInput:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
    return BadInput(
        f"the data cannot be read: {reason}",
        where=where,
        mend="check that it is a whole Parquet file (a truncated one has lost its footer) and write it again",
    )


def _common_schema(files: list[str], schemas: list[dict[str, pl.DataType]]) -> dict[str, pl.DataType]:
    """Find the types that hold all files' values: an int column that is float in one file is float.

    :raises BadInput: when a file has other columns than the first, or a column is of another kind in it.
    """
    common = dict(schemas[0])
    said_by = dict.fromkeys(common, files[0])
    for file, schema in zip(files, schemas, strict=True):
        if set(schema) != set(common):
            raise BadInput(
                f"the files disagree on columns: not all have {sorted(set(schema) ^ set(common))[:5]}",
                where=f"{file} and {files[0]}",
                mend="write both with the same columns",
            )
        for column, dtype in schema.items():
            both = _common_type(common[column], dtype)
            if both is None:
                raise BadInput(
                    f"the files disagree on types: column {column!r} is {common[column]} in one and {dtype} in another",
                    where=f"{said_by[column]} and {file}",
                    mend="write both with the same type; a column read from CSV gets one with dtype={...}",
                )
            if common[column] == pl.Null:
                said_by[column] = file
            common[column] = both
    return common


def _common_type(one: pl.DataType, other: pl.DataType) -> pl.DataType | None:
    """Give the type that holds values of both and means the same; None when there is none.

    Without values a column has no type, and takes any. Polars would also make text of whole numbers, numbers of
    dates, and cut off what a coarser unit of time does not hold.
    """
    if one == other or other == pl.Null:
        return one
    if one == pl.Null:
        return other
    if _sort(one) != _sort(other):
        return None
    if _sort(one) == "text":
        return pl.String()
    if isinstance(one, pl.Datetime) and isinstance(other, pl.Datetime):
        return pl.Datetime("us", one.time_zone) if one.time_zone == other.time_zone else None
    if isinstance(one, pl.Duration):
        return pl.Duration("us")
    if isinstance(one, pl.List) and isinstance(other, pl.List):
        inner = _common_type(cast("pl.DataType", one.inner), cast("pl.DataType", other.inner))
        return None if inner is None else pl.List(inner)
    try:
        empty = [pl.DataFrame(schema={"": dtype}) for dtype in (one, other)]
        return pl.concat(empty, how="vertical_relaxed").schema[""]
    except pl.exceptions.PolarsError:
        return None


def _sort(dtype: pl.DataType) -> object:
    """Say to which other types values of this one can be likened."""
    if dtype.is_numeric():
        return "number"
    if isinstance(dtype, (pl.String, pl.Categorical, pl.Enum)):
        return "text"
    return "date" if isinstance(dtype, (pl.Date, pl.Datetime)) else dtype.base_type()


def _cast(frame: pl.LazyFrame, has: dict[str, pl.DataType], wants: dict[str, pl.DataType]) -> pl.LazyFrame:
    if list(has.items()) == list(wants.items()):
        return frame
    return frame.select(pl.col(c).cast(t) if has[c] != t else pl.col(c) for c, t in wants.items())


def _from_pandas(frame: pd.DataFrame) -> Table:
    names = [str(c) for c in frame.columns]
    if twice := sorted({n for n in names if names.count(n) > 1}):
        raise BadInput(
            f"column names occur twice: {twice[:5]}",
            where="a pandas frame",
            mend="rename them, or drop one: frame.loc[:, ~frame.columns.duplicated()]",
        )
    columns = [_series(name, frame.iloc[:, i]) for i, name in enumerate(names)]
    converted = pl.DataFrame(columns) if columns else pl.DataFrame()
    return _one(converted.lazy(), dict(converted.schema), len(frame), "a pandas frame", columnar=True)


def _series(name: str, column: pd.Series[Any]) -> pl.Series:
    """Take one pandas column over; one of mixed objects, which has no type, becomes text.

    One of objects that all are missing has no type either, and may stand for any.
    """
    if column.dtype == object and column.isna().all():
        return pl.Series(name, [None] * len(column), dtype=pl.Null)
    try:
        return pl.from_pandas(column).rename(name)
    except (TypeError, ValueError, OverflowError, NotImplementedError, pl.exceptions.PolarsError):
        missing = column.isna().to_numpy()
        values = [None if gone else str(value) for value, gone in zip(column, missing, strict=True)]
        return pl.Series(name, values, dtype=pl.String)
