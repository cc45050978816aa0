"""The rules of a contract for data with given columns, as every engine can run them.

Nothing is read here. What the columns alone decide becomes a check at once; each rule about rows becomes a
:class:`Rule` with a condition (:mod:`~airflow_mlops.core.data.contracts.expression`) that is true for a row that breaks
it. An engine has to count the rows in which the condition is true, and to show a few of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from airflow_mlops.core.data.contracts.columns import TIMES, ColumnRule
from airflow_mlops.core.data.contracts.expression import (
    All,
    Among,
    AnyOf,
    Call,
    Column,
    ColumnType,
    Compare,
    Constant,
    Finite,
    Infinite,
    Matches,
    Misfit,
    Missing,
    Node,
    Not,
    Scalar,
    as_code,
    columns_of,
    moment,
)
from airflow_mlops.core.data.contracts.model import Contract
from airflow_mlops.core.data.validation.outliers import fences
from airflow_mlops.core.report import Check, Severity

if TYPE_CHECKING:
    from airflow_mlops.core.data.profiles.model import Profile

Storage = Literal["int", "float", "decimal", "text", "bool", "date", "datetime", "null", "other"]
# Whether a stored type can hold the values of a contract's type; some are then looked at value by value.
FITS: dict[ColumnType, tuple[Storage, ...]] = {
    "int": ("int", "float", "decimal"),
    "float": ("int", "float", "decimal"),
    "str": ("text",),
    "category": ("text", "int", "float", "bool"),
    "bool": ("bool",),
    "date": ("date", "datetime", "text"),
    "datetime": ("datetime", "text"),
}


@dataclass(frozen=True, slots=True)
class Stored:
    """How a column is stored.

    :param kind: the kind of its values; ``null`` when it has none and no type.
    :param shown: what the engine calls its type, for messages.
    """

    kind: Storage
    shown: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that each row keeps or breaks.

    :param name: the rule: one of a column's (``min``), or the name of a cross-column rule.
    :param columns: the columns that it reads; the first is the one it is about.
    :param where: what the report calls its place: the column, or the columns with commas.
    :param severity: what a failure means.
    :param expected: what the rule asks for.
    :param says: what is wrong with the broken rows, for a sentence.
    :param broken: true for a row that breaks it; unknown keeps it.
    :param allowed: the share of rows that may break it.
    """

    name: str
    columns: tuple[str, ...]
    where: str
    severity: Severity
    expected: Any
    says: str
    broken: Node
    allowed: float = 0.0

    @property
    def label(self) -> str:
        """The rule in one word or two, for a row that broke it."""
        return f"{self.where}: {self.name}" if len(self.columns) == 1 else self.name


@dataclass(frozen=True, slots=True)
class Unique:
    """A rule that no two rows have the same values. Rows where one is missing (null or NaN) are not compared.

    :param name: ``key``, or ``unique`` for one column.
    :param columns: the columns whose values are compared together, as they are stored.
    :param severity: what a repetition means.
    """

    name: str
    columns: tuple[str, ...]
    severity: Severity

    @property
    def where(self) -> str:
        """The columns, for the report."""
        return ", ".join(self.columns)

    @property
    def label(self) -> str:
        """The rule in one word or two, for a row that broke it."""
        return f"{self.where}: {self.name}"


@dataclass(frozen=True, slots=True)
class Newest:
    """A rule on the newest moment of a column.

    :param column: the moment that a row is from.
    :param limit: the greatest age of the newest.
    :param shown: the age as the contract writes it.
    :param severity: what older data means.
    """

    column: Column
    limit: timedelta
    shown: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class Rules:
    """What is to be judged.

    :param checks: what the columns alone have decided.
    :param rows: rules about each row.
    :param unique: rules about repetition.
    :param newest: the rule on the newest row.
    """

    checks: tuple[Check, ...]
    rows: tuple[Rule, ...]
    unique: tuple[Unique, ...]
    newest: Newest | None = None


