"""Tables of rows from Parquet files, Polars and pandas frames, read as lazy slices of about a million rows.

Slices bound the memory: Polars' streaming engine alone does not for the queries run here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import polars as pl

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.data.snapshots.storage_options import to_polars_options

if TYPE_CHECKING:
    import pandas as pd

SLICE_ROWS = 1_000_000
# What Polars raises for a damaged file; other errors are bugs in a query.
READ_ERRORS = (pl.exceptions.ComputeError, pl.exceptions.PanicException, OSError)


@dataclass(frozen=True, slots=True)
class RowSlice:
    """Consecutive rows of a table.

    :param frame: the rows, not read yet.
    :param first_row: the index of its first row in the table, from 0.
    :param rows: the number of rows.
    :param where: the file or frame that they come from, for errors.
    :param columnar: reading its columns one by one costs no more than all at once.
    """

    frame: pl.LazyFrame
    first_row: int
    rows: int
    where: str
    columnar: bool = False

    def collect(self, frame: pl.LazyFrame | None = None) -> pl.DataFrame:
        """Read the rows, or run a query on them.

        :raises BadInput: when the file is damaged.
        """
        return collect_frame(self.frame if frame is None else frame, self.where)


@dataclass(frozen=True, slots=True)
class TablePart:
    """A file, several small files, or a frame.

    :param frame: its rows, not read yet.
    :param rows: the number of rows.
    :param where: its description, for errors.
    :param columnar: reading its columns one by one costs no more than all at once: it is one file or in memory.
    """

    frame: pl.LazyFrame
    rows: int
    where: str
    columnar: bool


@dataclass(frozen=True, slots=True)
class LazyTable:
    """Rows from any source; only the schema and the number of rows have been read.

    :param schema: column -> Polars type.
    :param rows: the number of rows.
    :param where: its description, for errors.
    :param parts: its parts, in order.
    """

    schema: dict[str, pl.DataType]
    rows: int
    where: str
    parts: tuple[TablePart, ...]

    def slices(self, size: int | None = None) -> Iterator[RowSlice]:
        """Iterate over all rows in slices.

        :param size: the maximum rows in a slice; default: ``SLICE_ROWS``.
        """
        size, first = size or SLICE_ROWS, 0
        for part in self.parts:
            for offset in range(0, part.rows, size):
                count = min(size, part.rows - offset)
                frame = part.frame if count == part.rows else part.frame.slice(offset, count)
                yield RowSlice(frame, first + offset, count, part.where, part.columnar)
            first += part.rows

    def lazy(self) -> pl.LazyFrame:
        """Return all rows as one lazy frame."""
        return pl.concat([part.frame for part in self.parts])

    def sample(self, columns: Sequence[str], rows: int, pieces: int = 16) -> pl.DataFrame:
        """Read pieces spread evenly over all rows: the first rows of sorted data are not representative."""
        if self.rows <= rows:
            return collect_frame(self.lazy().select(columns), self.where)
        size = rows // pieces
        starts = [round(i * (self.rows - size) / (pieces - 1)) for i in range(pieces)]
        frame = self.lazy().select(columns)
        return pl.concat([collect_frame(frame.slice(start, size), self.where) for start in starts])


def collect_frame(frame: pl.LazyFrame, where: str) -> pl.DataFrame:
    """Run a query.

    :raises BadInput: when a file is damaged; it names the file.
    """
    try:
        return frame.collect()
    except READ_ERRORS as error:
        raise _unreadable_error(where, error) from None


def open_table(data: Any) -> LazyTable:
    """Open rows as a table.

    :param data: a Parquet file or a folder of them, a list of Parquet files, an open ``Snapshot``, a Polars
        frame (lazy or not), or a pandas frame; a :class:`Table` is returned as is.
    :raises BadInput: when a file is missing, empty or damaged, files disagree, or column names occur twice.
    """
    if isinstance(data, LazyTable):
        return data
    if isinstance(data, pl.DataFrame):
        return _single_part(data.lazy(), dict(data.schema), data.height, "a Polars frame", columnar=True)
    if isinstance(data, pl.LazyFrame):
        rows = int(collect_frame(data.select(pl.len()), "a lazy Polars frame").item())
        return _single_part(data, dict(data.collect_schema()), rows, "a lazy Polars frame", columnar=False)
    if isinstance(data, (str, os.PathLike)):
        return _open_files(_list_files(os.fspath(data)), os.fspath(data))
    if type(data).__module__.split(".")[0] == "pandas" and hasattr(data, "columns"):
        return _from_pandas(data)
    files = getattr(data, "files", data)
    if isinstance(files, (list, tuple)) and files and all(isinstance(f, (str, os.PathLike)) for f in files):
        names = [os.fspath(f) for f in files]
        where = names[0] if len(names) == 1 else f"{len(names)} files, first {names[0]}"
        return _open_files(names, where, to_polars_options(getattr(data, "options", {})))
    raise BadInput(
        f"cannot read rows from {type(data).__name__}",
        where=repr(data)[:200],
        hint="pass a Parquet path, a list of them, a Snapshot, a Polars frame or a pandas frame",
    )


def _single_part(
    frame: pl.LazyFrame, schema: dict[str, pl.DataType], rows: int, where: str, *, columnar: bool
) -> LazyTable:
    return LazyTable(schema, rows, where, (TablePart(frame, rows, where, columnar),))


def _list_files(path: str) -> list[str]:
    if not os.path.isdir(path):
        return [path]
    files = sorted(os.path.join(path, f) for f in os.listdir(path) if f.endswith(".parquet"))
    if not files:
        raise BadInput("the folder has no Parquet files", where=path, hint="check the path, or write the data first")
    return files


def _open_files(files: list[str], where: str, storage_options: dict[str, str] | None = None) -> LazyTable:
    """Open Parquet files: read their footers, and join small files into parts of about a slice."""
    opened = [_read_footer(file, storage_options) for file in files]
    schema = _common_schema(files, [schema for _, schema, _ in opened])
    parts: list[TablePart] = []
    group: list[int] = []

    def close() -> None:
        if group:
            frames = [_cast(opened[i][0], opened[i][1], schema) for i in group]
            name = files[group[0]] if len(group) == 1 else f"{files[group[0]]} to {files[group[-1]]}"
            frame, rows = pl.concat(frames) if len(frames) > 1 else frames[0], sum(opened[i][2] for i in group)
            parts.append(TablePart(frame, rows, name, len(group) == 1))
            group.clear()

    for i, (_, _, rows) in enumerate(opened):
        if sum(opened[j][2] for j in group) + rows > SLICE_ROWS:
            close()
        group.append(i)
    close()
    return LazyTable(schema, sum(rows for _, _, rows in opened), where, tuple(parts))


def _read_footer(file: str, storage_options: dict[str, str] | None) -> tuple[pl.LazyFrame, dict[str, pl.DataType], int]:
    if "://" not in file:
        if not os.path.exists(file):
            raise BadInput("file not found", where=file, hint="check the path, or run the step that writes it")
        if os.path.getsize(file) == 0:
            raise BadInput("the file is empty (0 bytes)", where=file, hint="write it again: its writer was interrupted")
    try:
        frame = pl.scan_parquet(file, storage_options=storage_options)
        schema = dict(frame.collect_schema())
        return frame, schema, int(frame.select(pl.len()).collect().item())
    except pl.exceptions.DuplicateError as error:
        match = re.search("'(.*)'", str(error), re.DOTALL)
        raise BadInput(
            f"column names occur twice: {[match[1]] if match else error}",
            where=file,
            hint="rename them, or drop one, where the file is written",
        ) from None
    except READ_ERRORS as error:
        raise _unreadable_error(file, error) from None


def _unreadable_error(where: str, error: BaseException) -> BadInput:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
    return BadInput(
        f"the data cannot be read: {reason}",
        where=where,
        hint="check that the Parquet file is complete (a truncated one has lost its footer) and write it again",
    )


def _common_schema(files: list[str], schemas: list[dict[str, pl.DataType]]) -> dict[str, pl.DataType]:
    """Find the types that hold the values of all files: an int column that is float in one file is float.

    :raises BadInput: when a file has other columns than the first, or a column with an incompatible type.
    """
    common = dict(schemas[0])
    defined_in = dict.fromkeys(common, files[0])
    for file, schema in zip(files, schemas, strict=True):
        if set(schema) != set(common):
            raise BadInput(
                f"the files disagree on columns: not all have {sorted(set(schema) ^ set(common))[:5]}",
                where=f"{file} and {files[0]}",
                hint="write both with the same columns",
            )
        for column, dtype in schema.items():
            widened = _common_type(common[column], dtype)
            if widened is None:
                raise BadInput(
                    f"the files disagree on types: column {column!r} is {common[column]} in one and {dtype} in another",
                    where=f"{defined_in[column]} and {file}",
                    hint="write both with the same type; set it with dtype={...} for a column read from CSV",
                )
            if common[column] == pl.Null:
                defined_in[column] = file
            common[column] = widened
    return common


def _common_type(left: pl.DataType, right: pl.DataType) -> pl.DataType | None:
    """Return the type that holds the values of both without changing them; None when there is none.

    A column without values has no type, and takes any. Polars' own supertypes are wider: they turn integers into text
    and dates into numbers, and truncate times to the coarser unit.
    """
    if left == right or right == pl.Null:
        return left
    if left == pl.Null:
        return right
    if _type_family(left) != _type_family(right):
        return None
    if _type_family(left) == "text":
        return pl.String()
    if isinstance(left, pl.Datetime) and isinstance(right, pl.Datetime):
        return pl.Datetime("us", left.time_zone) if left.time_zone == right.time_zone else None
    if isinstance(left, pl.Duration):
        return pl.Duration("us")
    if isinstance(left, pl.List) and isinstance(right, pl.List):
        inner = _common_type(cast("pl.DataType", left.inner), cast("pl.DataType", right.inner))
        return None if inner is None else pl.List(inner)
    try:
        empty = [pl.DataFrame(schema={"": dtype}) for dtype in (left, right)]
        return pl.concat(empty, how="vertical_relaxed").schema[""]
    except pl.exceptions.PolarsError:
        return None


def _type_family(dtype: pl.DataType) -> object:
    """Return the family of types whose values are comparable with this one's."""
    if dtype.is_numeric():
        return "number"
    if isinstance(dtype, (pl.String, pl.Categorical, pl.Enum)):
        return "text"
    return "date" if isinstance(dtype, (pl.Date, pl.Datetime)) else dtype.base_type()


