"""Panels: a check's observed and expected values, examples and chart, ready for a template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from airflow_mlops.common.report import Check
from airflow_mlops.core.reports import charts, formatting

SEVERITY_LABELS = {"error": "error", "warn": "warning", "info": "note"}
_MEASURE_LABELS = {
    "wasserstein": "Wasserstein, in reference sd",
    "wasserstein_normed": "Wasserstein, in reference sd",
    "jensenshannon": "Jensen–Shannon distance",
    "proportion_change": "Largest change of a proportion",
    "missing_fraction": "Change of the missing fraction",
    "new_categories": "Fraction of new categories",
    "constant_change": "Fraction that left the constant value",
    "all_missing": "All values missing",
    "non_finite": "Infinite values",
    "psi": "Population stability index",
    "ks": "Kolmogorov–Smirnov distance",
}
_STATISTICS = ("missing", "distinct", "top", "mean", "median", "std", "min", "max")
_VALUE_ORDER = ("value", "gain", "low", "high", "count", "fraction", "rows")
_MAX_ROWS = 8
_MAX_COLUMNS = 8
_MAX_CELL_LENGTH = 80
_SHOWN_SEPARATELY = {"distribution", "examples", "reference", "current", "signals", "strata"}
_BOUND_LABELS = {"min": "At least", "max": "At most", "min_length": "At least", "max_length": "At most"}
_MEASURE_KEYS = {"method", "effect", "p_value", "p_adjusted", "n_reference", "n_current"}


@dataclass(frozen=True, slots=True)
class ReportTable:
    """A small table.

    :param head: the column names; the first column labels the rows.
    :param rows: the formatted cells.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class CheckPanel:
    """A check, formatted for display.

    :param title: the column, slice or file; else the rule.
    :param rule: the rule, unless it is the title.
    :param severity: ``error``, ``warning`` or ``note``.
    :param message: the check's message.
    :param shape: the distributions, if available.
    :param part: the fraction of rows that break the rule.
    :param tables: the statistics of both sides, and the drift measures.
    :param pairs: other observed and expected values.
    :param examples: rows that break the rule, with their keys.
    """

    title: str
    rule: str
    severity: str
    message: str
    shape: charts.DistributionShape | None = None
    failing_fraction: float | None = None
    tables: tuple[ReportTable, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    examples: ReportTable | None = None

    @classmethod
    def of(cls, check: Check, subject: str = "") -> CheckPanel:
        """Build a panel from a check, new or loaded from the store.

        :param check: the check.
        :param subject: the subject of the report: a check on all of it is titled by its rule.
        """
        observed = check.observed if isinstance(check.observed, Mapping) else {}
        shape = charts.DistributionShape.from_observed(
            observed.get("distribution")
        ) or charts.DistributionShape.from_strata(observed.get("strata"), check.where)
        tables = [
            statistics_table(observed, shape),
            measures_table(observed, check.expected),
            strata_table(observed.get("strata"), shape),
        ]
        failing_fraction = formatting.finite_number(observed.get("fraction"))
        rule = formatting.format_text(check.name, formatting.MAX_LABEL_LENGTH)
        is_local = check.where is not None and check.where != subject
        return cls(
            title=formatting.format_text(check.where) if is_local else rule,
            rule=rule if is_local else "",
            severity=SEVERITY_LABELS.get(
                str(check.severity), formatting.format_text(check.severity, formatting.MAX_LABEL_LENGTH)
            ),
            message=formatting.replace_arrows(check.message),
            shape=shape,
            failing_fraction=failing_fraction if failing_fraction is not None and 0 <= failing_fraction <= 1 else None,
            tables=tuple(table for table in tables if table is not None),
            pairs=tuple(list_values(check)),
            examples=examples_table(observed.get("examples"), check.where),
        )

    @property
    def chart(self) -> Markup | None:
        """The histogram; categories are drawn row by row instead."""
        return charts.draw_histogram(self.shape, self.title) if self.shape and not self.shape.names else None

    @property
    def thumbnail(self) -> Markup:
        """A small histogram for a table row."""
        if self.shape is None or self.shape.names:
            return Markup("")
        return charts.draw_histogram(self.shape, self.title, "thumb")

    @property
    def fraction_bar(self) -> Markup | None:
        """A bar of the fraction of broken rows."""
        return None if self.failing_fraction is None else charts.draw_fraction(self.failing_fraction)


def statistics_table(observed: Mapping[str, Any], shape: charts.DistributionShape | None) -> ReportTable | None:
    """Compare statistics of reference and current data: mean, standard deviation, missing fraction, distinct values."""
    before, now = observed.get("reference"), observed.get("current")
    if not isinstance(before, Mapping) or not isinstance(now, Mapping):
        return None
    shape_data = observed.get("distribution")
    is_date = isinstance(shape_data, Mapping) and shape_data.get("kind") == "date"
    keys = [k for k in dict.fromkeys([*_STATISTICS, *before, *now]) if k in before or k in now]
    keys = [k for k in keys if not (k == "top" and shape and shape.names)]
    rows = [
        (
            formatting.format_heading(k),
            _format_statistic(k, before.get(k), is_date),
            _format_statistic(k, now.get(k), is_date),
        )
        for k in keys[:_MAX_ROWS]
    ]
    if "n_reference" in observed or "n_current" in observed:
        rows.insert(
            0,
            (
                "Values",
                formatting.format_value(observed.get("n_reference")),
                formatting.format_value(observed.get("n_current")),
            ),
        )
    return ReportTable(("", "Reference", "Current"), tuple(rows)) if rows else None


def _format_statistic(key: str, value: Any, is_date: bool) -> str:
    if is_date and key in ("mean", "median", "min", "max"):
        return formatting.format_date(value)
    if is_date and key == "std":
        return f"{formatting.format_value(value)} days"
    if key == "top" and isinstance(value, Mapping):
        shares = [
            f"{formatting.format_text(name, 24)} {formatting.format_percent(fraction)}"
            for name, fraction in list(value.items())[:5]
        ]
        return formatting.format_text(", ".join(shares)) or formatting.EMPTY_VALUE
    return formatting.format_text(formatting.format_by_key(key, value), _MAX_CELL_LENGTH)


def strata_table(data: Any, shape: charts.DistributionShape | None) -> ReportTable | None:
    """Tabulate labels by stratum of scores or feature values, before and now, unless a chart shows them."""
    rows = [row for row in data if isinstance(row, Mapping)] if isinstance(data, (list, tuple)) else []
    if not rows or shape is not None:
        return None
    keys = ("stratum", "rows", "label_reference", "label_current")
    cells = tuple(
        tuple(formatting.format_text(formatting.format_value(row.get(k)), 40) for k in keys)
        for row in rows[: charts.MAX_STRATA]
    )
    return ReportTable(("Where", "Rows now", "Label in the reference", "Label now"), cells)


def measures_table(observed: Mapping[str, Any], expected: Any) -> ReportTable | None:
    """Tabulate the drift measures: effect, threshold and p-value."""
    signals = observed.get("signals")
    if not isinstance(signals, Mapping) or not signals:
        signals = {str(observed["method"]): observed} if observed.get("method") else {}
    limits = expected if isinstance(expected, Mapping) else {}
    main, rows = observed.get("method"), []
    for method, signal in sorted(signals.items(), key=lambda item: item[0] != main)[:_MAX_ROWS]:
        if not isinstance(signal, Mapping) or (method != main and signal.get("effect") == 0):
            continue
        p_value = signal.get("p_adjusted") if signal.get("p_adjusted") is not None else signal.get("p_value")
        p_text = formatting.EMPTY_VALUE if p_value is None else formatting.format_p_value(p_value).removeprefix("= ")
        limit = formatting.format_text(formatting.format_value(limits.get(method)), 24)
        label = _MEASURE_LABELS.get(str(method), formatting.format_heading(method))
        rows.append((label, formatting.format_text(formatting.format_value(signal.get("effect")), 24), limit, p_text))
    return ReportTable(("Measure", "Effect", "Allowed", "p"), tuple(rows)) if rows else None


def list_values(check: Check) -> list[tuple[str, str]]:
    """List the observed and expected values without a form of their own."""
    observed, expected = check.observed, check.expected
    if isinstance(observed, bool) and isinstance(expected, bool):
        return []  # the message says it
    if not isinstance(observed, Mapping):
        values = [("Observed", observed), ("Expected", expected)]
        return [(name, formatting.replace_arrows(_format_cell(value))) for name, value in values if value is not None]
    shown = _SHOWN_SEPARATELY | (_MEASURE_KEYS if "method" in observed else set())
    shown |= {"p_value"} if observed.get("p_adjusted") is not None else set()
    result = [
        (formatting.format_heading(k), _format_cell(v, str(k))) for k, v in _sort_values(observed) if k not in shown
    ]
    if isinstance(expected, Mapping):
        limits = {} if "method" in observed else expected
        result += [
            (f"{formatting.format_heading(k)}, expected", _format_cell(v, str(k)))
            for k, v in limits.items()
            if v is not None
        ]
    elif expected is not None:
        result.append((_BOUND_LABELS.get(check.name, "Expected"), formatting.replace_arrows(_format_cell(expected))))
    return result[:_MAX_ROWS]


def _sort_values(observed: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Sort the main values first; JSON has sorted the keys alphabetically."""
    return sorted(
        observed.items(), key=lambda pair: _VALUE_ORDER.index(pair[0]) if pair[0] in _VALUE_ORDER else len(_VALUE_ORDER)
    )


def _format_cell(value: Any, key: str = "") -> str:
    return formatting.format_text(formatting.format_by_key(key, value), 2 * _MAX_CELL_LENGTH)


def examples_table(data: Any, column: str | None) -> ReportTable | None:
    """Tabulate examples: one row per broken row, its key first, then the columns that break the rule."""
    rows: Sequence[Any] = data if isinstance(data, (list, tuple)) else ()
    example_rows = [row for row in rows if isinstance(row, Mapping)][:_MAX_ROWS]
    rule_columns = str(column).split(", ")  # a rule over several columns lists them all
    head = sorted(dict.fromkeys(key for row in example_rows for key in row), key=lambda key: str(key) in rule_columns)
    head = [*head[: _MAX_COLUMNS - 1], *head[-1:]] if len(head) > _MAX_COLUMNS else head
    if not head:
        return None
    cells = tuple(
        tuple(formatting.format_text(formatting.format_value(r.get(k)), _MAX_CELL_LENGTH) for k in head)
        for r in example_rows
    )
    return ReportTable(tuple(formatting.format_text(key, formatting.MAX_LABEL_LENGTH) for key in head), cells)