def rules_of(contract: Contract, stored: Mapping[str, Stored], *, reference: Profile | None = None) -> Rules:
    """Make the rules of a contract for data with these columns.

    :param contract: the contract, as it holds in the data's environment.
    :param stored: the data's columns, in order.
    :param reference: the profile that outlier rules compare with; without it they are not judged.
    """
    usable = {
        name
        for name, rule in contract.columns.items()
        if name in stored and (stored[name].kind == "null" or stored[name].kind in FITS[rule.type])
    }
    checks, rules = list(_columns_there(contract, stored)), []
    for name in contract.columns:
        if name in usable:
            rules += list(_column_rules(contract, name, stored[name].kind))
        elif name in stored:
            checks += _wrong_type(contract, name, stored[name])
    for found in (*_outlier_rules(contract, usable, reference), *_cross_rules(contract, stored, usable)):
        (checks if isinstance(found, Check) else rules).append(found)  # type: ignore[arg-type]
    unique = []
    for one in _unique_rules(contract):
        absent = [name for name in one.columns if name not in stored]
        if not absent:
            unique.append(one)
        elif one.name == "key" or contract.columns[one.columns[0]].required:
            message = f"not judged: {absent} is missing"
            checks.append(Check(one.name, "not_judged", one.severity, None, "unique", one.where, message))
    newest = _newest(contract, usable)
    if isinstance(newest, Check):
        checks.append(newest)
    return Rules(tuple(checks), tuple(rules), tuple(unique), newest if isinstance(newest, Newest) else None)


def _columns_there(contract: Contract, stored: Mapping[str, Stored]) -> Iterator[Check]:
    """Judge which columns there are."""
    for name, rule in contract.columns.items():
        severity = rule.severity_of("required")
        if name in stored:
            if rule.required:
                yield Check("required", "pass", severity, True, True, name)
        elif rule.required:
            near = f"; the data has {list(stored)[:20]}"
            yield Check("required", "fail", severity, False, True, name, f"the column is missing{near}")
    unknown = [name for name in stored if name not in contract.columns]
    if contract.unknown_columns == "ignore":
        return
    for name in unknown:
        message = "the contract does not know this column: add it, or drop it from the data"
        yield Check("unknown column", "fail", contract.unknown_columns, stored[name].shown, None, name, message)
    if not unknown:
        yield Check("unknown column", "pass", contract.unknown_columns, 0, 0, None, "no unknown columns")


def _wrong_type(contract: Contract, name: str, stored: Stored) -> Iterator[Check]:
    """Tell of a type that cannot hold the values, and name the rules that are not judged because of it."""
    rule = contract.columns[name]
    message = f"the column is {stored.shown}, the contract says {rule.type}"
    yield Check("type", "fail", rule.severity_of("type"), stored.shown, rule.type, name, message)
    for other in _column_rules(contract, name, "null"):
        if other.name != "type":
            message = "not judged: the column has another type"
            yield Check(other.name, "not_judged", other.severity, None, other.expected, name, message)


def _column_rules(contract: Contract, name: str, kind: Storage) -> Iterator[Rule]:
    """Make the rules of one column, except outliers."""
    rule = contract.columns[name]
    column = Column(name, rule.type)

    def make(label: str, broken: Node, expected: Any, says: str, allowed: float = 0.0) -> Rule:
        return Rule(label, (name,), name, rule.severity_of(label), expected, says, broken, allowed)

    misfit: Node = Misfit(column) if _may_misfit(rule.type, kind) else Constant(False)
    yield make("type", misfit, rule.type, f"are not {rule.type}")
    if not contract.nullable(name):
        yield make("missing", Missing(column), 0, "are missing")
    elif rule.max_missing is not None:
        yield make("missing", Missing(column), rule.max_missing, "are missing", rule.max_missing)
    if rule.type in ("int", "float"):
        infinite: Node = Infinite(column) if kind == "float" else Constant(False)
        yield make("finite", infinite, "finite numbers", "are infinite")
    for label, operator, bound, says in (("min", "<", rule.min, "below"), ("max", ">", rule.max, "above")):
        if bound is not None:
            outside = Compare(operator, column, Constant(_scalar(bound)))  # type: ignore[arg-type]
            yield make(label, _if_finite(column, kind, outside), bound, f"are {says} {bound}")
    if rule.values is not None:
        among = Among(column, _allowed(rule))
        yield make("values", Not(among), list(rule.values), "are not in the set")
    if rule.pattern is not None:
        yield make("pattern", Not(Matches(column, rule.pattern)), rule.pattern, f"do not match {rule.pattern}")
    yield from _length_rules(column, rule)


