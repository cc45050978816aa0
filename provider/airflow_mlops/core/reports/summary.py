"""Summary of a report: its facts, the comparison of models, the estimate, tables and recent windows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from markupsafe import Markup

from airflow_mlops.common.report import Report
from airflow_mlops.core.reports import charts, formatting
from airflow_mlops.core.reports.panels import ReportTable

_MAX_FACTS = 24
_MAX_METRICS = 30
_MAX_VALUE_LENGTH = 160
MAX_TABLES = 2
_MAX_TABLE_ROWS = 24
_MAX_TABLE_COLUMNS = 6
_MAX_CELL_LENGTH = 100
_FACT_ORDER = ("rows", "rows_reference", "rows_current", "columns", "metric", "champion", "challenger")
_FACT_TITLES = {
    "label_mean_reference": "Reference label mean",
    "label_mean_current": "Current label mean",
    "rows_reference": "Reference rows",
    "rows_current": "Current rows",
    "effective_rows_reference": "Independent reference rows",
    "effective_rows_current": "Independent current rows",
}
_ROLES = ("champion", "challenger")
# Shown in the headline, the panels or a chart.
_SHOWN_SEPARATELY = {
    "windows", "drifted", "drifted_fraction", "columns_drifted", "columns_checked", "largest_effects", "values", "gain",
    "roles", "tables",
}  # fmt: skip


def list_facts(report: Report) -> list[tuple[str, str]]:
    """Return the facts without a form of their own, as formatted pairs."""
    shown = [(str(k), v) for k, v in report.facts.items() if k not in _SHOWN_SEPARATELY and v is not None and v != ""]
    if find_estimate(report):
        shown = [(k, v) for k, v in shown if k not in ("value", "low", "high", "expected")]
    shown = [(k, v) for k, v in shown if (k, v) != ("preset", "default")]  # defaults are not shown
    shown = [(k, v) for k, v in shown if not (k.startswith("effective_") and v == report.facts.get(k[10:]))]
    shown.sort(key=lambda pair: _FACT_ORDER.index(pair[0]) if pair[0] in _FACT_ORDER else len(_FACT_ORDER))
    return [(_FACT_TITLES.get(k) or formatting.format_heading(k), _format_value(k, v)) for k, v in shown[:_MAX_FACTS]]


def _format_value(key: str, value: Any) -> str:
    if isinstance(value, Mapping):  # the name of a reference already states its kind
        value = {k: v for k, v in value.items() if k not in ("kind", "uri")}
    return formatting.format_text(formatting.format_by_key(key, value), _MAX_VALUE_LENGTH)


def comparison_table(report: Report) -> ReportTable | None:
    """Compare champion and challenger, value by value, with the difference."""
    values_by_role = _gate_values(report.facts) or _evaluation_values(report.facts)
    roles = [role for role in _ROLES if role in values_by_role]
    if not roles:
        return None
    keys = list(dict.fromkeys(key for role in roles for key in values_by_role[role]))[:_MAX_METRICS]
    metrics = _metric_names(report.facts)
    rows = []
    for key in keys:
        role_values = [values_by_role[role].get(key) for role in roles]
        name = (
            formatting.format_text(key, formatting.MAX_LABEL_LENGTH)
            if key in metrics
            else formatting.format_heading(key)
        )
        cells = [formatting.format_text(formatting.format_by_key(str(key), value), 40) for value in role_values]
        rows.append((name, *cells, *([_difference(role_values)] if len(roles) == 2 else [])))
    return ReportTable(
        ("", *map(formatting.format_heading, roles), *(["Difference"] if len(roles) == 2 else [])), tuple(rows)
    )


def _gate_values(facts: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    values = facts.get("values")
    if not isinstance(values, Mapping):
        return {}
    return {role: values[role] for role in _ROLES if isinstance(values.get(role), Mapping)}


def _evaluation_values(facts: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    roles = facts.get("roles")
    result: dict[str, dict[str, Any]] = {}
    for role in _ROLES:
        role_facts = roles.get(role) if isinstance(roles, Mapping) else None
        if isinstance(role_facts, Mapping):
            metrics = role_facts.get("metrics")
            others = {k: v for k, v in role_facts.items() if not isinstance(v, (Mapping, list)) and k != "digest"}
            result[role] = {**(metrics if isinstance(metrics, Mapping) else {}), **others}
    return result


def _metric_names(facts: Mapping[str, Any]) -> set[str]:
    """Return the names of metrics, which are shown unchanged while other keys become labels."""
    roles = facts.get("roles")
    if not isinstance(roles, Mapping):
        return {key for side in _gate_values(facts).values() for key in side}
    metrics = [role_facts.get("metrics") for role_facts in roles.values() if isinstance(role_facts, Mapping)]
    return {key for side in metrics if isinstance(side, Mapping) for key in side}


def _difference(values: list[Any]) -> str:
    champion, challenger = (formatting.finite_number(value) for value in values)
    if champion is None or challenger is None or all(isinstance(value, int) for value in values):
        return ""
    gap = challenger - champion
    return "0" if abs(gap) < 5e-5 * max(abs(champion), 1e-12) else formatting.format_signed(float(f"{gap:.3g}"))


@dataclass(frozen=True, slots=True)
class IntervalEstimate:
    """An estimated value with its interval and reference.

    :param name: the name of the value.
    :param value: the value.
    :param low: the lower end of the interval.
    :param high: the upper end.
    :param reference: the reference; None when unknown.
    :param reference_text: the description of the reference.
    :param gain: whether to show its sign.
    """

    name: str
    value: float
    low: float
    high: float
    reference: float | None
    reference_text: str
    gain: bool = False

    @property
    def text(self) -> str:
        """A sentence with all values."""
        format_value = formatting.format_signed if self.gain else formatting.format_value
        sentence = (
            f"{self.name} {format_value(self.value)}, between {format_value(self.low)} and {format_value(self.high)}"
        )
        return f"{sentence}; {self.reference_text}" if self.reference is not None else sentence

    @property
    def chart(self) -> Markup:
        """The chart of the interval."""
        return charts.draw_interval(self.value, self.low, self.high, self.reference, self.text)


def find_estimate(report: Report) -> IntervalEstimate | None:
    """Return the value that decides the verdict: a gate's gain, or a metric compared with its expectation."""
    gain, metric = (
        report.facts.get("gain"),
        formatting.format_text(report.facts.get("metric") or "value", formatting.MAX_LABEL_LENGTH),
    )
    if isinstance(gain, Mapping):
        result = _read_estimate(gain, f"Gain in {metric}", 0.0, "the line marks no gain")
        return None if result is None else replace(result, gain=True)
    expected = formatting.finite_number(report.facts.get("expected"))
    return _read_estimate(
        report.facts, metric, expected, f"the line marks the expected value, {formatting.format_value(expected)}"
    )


