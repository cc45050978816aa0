"""What is asked of a database, whichever it is.

Rows of a database are judged as a file of the same rows would be: each column has the Polars type that it would have
there, and each expression gives what Polars gives for files (``profiles/kinds.py``, ``validation/polars_rules.py``).

Expressions are texts for :func:`sqlalchemy.text`: a colon that begins no bound value is written ``\\:``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import polars as pl
    from sqlalchemy import Connection

MICROSECONDS_A_DAY = 86_400_000_000


class Dialect(ABC):
    """One kind of database.

    :param fence: what ends a subquery whose expressions are dear: without it the planner copies them to each place
        where they are used.
    :param binary: the collation that orders text as Python does, and takes only equal text for equal.
    :param largest: how many cells away a value may be so that its place in a grid, and its square, can be computed.
    """

    fence: ClassVar[str]
    binary: ClassVar[str]
    largest: ClassVar[float]

    @abstractmethod
    def begin(self, connection: Connection, functions: Mapping[str, Callable[..., Any]]) -> Connection:
        """Begin to read: nothing can be written, and all queries see one state of the data.

        :param functions: name -> function, for a database that lacks it.
        """

    def end(self, connection: Connection) -> None:  # noqa: B027 - most have nothing to end
        """End what :meth:`begin` began."""

    @abstractmethod
    def types(self, connection: Connection, rows: str, columns: Sequence[str]) -> dict[str, pl.DataType]:
        """Give the type that each column would have in a file.

        :param rows: what comes after FROM.
        :param columns: the columns, quoted.
        """

    def misfit(self, column: str, dtype: pl.DataType) -> str | None:
        """Say where a value is not of the column's type, if the database lets it be so."""
        return None

    def restored(self, value: Any, dtype: pl.DataType) -> Any:
        """Give a value that came over as the type that it has in a file."""
        return value

    # A column, read.

    @abstractmethod
    def number(self, column: str, dtype: pl.DataType) -> str:
        """Read a column as a number in double precision; times are seconds."""

    @abstractmethod
    def days(self, column: str, dtype: pl.DataType) -> str:
        """Read a column as days since 1970, in UTC."""

    @abstractmethod
    def moment(self, column: str, dtype: pl.DataType) -> str:
        """Read a column as a moment in UTC; text that is none is null (``ISO_MOMENT``)."""

    @abstractmethod
    def name(self, column: str, dtype: pl.DataType) -> str:
        """Read a column as the name of a category, written as Polars writes it; null where it is missing."""

    # Values.

    @abstractmethod
    def missing(self, value: str, dtype: pl.DataType) -> str:
        """Say where a value is null or NaN."""

    @abstractmethod
    def finite(self, number: str) -> str:
        """Say where a floating number is neither NaN nor infinite; null stays null."""

    @abstractmethod
    def without_nan(self, number: str) -> str:
        """Give null in the place of NaN."""

    @abstractmethod
    def floor(self, number: str) -> str:
        """Give the greatest whole number that is not above."""

    @abstractmethod
    def truncated(self, number: str) -> str:
        """Cut a number that is not negative down to a whole one."""

    @abstractmethod
    def of_several(self, least: bool, values: Sequence[str]) -> str:
        """Give the least or the greatest of values, null when one is null."""

    @abstractmethod
    def cased(self, upper: bool, text: str) -> str:
        """Give text in upper or lower case."""

    @abstractmethod
    def matches(self, text: str, bound: str) -> str:
        """Say where text matches a bound pattern (:meth:`pattern`)."""

    @abstractmethod
    def pattern(self, pattern: str) -> str:
        """Give a pattern that the whole of a text has to match."""

    @abstractmethod
    def bound_moment(self, moment: datetime) -> Any:
        """Give a moment as it is bound."""

    @abstractmethod
    def as_moment(self, bound: str) -> str:
        """Read what :meth:`bound_moment` gave."""

    @abstractmethod
    def part(self, name: str, moment: str) -> str:
        """Give the ``year``, ``month``, ``day`` or ``weekday`` (Monday is 1) of a moment."""

    @abstractmethod
    def days_between(self, moment: str, earlier: str) -> str:
        """Give the days from one moment to another, with fractions."""

    @abstractmethod
    def has_time(self, moment: str) -> str:
        """Say where a moment is not midnight."""

    # Queries.

    @abstractmethod
    def grouped(self, values: Sequence[str], rows: str) -> str:
        """Count how often each expression has each value: rows ``(i, value, n)``.

        :param values: the expressions, all of one type.
        :param rows: what comes after FROM.
        """

    @abstractmethod
    def pairs(self, bound: str) -> str:
        """Give a bound JSON list of ``[i, name]`` as rows."""
