"""What is told of a report as a whole: its figures, the comparison of models, the interval, the last windows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from markupsafe import Markup

from airflow_mlops.core.pages import charts, words
from airflow_mlops.core.pages.cards import Table
from airflow_mlops.core.report import Report

MOST_FACTS = 24
MOST_METRICS = 30
MOST_VALUE = 160
MOST_TABLES = 2
MOST_TABLE_ROWS = 24
MOST_TABLE_CELLS = 6
MOST_TABLE_CELL = 100
_FIRST = ("rows", "rows_reference", "rows_current", "columns", "metric", "champion", "challenger")
_TITLES = {
    "label_mean_reference": "Reference label mean",
    "label_mean_current": "Current label mean",
    "rows_reference": "Reference rows",
    "rows_current": "Current rows",
    "effective_rows_reference": "Independent reference rows",
    "effective_rows_current": "Independent current rows",
}
_ROLES = ("champion", "challenger")
# Told by the headline, the cards or a picture.
_TOLD_ELSEWHERE = {
    "windows", "drifted", "drifted_share", "columns_drifted", "columns_judged", "largest_effects", "values", "gain",
    "roles", "tables",
}  # fmt: skip


def plain(report: Report) -> list[tuple[str, str]]:
    """Give the figures of the report that need no form of their own, as pairs of words."""
    told = [(str(k), v) for k, v in report.facts.items() if k not in _TOLD_ELSEWHERE and v is not None and v != ""]
    if estimate(report):
        told = [(k, v) for k, v in told if k not in ("value", "low", "high", "expected")]
    told = [(k, v) for k, v in told if (k, v) != ("preset", "default")]  # what was not chosen need not be told
    told = [(k, v) for k, v in told if not (k.startswith("effective_") and v == report.facts.get(k[10:]))]
    told.sort(key=lambda pair: _FIRST.index(pair[0]) if pair[0] in _FIRST else len(_FIRST))
    return [(_TITLES.get(k) or words.heading(k), _value(k, v)) for k, v in told[:MOST_FACTS]]


def _value(key: str, value: Any) -> str:
    if isinstance(value, Mapping):  # a reference says of what kind it is; its name has said that
        value = {k: v for k, v in value.items() if k not in ("kind", "uri")}
    return words.text(words.named(key, value), MOST_VALUE)


def comparison(report: Report) -> Table | None:
    """Set champion and challenger side by side, figure by figure, with the difference."""
    found = _of_gate(report.facts) or _of_evaluation(report.facts)
    roles = [role for role in _ROLES if role in found]
    if not roles:
        return None
    keys = list(dict.fromkeys(key for role in roles for key in found[role]))[:MOST_METRICS]
    metrics = _metrics(report.facts)
    rows = []
    for key in keys:
        values = [found[role].get(key) for role in roles]
        name = words.text(key, words.MOST_LABEL) if key in metrics else words.heading(key)
        told = [words.text(words.named(str(key), value), 40) for value in values]
        rows.append((name, *told, *([_difference(values)] if len(roles) == 2 else [])))
    return Table(("", *map(words.heading, roles), *(["Difference"] if len(roles) == 2 else [])), tuple(rows))


def _of_gate(facts: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    values = facts.get("values")
    if not isinstance(values, Mapping):
        return {}
    return {role: values[role] for role in _ROLES if isinstance(values.get(role), Mapping)}


def _of_evaluation(facts: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    roles = facts.get("roles")
    found: dict[str, dict[str, Any]] = {}
    for role in _ROLES:
        of = roles.get(role) if isinstance(roles, Mapping) else None
        if isinstance(of, Mapping):
            metrics = of.get("metrics")
            rest = {k: v for k, v in of.items() if not isinstance(v, (Mapping, list)) and k != "digest"}
            found[role] = {**(metrics if isinstance(metrics, Mapping) else {}), **rest}
    return found


def _metrics(facts: Mapping[str, Any]) -> set[str]:
    """Name the figures that are metrics: those keep their names, the others are told in words."""
    roles = facts.get("roles")
    if not isinstance(roles, Mapping):
        return {key for side in _of_gate(facts).values() for key in side}
    found = [of.get("metrics") for of in roles.values() if isinstance(of, Mapping)]
    return {key for side in found if isinstance(side, Mapping) for key in side}


def _difference(values: list[Any]) -> str:
    champion, challenger = (words.number(value) for value in values)
    if champion is None or challenger is None or all(isinstance(value, int) for value in values):
        return ""
    gap = challenger - champion
    return "0" if abs(gap) < 5e-5 * max(abs(champion), 1e-12) else words.signed(float(f"{gap:.3g}"))


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure that was estimated, with its interval and what it is held against.

    :param what: the figure's name.
    :param value: the figure.
    :param low: where the interval begins.
    :param high: where it ends.
    :param mark: what it is held against; None when that is not known.
    :param mark_said: the mark in words.
    :param gain: whether its sign matters.
    """

    what: str
    value: float
    low: float
    high: float
    mark: float | None
    mark_said: str
    gain: bool = False

    @property
    def said(self) -> str:
        """All of it in words."""
        show = words.signed if self.gain else words.figure
        told = f"{self.what} {show(self.value)}, between {show(self.low)} and {show(self.high)}"
        return f"{told}; {self.mark_said}" if self.mark is not None else told

    @property
    def picture(self) -> Markup:
        """It drawn."""
        return charts.interval(self.value, self.low, self.high, self.mark, self.said)


