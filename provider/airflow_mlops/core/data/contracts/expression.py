"""Expression tree of row conditions, which each engine compiles: Polars for files, SQL for databases.

All engines follow the same semantics:

- A column is read as the contract's type. NaN is missing, and so is text that cannot be parsed as a required date.
- Logic has three values, as in SQL: a comparison with a missing value is unknown, ``and`` and ``or`` follow Kleene. A
  row violates a rule only where the violation condition is true; an unknown result is not a violation.
- Arithmetic is done in double precision. Division by zero is missing.
- A timestamp is a date or a datetime, in UTC. A date is its midnight; a datetime without a time zone is UTC.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from airflow_mlops.core.data.contracts.contract_check import ContractCheck

ColumnType = Literal["int", "float", "str", "category", "bool", "date", "datetime"]
ValueType = Literal["number", "text", "bool", "timestamp"]
Scalar = bool | int | float | str | datetime
ArithmeticOperator = Literal["+", "-", "*", "/"]
ComparisonOperator = Literal["==", "!=", "<", "<=", ">", ">="]
FunctionName = Literal[
    "abs", "floor", "min", "max", "coalesce", "length", "lower", "upper", "year", "month", "day", "weekday", "days"
]

VALUE_TYPES: dict[ColumnType, ValueType] = {
    "int": "number",
    "float": "number",
    "str": "text",
    "category": "text",
    "bool": "bool",
    "date": "timestamp",
    "datetime": "timestamp",
}
MAX_EXACT_INTEGER = 2.0**53  # above it not every integer is a double; from half of it on no double has a fraction
# Accepted text form of a date or datetime: a date, optionally followed by a time after T or a space. Seconds, their
# fraction and the zone are optional. Ambiguous forms such as 05/04/2024 are not parsed.
ISO_TIMESTAMP = (
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ]([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9](?:\.[0-9]{1,9})?))?"
    r"(?:Z|([+-](?:[01][0-9]|2[0-3])):?([0-5][0-9]))?)?"
)  # groups: the date, hours, minutes, seconds; the zone's signed hours and its minutes


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal value of the contract; timestamps are in UTC."""

    value: Scalar


@dataclass(frozen=True, slots=True)
class ColumnRef:
    """A column, read as the contract's type.

    :param name: its name.
    :param type: how it is read. ``int`` and ``float`` as a number, ``str`` as text. ``category`` as text: an integer as
        its digits (1.0 is ``"1"``), a boolean as ``"true"`` or ``"false"``. ``date`` and ``datetime`` as a timestamp,
        also from text (:data:`ISO_TIMESTAMP`).
    """

    name: str
    type: ColumnType


@dataclass(frozen=True, slots=True)
class IsMissing:
    """Whether the stored value of a column is null or NaN. Never unknown."""

    column: ColumnRef


@dataclass(frozen=True, slots=True)
class TypeMismatch:
    """Whether a stored value does not have the contract's type. Never unknown.

    Examples: a fraction in an ``int`` column, text that is not a timestamp, a time of day (in UTC) in a ``date``
    column. An infinite number is not a mismatch.
    """

    column: ColumnRef


@dataclass(frozen=True, slots=True)
class IsInfinite:
    """Whether a number is infinite. Not true where it is missing."""

    column: ColumnRef


@dataclass(frozen=True, slots=True)
class IsFinite:
    """Whether a column has a finite value. Never unknown."""

    column: ColumnRef


@dataclass(frozen=True, slots=True)
class IsNull:
    """Whether a computed value is missing. Never unknown."""

    operand: Node


