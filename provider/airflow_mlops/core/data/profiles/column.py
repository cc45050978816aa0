"""One column of a slice, read when it is counted and in the form in which it is counted."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from airflow_mlops.core.data.frames import Slice


@dataclass(slots=True)
class Column:
    """A column of a slice. Columns are read one after the other, so that memory holds few of them at a time.

    :param piece: the slice.
    :param dtype: its type in the data.
    :param counted: the expression that gives what is counted.
    :param read: what it gives, when that is at hand.
    """

    piece: Slice
    dtype: pl.DataType
    counted: pl.Expr
    read: pl.Series | None = None
    _present: pl.Series | None = field(default=None, init=False, repr=False)

    def values(self) -> pl.Series:
        """Read the values; shape (rows of the slice,).

        :raises BadInput: when the file is damaged.
        """
        return self._of(self.piece.frame, self.counted) if self.read is None else self.read

    def present(self) -> pl.Series:
        """Read the values that are not null; a second time they are at hand."""
        if self._present is None:
            if self.read is None:
                self._present = self._of(self.piece.frame, self.counted.drop_nulls())
            else:
                self._present = self.read.drop_nulls() if self.read.null_count() else self.read
        return self._present

    def head(self, rows: int) -> pl.Series:
        """Read the first values."""
        return self._of(self.piece.frame.head(rows), self.counted) if self.read is None else self.read.head(rows)

    def groups(self) -> tuple[pl.Series, pl.Series]:
        """Give the different values, among them null, and how many rows have each; in any order.

        Counting while reading costs about half of doing one after the other.
        """
        if self.dtype == pl.Boolean:
            return _flags(self.values())
        if self.read is None:
            query = self.piece.frame.select(self.counted.alias("value")).group_by("value").agg(pl.len().alias("rows"))
            found = self.piece.collect(query)
        else:
            found = self.read.rename("value").value_counts(name="rows")
        return found["value"], found["rows"]

    def _of(self, rows: pl.LazyFrame, what: pl.Expr) -> pl.Series:
        return self.piece.collect(rows.select(what)).to_series()


def _flags(values: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Group flags; a sum over bits is far less work than a search for the different values."""
    true, null = int(values.sum() or 0), values.null_count()
    groups = [(flag, rows) for flag, rows in ((True, true), (False, len(values) - true - null), (None, null)) if rows]
    found = pl.DataFrame(groups, schema={"value": pl.Boolean, "rows": pl.Int64}, orient="row")
    return found["value"], found["rows"]