def estimate(report: Report) -> Estimate | None:
    """Find the figure that the verdict rests on: a gate's gain, or a metric against what was expected."""
    gain, metric = report.facts.get("gain"), words.text(report.facts.get("metric") or "value", words.MOST_LABEL)
    if isinstance(gain, Mapping):
        found = _found(gain, f"Gain in {metric}", 0.0, "the line is no gain")
        return None if found is None else replace(found, gain=True)
    expected = words.number(report.facts.get("expected"))
    return _found(report.facts, metric, expected, f"the line is what was expected, {words.figure(expected)}")


def _found(of: Mapping[str, Any], what: str, mark: float | None, said: str) -> Estimate | None:
    value, low, high = (words.number(of.get(k)) for k in ("value", "low", "high"))
    if value is None or low is None or high is None:
        return None
    return Estimate(what, value, low, high, mark, said)


@dataclass(frozen=True, slots=True)
class Titled:
    """A table that whoever made the report has put into it.

    :param title: its heading.
    :param table: the table.
    :param note: how to read it.
    """

    title: str
    table: Table
    note: str


def tables(report: Report) -> list[Titled]:
    """Read the report's ``tables``: each ``{"title", "head", "rows", "note"}``; what is none is left out.

    A row begins with its name; a cell may be whatever a report holds.
    """
    given = report.facts.get("tables")
    found = [of for of in given if isinstance(of, Mapping)] if isinstance(given, (list, tuple)) else []
    return [told for told in map(_titled, found[:MOST_TABLES]) if told.table.rows]


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else []


def _titled(of: Mapping[str, Any]) -> Titled:
    head, rows = _listed(of.get("head")), _listed(of.get("rows"))
    names = tuple(words.text(name, words.MOST_LABEL) for name in head[:MOST_TABLE_CELLS])
    cells = [
        tuple(words.text(words.figure(cell), MOST_TABLE_CELL) for cell in row[: len(names)])
        for row in rows[:MOST_TABLE_ROWS]
        if isinstance(row, (list, tuple)) and len(row) >= len(names)
    ]
    note = words.text(of.get("note") or "")
    return Titled(words.text(of.get("title") or "", words.MOST_LABEL), Table(names, tuple(filter(None, cells))), note)


def windows(report: Report) -> list[charts.Window]:
    """Give the last windows, oldest first."""
    return charts.Window.all_of(report.facts.get("windows"))