@dataclass(frozen=True, slots=True)
class BinaryOperation:
    """Arithmetic on two numbers, in double precision; a division by zero is missing."""

    operator: ArithmeticOperator
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Modulo:
    """Remainder of a floored division, with the sign of the right side (``%``).

    ``left - right * q`` in double precision, with ``q = floor(left / right)``. Where rounding puts the result outside
    of 0 to ``right``, it is corrected by one ``right``. Missing where the right side is 0, where one side is missing or
    infinite, and where the quotient exceeds :data:`WHOLE`, so that no digit of the remainder is exact.
    """

    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Round:
    """A number rounded to ``places`` decimals, halves away from zero.

    The number times 10 to the power of ``places``, in double precision, is rounded to an integer and divided again.
    Numbers of at least :meth:`limit`, and infinite ones, are returned unchanged.
    """

    operand: Node
    places: int

    @property
    def scale(self) -> float:
        """Return 10 to the power of ``places``."""
        return float(10**self.places)

    @property
    def limit(self) -> float:
        """Return the absolute value from which on no rounding is needed."""
        return MAX_EXACT_INTEGER / 2 / self.scale


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison of two values of one type. Text and booleans are only compared for equality."""

    operator: ComparisonOperator
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class IsIn:
    """Whether a value is in a list; unknown where it is missing. The values have the operand's type."""

    operand: Node
    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class RegexMatch:
    """Whether the full text matches a regular expression; unknown where it is missing."""

    operand: Node
    pattern: str


@dataclass(frozen=True, slots=True)
class And:
    """Whether all conditions hold (``and``)."""

    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Whether at least one condition holds (``or``)."""

    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Whether a condition does not hold; unknown stays unknown."""

    operand: Node


@dataclass(frozen=True, slots=True)
class IfElse:
    """One value where a condition holds, the other where it is false or unknown (``CASE``)."""

    condition: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A function call.

    ``abs``, ``floor``; ``min`` and ``max`` of two or more, missing where one is missing; ``coalesce``; ``length`` in
    characters, ``lower``, ``upper``; ``year``, ``month``, ``day``, ``weekday`` (Monday is 1) of a timestamp in UTC;
    ``days(a, b)``: the number of days, with fractions, from timestamp b to timestamp a.
    """

    function: FunctionName
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class CheckViolation:
    """Whether a value breaks a contract check of another package; unknown where the check returns null."""

    column: ColumnRef
    name: str
    check: ContractCheck
    parameters: Mapping[str, Any]


Node: TypeAlias = (
    Constant
    | ColumnRef
    | IsMissing
    | TypeMismatch
    | IsInfinite
    | IsFinite
    | IsNull
    | BinaryOperation
    | Modulo
    | Round
    | Comparison
    | IsIn
    | RegexMatch
    | And
    | Or
    | Not
    | IfElse
    | FunctionCall
    | CheckViolation
)


def child_nodes(node: Node) -> Iterator[Node]:
    """Yield the child nodes of a node."""
    for field in fields(node):
        value = getattr(node, field.name)
        if isinstance(value, Node):
            yield value
        elif isinstance(value, tuple):
            yield from (item for item in value if isinstance(item, Node))


def columns_of(node: Node) -> list[str]:
    """Return the columns that a condition reads, in the order of first use."""
    if isinstance(node, ColumnRef):
        return [node.name]
    return list(dict.fromkeys(name for child in child_nodes(node) for name in columns_of(child)))


def patterns_of(node: Node) -> Iterator[str]:
    """Yield the regular expressions in a condition."""
    if isinstance(node, RegexMatch):
        yield node.pattern
    for child in child_nodes(node):
        yield from patterns_of(child)


def count_nodes(node: Node, *, limit: int) -> int:
    """Count the nodes of the expanded tree (shared nodes count repeatedly), stopping above ``most``."""
    count = 1
    for child in child_nodes(node):
        count += count_nodes(child, limit=limit - count)
        if count > limit:
            break
    return count


def to_utc(value: date | datetime) -> datetime:
    """Convert a date or datetime to UTC: a date is its midnight, a datetime without a time zone is UTC."""
    if not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def parse_iso_timestamp(text: str) -> datetime | None:
    """Parse a timestamp (:data:`ISO_TIMESTAMP`); return None when the text is not one."""
    if not re.fullmatch(ISO_TIMESTAMP, text):
        return None
    try:
        return to_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        return None


def format_category(value: bool | int | float | str) -> str:
    """Return the text that a category value is compared by: 1 and 1.0 are ``"1"``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < MAX_EXACT_INTEGER:
        return str(int(value))
    return str(value)
