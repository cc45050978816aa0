"""Rendering of a gate decision as a Markdown table, for the person who approves it."""

from __future__ import annotations

from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.reports import formatting
from airflow_mlops.core.reports.markdown import TONE_ICONS, escape

MAX_ROWS = 15
"""Keeps the approval buttons below the table visible; the report has all checks."""
MAX_CELL_LENGTH = 160
_STATUS_ORDER = {"fail": 0, "inconclusive": 1, "pass": 2}


def render_decision_table(report: Report) -> str:
    """Render a gate decision as Markdown: a summary line and a table of the checks, failures first.

    :param report: of kind ``gate``, new or from the store.
    :returns: at most about 10,000 characters; all text from data is escaped.
    """
    facts = report.facts
    summary = f"**{escape(report.decision or report.verdict)}**: {escape(report.subject)}"
    if facts.get("champion"):
        summary += f" against {escape(facts['champion'])}"
    summary += f", {formatting.format_value(facts.get('rows'))} gate rows"

    def is_champion(check: Check) -> bool:
        return bool(facts.get("champion")) and check.where == facts["champion"]

    def order(check: Check) -> tuple[int, bool, bool, bool]:
        return _STATUS_ORDER[check.status], is_champion(check), check.severity == "info", check.name != "minimum gain"

    checks = sorted(report.checks, key=order)
    lines = ["| | rule | observed | expected | |", "| --- | --- | --- | --- | --- |"]
    lines += [_render_row(c, c.name + " (champion)" * is_champion(c)) for c in checks[:MAX_ROWS]]
    remaining = len(checks) - MAX_ROWS + report.omitted_checks
    more = [f"… and {remaining} more in the report"] if remaining > 0 else []
    return "\n\n".join([summary, "\n".join(lines), *more, f"report {escape(report.id)}"]) + "\n"


def _render_row(check: Check, name: str) -> str:
    sign = TONE_ICONS[
        {"inconclusive": "none", "pass": "pass"}.get(check.status) or ("fail" if check.severity == "error" else "warn")
    ]
    expected = formatting.EMPTY_VALUE if check.expected is None else formatting.format_value(check.expected)
    cells = (name, formatting.format_observed(check.observed), expected, check.message)
    return "| " + " | ".join([sign, *(escape(cell, MAX_CELL_LENGTH) for cell in cells)]) + " |"
