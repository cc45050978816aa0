"""Conditions on a row, as a small tree that every engine can compile: Polars for files, SQL for databases.

The tree says what is meant, so that all engines give the same answer:

- A column is read as the contract's type. NaN is missing, and so is text that is no date where a date is asked for.
- Logic has three values, as in SQL: a comparison with a missing value is unknown, ``and`` and ``or`` follow Kleene. A
  row breaks a rule only where the rule's condition is true; unknown keeps it.
- Arithmetic is done in double precision. Division by zero is missing.
- A moment is a date or a time, in UTC; a date is its midnight, and a time without zone is UTC's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from typing import Literal, TypeAlias

ColumnType = Literal["int", "float", "str", "category", "bool", "date", "datetime"]
Sort = Literal["number", "text", "bool", "moment"]
Scalar = bool | int | float | str | datetime
Arithmetic = Literal["+", "-", "*", "/"]
Comparison = Literal["==", "!=", "<", "<=", ">", ">="]
Function = Literal[
    "abs", "floor", "min", "max", "coalesce", "length", "lower", "upper", "year", "month", "day", "weekday", "days"
]

SORTS: dict[ColumnType, Sort] = {
    "int": "number",
    "float": "number",
    "str": "text",
    "category": "text",
    "bool": "bool",
    "date": "moment",
    "datetime": "moment",
}
WHOLE = 2.0**53  # from here on not each whole number is a double, and none has a fraction from the half of it on
# What counts as a date or a time where it is stored as text. A date alone, or with a time after T or a blank; seconds,
# their fractions and the zone may be left out. Anything else (05/04/2024) is a guess, and so is not read.
ISO_MOMENT = (
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ]([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9](?:\.[0-9]{1,9})?))?"
    r"(?:Z|([+-](?:[01][0-9]|2[0-3])):?([0-5][0-9]))?)?"
)  # groups: the date, hours, minutes, seconds; the zone's signed hours and its minutes


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that is written in the contract; moments are in UTC."""

    value: Scalar


@dataclass(frozen=True, slots=True)
class Column:
    """A column, read as the contract's type.

    :param name: its name.
    :param type: how it is read. ``int`` and ``float`` as a number, ``str`` as text, ``category`` as text too: a whole
        number is its digits (1.0 is ``"1"``), a boolean ``"true"`` or ``"false"``; ``date`` and ``datetime`` as a
        moment, from text too (:data:`ISO_MOMENT`).
    """

    name: str
    type: ColumnType


@dataclass(frozen=True, slots=True)
class Missing:
    """Whether a column has no value as it is stored: null or NaN. Never unknown."""

    column: Column


@dataclass(frozen=True, slots=True)
class Misfit:
    """Whether a column has a value that is not of its type, though it could be stored. Never unknown.

    A fraction where whole numbers are asked for; text that is no moment; a time of day (in UTC) where the type is
    ``date``. An infinite number is no misfit.
    """

    column: Column


@dataclass(frozen=True, slots=True)
class Infinite:
    """Whether a column of numbers is infinite. Not true where it is missing."""

    column: Column


@dataclass(frozen=True, slots=True)
class Finite:
    """Whether a column has a value, and one that is not infinite. Never unknown."""

    column: Column


@dataclass(frozen=True, slots=True)
class IsNull:
    """Whether a computed value is missing. Never unknown."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Compute:
    """Arithmetic on two numbers, in double precision; a division by zero is missing."""

    operator: Arithmetic
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Remainder:
    """What a division by whole steps leaves, with the sign of the right side (``%``).

    ``left - right * q`` in double precision, with ``q`` the greatest whole number not above ``left / right``; where
    rounding has put that outside of 0 to ``right``, it is brought back by one step of ``right``. Missing where the
    right side is 0, where one side is missing or infinite, and where the quotient is so large (:data:`WHOLE`) that no
    digit of the remainder is known.
    """

    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Rounded:
    """A number rounded to so many places, halves away from zero.

    The number times 10 to the power of ``places``, in double precision, to its nearest whole number, divided again. A
    number that has no fraction of this size, because it is as large as :meth:`limit` or infinite, is given as it is.
    """

    operand: Node
    places: int

    @property
    def scale(self) -> float:
        """How many units of the last place a whole one has."""
        return float(10**self.places)

    @property
    def limit(self) -> float:
        """The size from which on there is nothing to round."""
        return WHOLE / 2 / self.scale


@dataclass(frozen=True, slots=True)
class Compare:
    """A comparison of two values of one sort. Text and booleans are only compared for equality."""

    operator: Comparison
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Among:
    """Whether a value is one of a list; unknown where it is missing. The values are of the operand's sort."""

    operand: Node
    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Matches:
    """Whether the whole of a text matches a regular expression; unknown where it is missing."""

    operand: Node
    pattern: str


@dataclass(frozen=True, slots=True)
class All:
    """Whether all conditions hold (``and``)."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Whether one of the conditions holds (``or``)."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Whether a condition does not hold; unknown stays unknown."""

    part: Node


@dataclass(frozen=True, slots=True)
class Choose:
    """One value where a condition holds, else the other; else also where the condition is unknown (``CASE``)."""

    condition: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True, slots=True)
class Call:
    """A function of values.

    ``abs``, ``floor``; ``min`` and ``max`` of two or more, missing where one is missing; ``coalesce``; ``length`` in
    characters, ``lower``, ``upper``; ``year``, ``month``, ``day``, ``weekday`` (Monday is 1) of a moment in UTC;
    ``days(a, b)``: how many days, with fractions, from the moment b to the moment a.
    """

    function: Function
    arguments: tuple[Node, ...]


Node: TypeAlias = (
    Constant
    | Column
    | Missing
    | Misfit
    | Infinite
    | Finite
    | IsNull
    | Compute
    | Remainder
    | Rounded
    | Compare
    | Among
    | Matches
    | All
    | AnyOf
    | Not
    | Choose
    | Call
)


def children(node: Node) -> Iterator[Node]:
    """Give the nodes right below a node."""
    for field in fields(node):
        value = getattr(node, field.name)
        if isinstance(value, Node):
            yield value
        elif isinstance(value, tuple):
            yield from (item for item in value if isinstance(item, Node))


def columns_of(node: Node) -> list[str]:
    """Name the columns that a condition reads, in the order of their first use."""
    if isinstance(node, Column):
        return [node.name]
    return list(dict.fromkeys(name for child in children(node) for name in columns_of(child)))


def patterns_of(node: Node) -> Iterator[str]:
    """Give the regular expressions in a condition."""
    if isinstance(node, Matches):
        yield node.pattern
    for child in children(node):
        yield from patterns_of(child)


def size(node: Node, *, most: int) -> int:
    """Count the nodes of a tree, as an engine has to read them; counting ends beyond ``most``."""
    count = 1
    for child in children(node):
        count += size(child, most=most - count)
        if count > most:
            break
    return count


def moment(value: date | datetime) -> datetime:
    """Give a date or a time as a moment in UTC: a date is its midnight, a time without zone is UTC's."""
    if not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def moment_from_text(text: str) -> datetime | None:
    """Read a moment as it may be written (:data:`ISO_MOMENT`); None when it is not one."""
    if not re.fullmatch(ISO_MOMENT, text):
        return None
    try:
        return moment(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        return None


def as_code(value: bool | int | float | str) -> str:
    """Write a value of a category as the text that it is compared as: 1 and 1.0 are ``"1"``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < WHOLE:
        return str(int(value))
    return str(value)