def _length_rules(column: Column, rule: ColumnRule) -> Iterator[Rule]:
    length, name = Call("length", (column,)), column.name
    if (least := rule.min_length) is not None:
        short = Compare("<", length, Constant(least))
        says = f"have fewer than {least} characters"
        yield Rule("min_length", (name,), name, rule.severity_of("min_length"), least, says, short)
    if (most := rule.max_length) is not None:
        long = Compare(">", length, Constant(most))
        says = f"have more than {most} characters"
        yield Rule("max_length", (name,), name, rule.severity_of("max_length"), most, says, long)


def _may_misfit(wanted: ColumnType, kind: Storage) -> bool:
    """Say whether a stored value may be none of the type; for the others the rule cannot fail."""
    if wanted == "int":
        return kind in ("float", "decimal")
    return (wanted in TIMES and kind == "text") or (wanted == "date" and kind == "datetime")


def _if_finite(column: Column, kind: Storage, condition: Node) -> Node:
    """Leave infinite numbers to the rule ``finite``: they would break every bound as well."""
    return All((Finite(column), condition)) if kind == "float" else condition


def _scalar(bound: int | float | date | datetime) -> Scalar:
    """Give a bound as an engine takes it: a moment in UTC; a whole number of 64 bits, else a float."""
    if isinstance(bound, date):
        return moment(bound)
    return float(bound) if isinstance(bound, int) and abs(bound) >= 2**63 else bound


def _allowed(rule: ColumnRule) -> tuple[Scalar, ...]:
    """Give the values of a set in the form in which the column is read."""
    values = rule.values or ()
    if rule.type in ("str", "category"):
        return tuple(dict.fromkeys(as_code(value) for value in values))
    return tuple(dict.fromkeys(_scalar(v) if not isinstance(v, (bool, str)) else v for v in values))


def _outlier_rules(contract: Contract, usable: set[str], reference: Profile | None) -> Iterator[Rule | Check]:
    """Make the outlier rules; those that the reference does not decide are not judged."""
    for name, rule in contract.columns.items():
        if rule.outliers is None or name not in usable:
            continue
        severity, column = rule.severity_of("outliers"), Column(name, rule.type)
        found = fences(rule.outliers, reference.columns.get(name) if reference else None)
        if isinstance(found, str):
            asked = rule.outliers.model_dump(exclude_unset=True)
            yield Check("outliers", "not_judged", severity, None, asked, name, f"not judged: {found}")
            continue
        low, high = (Compare("<", column, Constant(found.low)), Compare(">", column, Constant(found.high)))
        says = f"lie outside {found.low:.6g} to {found.high:.6g} ({rule.outliers.method} of the reference)"
        expected = {"method": rule.outliers.method, "low": found.low, "high": found.high}
        expected["max_share"] = rule.outliers.max_share
        broken = All((Finite(column), AnyOf((low, high))))
        yield Rule("outliers", (name,), name, severity, expected, says, broken, rule.outliers.max_share)


def _cross_rules(contract: Contract, stored: Mapping[str, Stored], usable: set[str]) -> Iterator[Rule | Check]:
    """Make the rules over several columns; those whose columns cannot be read are not judged.

    A column that need not be there takes its rules with it: that these are not judged then weighs nothing.
    """
    for check, condition in contract.conditions():
        names = columns_of(condition)
        where = ", ".join(names) or None
        if absent := [name for name in names if name not in usable]:
            optional = all(name not in stored and not contract.columns[name].required for name in absent)
            message = f"not judged: {absent} is {'not there' if absent[0] not in stored else 'of another type'}"
            severity: Severity = "info" if optional else check.severity
            yield Check(check.name, "not_judged", severity, None, check.rule, where, message)
            continue
        says = f"break {check.rule!r}"
        broken = Not(condition)
        yield Rule(check.name, tuple(names), where or "", check.severity, check.rule, says, broken, check.max_share)


def _unique_rules(contract: Contract) -> Iterator[Unique]:
    if contract.key:
        yield Unique("key", contract.key, contract.columns[contract.key[0]].severity_of("unique"))
    for name, rule in contract.columns.items():
        if rule.unique and contract.key != (name,):
            yield Unique("unique", (name,), rule.severity_of("unique"))


def _newest(contract: Contract, usable: set[str]) -> Newest | Check | None:
    fresh = contract.freshness
    if fresh is None:
        return None
    if fresh.column not in usable:
        message = "not judged: the column is missing, or has another type"
        return Check("freshness", "not_judged", fresh.severity, None, fresh.max_age, fresh.column, message)
    column = Column(fresh.column, contract.columns[fresh.column].type)
    return Newest(column, fresh.limit, fresh.max_age, fresh.severity)
