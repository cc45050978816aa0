"""Engine-independent rules of a contract for data with a given schema.

No data is read here. Rules that depend only on the schema become checks immediately. Each rule about rows becomes a
:class:`Rule` with a condition (:mod:`~airflow_mlops.core.data.contracts.expression`) that is true for violating rows.
An engine counts the rows in which the condition is true, and returns a few of them as examples.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from airflow_mlops.common.report import Check, Severity
from airflow_mlops.core.data.contracts.column_rules import TIME_TYPES, ColumnRule
from airflow_mlops.core.data.contracts.contract import Contract
from airflow_mlops.core.data.contracts.expression import (
    And,
    CheckViolation,
    ColumnRef,
    ColumnType,
    Comparison,
    Constant,
    FunctionCall,
    IsFinite,
    IsIn,
    IsInfinite,
    IsMissing,
    Node,
    Not,
    Or,
    RegexMatch,
    Scalar,
    TypeMismatch,
    columns_of,
    format_category,
    to_utc,
)
from airflow_mlops.core.data.validation.outliers import compute_fences

if TYPE_CHECKING:
    from airflow_mlops.core.data.profiles.model import Profile

StorageKind = Literal["int", "float", "decimal", "text", "bool", "date", "datetime", "null", "other"]
# Storage types that can hold the values of a contract's type; for some of them each value is checked as well.
_COMPATIBLE_STORAGE: dict[ColumnType, tuple[StorageKind, ...]] = {
    "int": ("int", "float", "decimal"),
    "float": ("int", "float", "decimal"),
    "str": ("text",),
    "category": ("text", "int", "float", "bool"),
    "bool": ("bool",),
    "date": ("date", "datetime", "text"),
    "datetime": ("datetime", "text"),
}


@dataclass(frozen=True, slots=True)
class ColumnStorage:
    """Storage type of a column.

    :param kind: the kind of its values; ``null`` when the column has neither values nor a type.
    :param type_name: the engine's name of the type, for messages.
    """

    kind: StorageKind
    type_name: str


@dataclass(frozen=True, slots=True)
class ValidationRule:
    """A rule that each row satisfies or violates.

    :param name: the name of a column rule (``min``), or of a cross-column rule.
    :param columns: the columns that it reads, the main one first.
    :param where: its location in the report: the column, or the columns separated by commas.
    :param severity: the severity of a violation.
    :param expected: the value that the rule requires.
    :param description: description of violating rows, for a message.
    :param violation: the violation condition; unknown is not a violation.
    :param max_fraction: the maximum fraction of rows that may violate it.
    """

    name: str
    columns: tuple[str, ...]
    where: str
    severity: Severity
    expected: Any
    description: str
    violation: Node
    max_fraction: float = 0.0

    @property
    def label(self) -> str:
        """Return a short name of the rule, for quarantined rows."""
        return f"{self.where}: {self.name}" if len(self.columns) == 1 else self.name


@dataclass(frozen=True, slots=True)
class UniqueRule:
    """A rule that no two rows have the same values. Rows with a missing value (null or NaN) are not compared.

    :param name: ``key``, or ``unique`` for one column.
    :param columns: the columns whose stored values are compared in combination.
    :param severity: the severity of a violation.
    """

    name: str
    columns: tuple[str, ...]
    severity: Severity

    @property
    def where(self) -> str:
        """Return the columns, for the report."""
        return ", ".join(self.columns)

    @property
    def label(self) -> str:
        """Return a short name of the rule, for quarantined rows."""
        return f"{self.where}: {self.name}"


@dataclass(frozen=True, slots=True)
class NewestRowRule:
    """A rule on the newest timestamp of a column.

    :param column: the timestamp column.
    :param limit: the maximum age of the newest row.
    :param max_age: the maximum age as written in the contract.
    :param severity: the severity of a violation.
    """

    column: ColumnRef
    limit: timedelta
    max_age: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules of a contract for one table.

    :param checks: checks that depend only on the schema.
    :param row_rules: row rules.
    :param unique_rules: uniqueness rules.
    :param newest_rule: the freshness rule.
    """

    checks: tuple[Check, ...]
    row_rules: tuple[ValidationRule, ...]
    unique_rules: tuple[UniqueRule, ...]
    newest_rule: NewestRowRule | None = None