def _read_estimate(data: Mapping[str, Any], what: str, mark: float | None, mark_text: str) -> IntervalEstimate | None:
    value, low, high = (formatting.finite_number(data.get(k)) for k in ("value", "low", "high"))
    if value is None or low is None or high is None:
        return None
    return IntervalEstimate(what, value, low, high, mark, mark_text)


@dataclass(frozen=True, slots=True)
class TitledTable:
    """A table from the report's facts.

    :param title: its heading.
    :param table: the table.
    :param note: how to read it.
    """

    title: str
    table: ReportTable
    note: str


def read_tables(report: Report) -> list[TitledTable]:
    """Read the report's ``tables``: each ``{"title", "head", "rows", "note"}``; invalid ones are skipped.

    A row begins with its name; a cell may be any value of a report.
    """
    data = report.facts.get("tables")
    entries = [entry for entry in data if isinstance(entry, Mapping)] if isinstance(data, (list, tuple)) else []
    return [table for table in map(_read_table, entries[:MAX_TABLES]) if table.table.rows]


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else []


def _read_table(data: Mapping[str, Any]) -> TitledTable:
    head, rows = _as_list(data.get("head")), _as_list(data.get("rows"))
    names = tuple(formatting.format_text(name, formatting.MAX_LABEL_LENGTH) for name in head[:_MAX_TABLE_COLUMNS])
    cells = [
        tuple(formatting.format_text(formatting.format_value(cell), _MAX_CELL_LENGTH) for cell in row[: len(names)])
        for row in rows[:_MAX_TABLE_ROWS]
        if isinstance(row, (list, tuple)) and len(row) >= len(names)
    ]
    note = formatting.format_text(data.get("note") or "")
    return TitledTable(
        formatting.format_text(data.get("title") or "", formatting.MAX_LABEL_LENGTH),
        ReportTable(names, tuple(filter(None, cells))),
        note,
    )


def read_windows(report: Report) -> list[charts.WindowPoint]:
    """Return the last windows, oldest first."""
    return charts.WindowPoint.read_all(report.facts.get("windows"))
