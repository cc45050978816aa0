"""From what an engine counted to the checks of a report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from airflow_mlops.core.data.contracts.expression import moment, moment_from_text
from airflow_mlops.core.data.contracts.model import Contract
from airflow_mlops.core.data.validation.rules import Newest, Rule, Unique
from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.report import Check

MOST_EXAMPLES = 5


def row_count(contract: Contract, rows: int) -> Check:
    """Judge how many rows there are."""
    least, most = contract.rows.min, contract.rows.max
    fine = rows >= least and (most is None or rows <= most)
    if fine:
        message = f"{rows} rows"
    elif rows == 0:
        message = "the data is empty"
    else:
        message = f"{rows} rows, {f'fewer than {least}' if rows < least else f'more than {most}'}"
    expected = {"min": least, "max": most}
    return Check("rows", "pass" if fine else "fail", "error", {"rows": rows}, expected, None, message)


def kept(rule: Rule, count: int, rows: int) -> bool:
    """Say whether so many broken rows are few enough."""
    return not count or count / rows <= rule.allowed  # multiplied, 29 of 100 would be more than 0.29


def rule_judged(rule: Rule, count: int, rows: int, examples: Iterable[Mapping[str, Any]]) -> Check:
    """Judge a rule about rows.

    :param rule: the rule.
    :param count: how many rows break it.
    :param rows: how many rows there are.
    :param examples: some of those rows: their key, or their number as ``row``, and the rule's columns.
    """
    observed: dict[str, Any] = {"count": count, "share": count / rows if rows else 0.0}
    expected = str(rule.expected) if isinstance(rule.expected, date) else rule.expected
    if kept(rule, count, rows):
        return Check(rule.name, "pass", rule.severity, observed, expected, rule.where)
    shown = observed["examples"] = plain_rows(examples)
    limit = f", at most {rule.allowed:.2%} may" if rule.allowed else ""
    seen = ", ".join(dict.fromkeys(_values(rule, row) for row in shown))
    such = f", such as {seen}" if seen and rule.name != "missing" else ""
    what = "values" if len(rule.columns) == 1 else "rows"
    message = f"{count} of {rows} {what} ({observed['share']:.2%}) {rule.says}{limit}{such}"
    return Check(rule.name, "fail", rule.severity, observed, expected, rule.where, message)


def _values(rule: Rule, row: Mapping[str, Any]) -> str:
    if len(rule.columns) == 1:
        return repr(row.get(rule.columns[0]))[:40]
    return "(" + ", ".join(f"{name} {row.get(name)!r}"[:40] for name in rule.columns[:4]) + ")"


def unique_judged(rule: Unique, repeated: int, rows: int, examples: Iterable[Mapping[str, Any]]) -> Check:
    """Judge that nothing occurs twice.

    :param rule: the rule.
    :param repeated: how many rows have what an earlier row has: the rows less the different values.
    :param rows: how many rows there are.
    :param examples: some of the repeated values, and how many rows have each, most first.
    """
    observed: dict[str, Any] = {"count": repeated, "share": repeated / rows if rows else 0.0}
    if not repeated:
        return Check(rule.name, "pass", rule.severity, observed, "unique", rule.where)
    shown = observed["examples"] = plain_rows(examples)
    what = "a key" if rule.name == "key" else "a value"
    such = f", such as {repr(shown[0])[:200]}" if shown else ""
    message = f"{repeated} of {rows} rows ({observed['share']:.2%}) have {what} that another row has{such}"
    return Check(rule.name, "fail", rule.severity, observed, "unique", rule.where, message)


def freshness_judged(rule: Newest, newest: date | datetime | None, as_of: datetime) -> Check:
    """Judge how old the newest row is.

    :param rule: the rule.
    :param newest: the newest moment, None when there is none.
    :param as_of: the moment at which the data is judged.
    """
    name, where, expected = "freshness", rule.column.name, {"max_age": rule.shown, "as_of": as_of.isoformat()}
    if newest is None:
        return Check(name, "fail", rule.severity, {"newest": None}, expected, where, "no row has a moment")
    newest = moment(newest)
    age = as_of - newest
    observed = {"newest": newest.isoformat(), "age_hours": round(age.total_seconds() / 3600, 3)}
    if age <= rule.limit:
        return Check(name, "pass", rule.severity, observed, expected, where)
    message = f"the newest row is from {newest.isoformat()}, more than {rule.shown} before {as_of.isoformat()}"
    return Check(name, "fail", rule.severity, observed, expected, where, message)


def judged_at(as_of: date | datetime | str | None) -> datetime:
    """Give the moment at which data is judged: now, unless one is named.

    :raises BadInput: when a text is no date or time.
    """
    if isinstance(as_of, str):
        if read := moment_from_text(as_of):
            return read
        raise BadInput(f"as_of {as_of!r} is no moment", mend="write it as 2024-01-31 or 2024-01-31T12:00:00+00:00")
    return datetime.now(UTC) if as_of is None else moment(as_of)


def moment_at(microseconds: int) -> datetime:
    """Give the moment so many microseconds after 1970, in UTC; beyond Python's years the nearest that it has."""
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    except OverflowError:
        return (datetime.max if microseconds > 0 else datetime.min).replace(tzinfo=UTC)


def plain_rows(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Give rows fit for a report: what JSON has no word for becomes text."""
    return [{name: _plain(value) for name, value in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