def build_rules(
    contract: Contract, columns: Mapping[str, ColumnStorage], *, reference: Profile | None = None
) -> RuleSet:
    """Build the rules of a contract for data with these columns.

    :param contract: the contract of the data's environment.
    :param columns: the data's columns, in order.
    :param reference: the profile that outlier rules compare with; without it they are inconclusive.
    """
    usable = {
        name
        for name, rule in contract.columns.items()
        if name in columns and (columns[name].kind == "null" or columns[name].kind in _COMPATIBLE_STORAGE[rule.type])
    }
    checks, rules = list(_presence_checks(contract, columns)), []
    for name in contract.columns:
        if name in usable:
            rules += list(_column_rules(contract, name, columns[name].kind))
        elif name in columns:
            checks += _wrong_type(contract, name, columns[name])
    for item in (*_outlier_rules(contract, usable, reference), *_cross_rules(contract, columns, usable)):
        (checks if isinstance(item, Check) else rules).append(item)  # type: ignore[arg-type]
    unique = []
    for rule in _unique_rules(contract):
        absent = [name for name in rule.columns if name not in columns]
        if not absent:
            unique.append(rule)
        elif rule.name == "key" or contract.columns[rule.columns[0]].required:
            message = f"inconclusive: {absent} is missing"
            checks.append(Check(rule.name, "inconclusive", rule.severity, None, "unique", rule.where, message))
    newest = _freshness_rule(contract, usable)
    if isinstance(newest, Check):
        checks.append(newest)
    return RuleSet(tuple(checks), tuple(rules), tuple(unique), newest if isinstance(newest, NewestRowRule) else None)


def _presence_checks(contract: Contract, stored: Mapping[str, ColumnStorage]) -> Iterator[Check]:
    """Check for missing and unknown columns."""
    for name, rule in contract.columns.items():
        severity = rule.severity_of("required")
        if name in stored:
            if rule.required:
                yield Check("required", "pass", severity, True, True, name)
        elif rule.required:
            message = f"the column is missing; the data has {list(stored)[:20]}"
            yield Check("required", "fail", severity, False, True, name, message)
    unknown = [name for name in stored if name not in contract.columns]
    if contract.unknown_columns == "ignore":
        return
    for name in unknown:
        message = "the column is not in the contract: add it, or drop it from the data"
        yield Check("unknown column", "fail", contract.unknown_columns, stored[name].type_name, None, name, message)
    if not unknown:
        yield Check("unknown column", "pass", contract.unknown_columns, 0, 0, None, "no unknown columns")


def _wrong_type(contract: Contract, name: str, stored: ColumnStorage) -> Iterator[Check]:
    """Fail the type of a column; its other rules are inconclusive."""
    rule = contract.columns[name]
    message = f"the column is {stored.type_name}, the contract requires {rule.type}"
    yield Check("type", "fail", rule.severity_of("type"), stored.type_name, rule.type, name, message)
    for other in _column_rules(contract, name, "null"):
        if other.name != "type":
            message = "inconclusive: the column has another type"
            yield Check(other.name, "inconclusive", other.severity, None, other.expected, name, message)


def _column_rules(contract: Contract, name: str, kind: StorageKind) -> Iterator[ValidationRule]:
    """Build the rules of one column, except outliers."""
    rule = contract.columns[name]
    column = ColumnRef(name, rule.type)

    def make(label: str, broken: Node, expected: Any, says: str, allowed: float = 0.0) -> ValidationRule:
        return ValidationRule(label, (name,), name, rule.severity_of(label), expected, says, broken, allowed)

    mismatch: Node = TypeMismatch(column) if _may_mismatch(rule.type, kind) else Constant(False)
    yield make("type", mismatch, rule.type, f"are not {rule.type}")
    if not contract.nullable(name):
        yield make("missing", IsMissing(column), 0, "are missing")
    elif rule.max_missing is not None:
        yield make("missing", IsMissing(column), rule.max_missing, "are missing", rule.max_missing)
    if rule.type in ("int", "float"):
        infinite: Node = IsInfinite(column) if kind == "float" else Constant(False)
        yield make("finite", infinite, "finite numbers", "are infinite")
    for label, operator, bound, says in (("min", "<", rule.min, "below"), ("max", ">", rule.max, "above")):
        if bound is not None:
            outside = Comparison(operator, column, Constant(_scalar(bound)))  # type: ignore[arg-type]
            yield make(label, _if_finite(column, kind, outside), bound, f"are {says} {bound}")
    if rule.values is not None:
        among = IsIn(column, _allowed_values(rule))
        yield make("values", Not(among), list(rule.values), "are not in the set")
    if rule.pattern is not None:
        yield make("pattern", Not(RegexMatch(column, rule.pattern)), rule.pattern, f"do not match {rule.pattern}")
    yield from _length_rules(column, rule)
    for violation in contract.check_violations(name):
        yield make(violation.name, violation, _describe_check(violation), f"violate {violation.name}")


def _describe_check(violation: CheckViolation) -> str:
    parameters = ", ".join(f"{name} {value!r}" for name, value in violation.parameters.items())
    return f"{violation.name} ({parameters})" if parameters else violation.name


