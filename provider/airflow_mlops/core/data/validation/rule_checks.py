"""Report checks from the counts of an engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.report import Check
from airflow_mlops.core.data.contracts.contract import Contract
from airflow_mlops.core.data.contracts.expression import parse_iso_timestamp, to_utc
from airflow_mlops.core.data.validation.rules import NewestRowRule, UniqueRule, ValidationRule

MAX_EXAMPLES = 5


def check_row_count(contract: Contract, rows: int) -> Check:
    """Check the number of rows."""
    minimum, maximum = contract.rows.min, contract.rows.max
    passed = rows >= minimum and (maximum is None or rows <= maximum)
    if passed:
        message = f"{rows} rows"
    elif rows == 0:
        message = "the data is empty"
    else:
        message = f"{rows} rows, {f'fewer than {minimum}' if rows < minimum else f'more than {maximum}'}"
    expected = {"min": minimum, "max": maximum}
    return Check("rows", "pass" if passed else "fail", "error", {"rows": rows}, expected, None, message)


def is_within_limit(rule: ValidationRule, count: int, rows: int) -> bool:
    """Check whether a number of violations is within the rule's limit."""
    return not count or count / rows <= rule.max_fraction  # not multiplied: 0.29 * 100 is less than 29


def check_row_rule(rule: ValidationRule, count: int, rows: int, examples: Iterable[Mapping[str, Any]]) -> Check:
    """Return the check of a row rule.

    :param rule: the rule.
    :param count: the number of rows that violate it.
    :param rows: the number of all rows.
    :param examples: some violating rows: their key, or their number as ``row``, and the rule's columns.
    """
    observed: dict[str, Any] = {"count": count, "fraction": count / rows if rows else 0.0}
    expected = str(rule.expected) if isinstance(rule.expected, date) else rule.expected
    if is_within_limit(rule, count, rows):
        return Check(rule.name, "pass", rule.severity, observed, expected, rule.where)
    json_rows = observed["examples"] = _json_rows(examples)
    limit = f", at most {rule.max_fraction:.2%} may" if rule.max_fraction else ""
    values = ", ".join(dict.fromkeys(_format_values(rule, row) for row in json_rows))
    suffix = f", such as {values}" if values and rule.name != "missing" else ""
    what = "values" if len(rule.columns) == 1 else "rows"
    message = f"{count} of {rows} {what} ({observed['fraction']:.2%}) {rule.description}{limit}{suffix}"
    return Check(rule.name, "fail", rule.severity, observed, expected, rule.where, message)


def check_not_run(rule: ValidationRule, reason: str) -> Check:
    """Return the inconclusive check of a rule that cannot be run.

    :param rule: the rule.
    :param reason: why not.
    """
    message = f"inconclusive: {reason}"
    return Check(rule.name, "inconclusive", rule.severity, None, rule.expected, rule.where, message)


def _format_values(rule: ValidationRule, row: Mapping[str, Any]) -> str:
    if len(rule.columns) == 1:
        return repr(row.get(rule.columns[0]))[:40]
    return "(" + ", ".join(f"{name} {row.get(name)!r}"[:40] for name in rule.columns[:4]) + ")"


def check_uniqueness(rule: UniqueRule, repeated: int, rows: int, examples: Iterable[Mapping[str, Any]]) -> Check:
    """Return the check of a uniqueness rule.

    :param rule: the rule.
    :param repeated: the number of rows that repeat an earlier row: rows minus distinct values.
    :param rows: the number of all rows.
    :param examples: some of the repeated values and the number of rows of each, most frequent first.
    """
    observed: dict[str, Any] = {"count": repeated, "fraction": repeated / rows if rows else 0.0}
    if not repeated:
        return Check(rule.name, "pass", rule.severity, observed, "unique", rule.where)
    json_rows = observed["examples"] = _json_rows(examples)
    what = "key" if rule.name == "key" else "value"
    suffix = f", such as {repr(json_rows[0])[:200]}" if json_rows else ""
    message = f"{repeated} of {rows} rows ({observed['fraction']:.2%}) have the {what} of another row{suffix}"
    return Check(rule.name, "fail", rule.severity, observed, "unique", rule.where, message)


def check_freshness(rule: NewestRowRule, newest: date | datetime | None, as_of: datetime) -> Check:
    """Return the check of the freshness rule.

    :param rule: the rule.
    :param newest: the newest timestamp; None when there is none.
    :param as_of: the reference time.
    """
    name, where, expected = "freshness", rule.column.name, {"max_age": rule.max_age, "as_of": as_of.isoformat()}
    if newest is None:
        return Check(name, "fail", rule.severity, {"newest": None}, expected, where, "no row has a timestamp")
    newest = to_utc(newest)
    age = as_of - newest
    observed = {"newest": newest.isoformat(), "age_hours": round(age.total_seconds() / 3600, 3)}
    if age <= rule.limit:
        return Check(name, "pass", rule.severity, observed, expected, where)
    message = f"the newest row is from {newest.isoformat()}, more than {rule.max_age} before {as_of.isoformat()}"
    return Check(name, "fail", rule.severity, observed, expected, where, message)


def resolve_as_of(as_of: date | datetime | str | None) -> datetime:
    """Return the reference time for freshness; by default now.

    :raises BadInput: when a text is not a date or time.
    """
    if isinstance(as_of, str):
        if timestamp := parse_iso_timestamp(as_of):
            return timestamp
        raise BadInput(f"as_of {as_of!r} is not a date or time", hint="use 2024-01-31 or 2024-01-31T12:00:00+00:00")
    return datetime.now(UTC) if as_of is None else to_utc(as_of)


def from_microseconds(microseconds: int) -> datetime:
    """Convert microseconds since 1970 to UTC, clipped to the range of Python's datetime."""
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    except OverflowError:
        return (datetime.max if microseconds > 0 else datetime.min).replace(tzinfo=UTC)


def _json_rows(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Convert rows to JSON-serialisable ones: other values become text."""
    return [{name: _json_value(value) for name, value in row.items()} for row in rows]


def _json_value(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
