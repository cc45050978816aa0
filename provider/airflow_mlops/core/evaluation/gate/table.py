"""The decision as one table, for a person who has to say yes or no."""

from __future__ import annotations

from airflow_mlops.core.pages import words
from airflow_mlops.core.pages.markdown import SIGNS, escaped
from airflow_mlops.core.report import Check, Report

MOST_ROWS = 15
"""So few that whoever decides still sees the buttons below; all are in the report."""
MOST_CELL = 160
_FIRST = {"fail": 0, "not_judged": 1, "pass": 2}


def decision_table(report: Report) -> str:
    """Write a gate's decision as Markdown: one line, and a table of what was seen and asked for, failures first.

    :param report: of kind ``gate``, as it was made or as it came out of the store.
    :returns: at most about 10,000 characters; every text of the data's is escaped.
    """
    facts = report.facts
    told = f"**{escaped(report.decision or report.verdict)}**: {escaped(report.subject)}"
    if facts.get("champion"):
        told += f" against {escaped(facts['champion'])}"
    told += f", {words.figure(facts.get('rows'))} gate rows"

    def of_champion(check: Check) -> bool:
        return bool(facts.get("champion")) and check.where == facts["champion"]

    def order(check: Check) -> tuple[int, bool, bool, bool]:
        return _FIRST[check.status], of_champion(check), check.severity == "info", check.name != "minimum gain"

    checks = sorted(report.checks, key=order)
    lines = ["| | rule | seen | asked | |", "| --- | --- | --- | --- | --- |"]
    lines += [_line(c, c.name + " (champion)" * of_champion(c)) for c in checks[:MOST_ROWS]]
    left = len(checks) - MOST_ROWS + report.checks_left_out
    more = [f"… and {left} more in the report"] if left > 0 else []
    return "\n\n".join([told, "\n".join(lines), *more, f"report {escaped(report.id)}"]) + "\n"


def _line(check: Check, name: str) -> str:
    sign = SIGNS[
        {"not_judged": "none", "pass": "pass"}.get(check.status) or ("fail" if check.severity == "error" else "warn")
    ]
    asked = words.NOTHING if check.expected is None else words.figure(check.expected)
    cells = (name, words.seen(check.observed), asked, check.message)
    return "| " + " | ".join([sign, *(escaped(cell, MOST_CELL) for cell in cells)]) + " |"