def _length_rules(column: ColumnRef, rule: ColumnRule) -> Iterator[ValidationRule]:
    length, name = FunctionCall("length", (column,)), column.name
    if (minimum := rule.min_length) is not None:
        short = Comparison("<", length, Constant(minimum))
        says = f"have fewer than {minimum} characters"
        yield ValidationRule("min_length", (name,), name, rule.severity_of("min_length"), minimum, says, short)
    if (maximum := rule.max_length) is not None:
        long = Comparison(">", length, Constant(maximum))
        says = f"have more than {maximum} characters"
        yield ValidationRule("max_length", (name,), name, rule.severity_of("max_length"), maximum, says, long)


def _may_mismatch(column_type: ColumnType, kind: StorageKind) -> bool:
    """Check whether stored values may mismatch the contract's type; otherwise the rule cannot fail."""
    if column_type == "int":
        return kind in ("float", "decimal")
    return (column_type in TIME_TYPES and kind == "text") or (column_type == "date" and kind == "datetime")


def _if_finite(column: ColumnRef, kind: StorageKind, condition: Node) -> Node:
    """Restrict a condition to finite numbers: infinite ones are reported by the rule ``finite`` alone."""
    return And((IsFinite(column), condition)) if kind == "float" else condition


def _scalar(bound: int | float | date | datetime) -> Scalar:
    """Convert a bound for the engines: times to UTC, integers beyond 64 bits to floats."""
    if isinstance(bound, date):
        return to_utc(bound)
    return float(bound) if isinstance(bound, int) and abs(bound) >= 2**63 else bound


def _allowed_values(rule: ColumnRule) -> tuple[Scalar, ...]:
    """Return the allowed values in the form in which the column is read."""
    values = rule.values or ()
    if rule.type in ("str", "category"):
        return tuple(dict.fromkeys(format_category(value) for value in values))
    return tuple(dict.fromkeys(_scalar(v) if not isinstance(v, (bool, str)) else v for v in values))


def _outlier_rules(contract: Contract, usable: set[str], reference: Profile | None) -> Iterator[ValidationRule | Check]:
    """Build the outlier rules; those without a usable reference are inconclusive."""
    for name, rule in contract.columns.items():
        if rule.outliers is None or name not in usable:
            continue
        severity, column = rule.severity_of("outliers"), ColumnRef(name, rule.type)
        limits = compute_fences(rule.outliers, reference.columns.get(name) if reference else None)
        if isinstance(limits, str):
            settings = rule.outliers.model_dump(exclude_unset=True)
            yield Check("outliers", "inconclusive", severity, None, settings, name, f"inconclusive: {limits}")
            continue
        low, high = (Comparison("<", column, Constant(limits.low)), Comparison(">", column, Constant(limits.high)))
        says = f"lie outside {limits.low:.6g} to {limits.high:.6g} ({rule.outliers.method} of the reference)"
        expected = {"method": rule.outliers.method, "low": limits.low, "high": limits.high}
        expected["max_fraction"] = rule.outliers.max_fraction
        broken = And((IsFinite(column), Or((low, high))))
        yield ValidationRule("outliers", (name,), name, severity, expected, says, broken, rule.outliers.max_fraction)


def _cross_rules(
    contract: Contract, stored: Mapping[str, ColumnStorage], usable: set[str]
) -> Iterator[ValidationRule | Check]:
    """Build the rules over several columns; those whose columns cannot be read are inconclusive.

    Without an optional column its rules are inconclusive with the severity ``info``.
    """
    for check, condition in contract.conditions():
        names = columns_of(condition)
        where = ", ".join(names) or None
        if absent := [name for name in names if name not in usable]:
            optional = all(name not in stored and not contract.columns[name].required for name in absent)
            message = f"inconclusive: {absent} is {'missing' if absent[0] not in stored else 'of another type'}"
            severity: Severity = "info" if optional else check.severity
            yield Check(check.name, "inconclusive", severity, None, check.rule, where, message)
            continue
        says = f"violate {check.rule!r}"
        broken = Not(condition)
        yield ValidationRule(
            check.name, tuple(names), where or "", check.severity, check.rule, says, broken, check.max_fraction
        )


def _unique_rules(contract: Contract) -> Iterator[UniqueRule]:
    if contract.key:
        yield UniqueRule("key", contract.key, contract.columns[contract.key[0]].severity_of("unique"))
    for name, rule in contract.columns.items():
        if rule.unique and contract.key != (name,):
            yield UniqueRule("unique", (name,), rule.severity_of("unique"))


def _freshness_rule(contract: Contract, usable: set[str]) -> NewestRowRule | Check | None:
    rule = contract.freshness
    if rule is None:
        return None
    if rule.column not in usable:
        message = "inconclusive: the column is missing, or has another type"
        return Check("freshness", "inconclusive", rule.severity, None, rule.max_age, rule.column, message)
    column = ColumnRef(rule.column, contract.columns[rule.column].type)
    return NewestRowRule(column, rule.limit, rule.max_age, rule.severity)
