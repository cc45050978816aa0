"""The interface of a SQL dialect: expressions and queries for validation and profiling.

Rows of a database give the same results as a file of the same rows: each column has the Polars type that it would have
in a file, and each expression returns what Polars returns (``profiles/kinds.py``, ``validation/polars_compiler.py``).

Expressions are texts for :func:`sqlalchemy.text`: a colon outside a bound parameter is escaped as ``\\:``.
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
    """The SQL of one database system.

    :param fence: the optimization fence that ends a subquery with expensive expressions: without it the planner copies
        them to each place where they are used.
    :param binary: the collation that orders text by code point, as Python does.
    :param max_distance: the maximum distance from a grid, in cells, that can be computed and squared.
    :param has_functions: whether :meth:`begin` registers Python functions with the database.
    :param min_version: the oldest version of the database that is supported.
    """

    fence: ClassVar[str]
    binary: ClassVar[str]
    max_distance: ClassVar[float]
    has_functions: ClassVar[bool] = False
    min_version: ClassVar[tuple[int, ...]] = ()

    @abstractmethod
    def begin(self, connection: Connection, functions: Mapping[str, Callable[..., Any]]) -> Connection:
        """Begin a read-only transaction in which all queries see one state of the data.

        :param functions: name -> scalar function, for a database that lacks it.
        """

    def end(self, connection: Connection) -> None:  # noqa: B027 - optional
        """End the transaction of :meth:`begin`."""

    @abstractmethod
    def column_types(self, connection: Connection, rows: str, columns: Sequence[str]) -> dict[str, pl.DataType]:
        """Return the Polars type that each column would have in a file.

        :param rows: the FROM clause.
        :param columns: the quoted columns.
        """

    def type_mismatch(self, column: str, dtype: pl.DataType) -> str | None:
        """Return a condition for values that are not of the column's type; None if the database prevents them."""
        return None

    def to_python(self, value: Any, dtype: pl.DataType) -> Any:
        """Convert a fetched value to the type that it has in a file."""
        return value

    # Columns as values.

    @abstractmethod
    def to_number(self, column: str, dtype: pl.DataType) -> str:
        """Convert a column to double precision; times and durations are seconds."""

    @abstractmethod
    def to_days(self, column: str, dtype: pl.DataType) -> str:
        """Convert a column to days since 1970, in UTC."""

    @abstractmethod
    def to_timestamp(self, column: str, dtype: pl.DataType) -> str:
        """Convert a column to a timestamp in UTC; text that does not match ``ISO_TIMESTAMP`` is null."""

    @abstractmethod
    def to_name(self, column: str, dtype: pl.DataType) -> str:
        """Convert a column to category names, formatted as Polars does; null where it is missing."""

    # Values.

    @abstractmethod
    def is_missing(self, value: str, dtype: pl.DataType) -> str:
        """Return a condition for null or NaN."""

    @abstractmethod
    def is_finite(self, number: str) -> str:
        """Return a condition for floats that are neither NaN nor infinite; null stays null."""

    @abstractmethod
    def nan_to_null(self, number: str) -> str:
        """Replace NaN with null."""

    @abstractmethod
    def floor(self, number: str) -> str:
        """Round down to an integer."""

    @abstractmethod
    def truncate(self, number: str) -> str:
        """Truncate a non-negative number to an integer."""

    @abstractmethod
    def extreme_of(self, smallest: bool, values: Sequence[str]) -> str:
        """Return the smallest or the largest of several values; null when one is null."""

    @abstractmethod
    def change_case(self, upper: bool, text: str) -> str:
        """Convert text to upper or lower case."""

    @abstractmethod
    def matches(self, text: str, bound: str) -> str:
        """Return a condition for text that matches a bound pattern (:meth:`pattern`)."""

    @abstractmethod
    def pattern(self, pattern: str) -> str:
        """Convert a pattern to one that matches only the complete text."""

    @abstractmethod
    def bind_timestamp(self, timestamp: datetime) -> Any:
        """Convert a timestamp to a bound value."""

    @abstractmethod
    def bound_timestamp(self, bound: str) -> str:
        """Return the timestamp of a value bound by :meth:`bind_timestamp`."""

    @abstractmethod
    def date_part(self, name: str, timestamp: str) -> str:
        """Extract the ``year``, ``month``, ``day`` or ``weekday`` (Monday is 1) of a timestamp."""

    @abstractmethod
    def days_between(self, timestamp: str, earlier: str) -> str:
        """Return the fractional days from one timestamp to another."""

    @abstractmethod
    def is_not_midnight(self, timestamp: str) -> str:
        """Return a condition for timestamps other than midnight."""

    # Names, as in ``profiles/names.py``. A database without Python functions has to override both.

    def clean_name(self, name: str) -> str:
        """Normalise and shorten a name; null stays null."""
        return f"mlops_clean({name})"

    def hash_names(self) -> str:
        """Return the query that hashes the names of ``named(name, n)``: rows ``(hash, n, characters)``."""
        return "SELECT mlops_hash(name) AS hash, n, mlops_characters(name) AS characters FROM named"

    # Queries.

    @abstractmethod
    def count_values(self, values: Sequence[str], rows: str) -> str:
        """Count how often each expression has each value: rows ``(i, value, n)``.

        :param values: the expressions, all of one type.
        :param rows: the FROM clause.
        """

    @abstractmethod
    def unnest_pairs(self, bound: str) -> str:
        """Unnest a bound JSON list of ``[i, name]`` into rows."""