def _cast(frame: pl.LazyFrame, source: dict[str, pl.DataType], target: dict[str, pl.DataType]) -> pl.LazyFrame:
    if list(source.items()) == list(target.items()):
        return frame
    return frame.select(pl.col(c).cast(t) if source[c] != t else pl.col(c) for c, t in target.items())


def _from_pandas(frame: pd.DataFrame) -> LazyTable:
    names = [str(c) for c in frame.columns]
    if duplicates := sorted({n for n in names if names.count(n) > 1}):
        raise BadInput(
            f"column names occur twice: {duplicates[:5]}",
            where="a pandas frame",
            hint="rename them, or drop one: frame.loc[:, ~frame.columns.duplicated()]",
        )
    columns = [_series(name, frame.iloc[:, i]) for i, name in enumerate(names)]
    converted = pl.DataFrame(columns) if columns else pl.DataFrame()
    return _single_part(converted.lazy(), dict(converted.schema), len(frame), "a pandas frame", columnar=True)


def _series(name: str, column: pd.Series[Any]) -> pl.Series:
    """Convert a pandas column; a column of mixed objects becomes text, one with only missing values has no type."""
    if column.dtype == object and column.isna().all():
        return pl.Series(name, [None] * len(column), dtype=pl.Null)
    try:
        return pl.from_pandas(column).rename(name)
    except (TypeError, ValueError, OverflowError, NotImplementedError, pl.exceptions.PolarsError):
        missing = column.isna().to_numpy()
        values = [None if is_missing else str(value) for value, is_missing in zip(column, missing, strict=True)]
        return pl.Series(name, values, dtype=pl.String)
