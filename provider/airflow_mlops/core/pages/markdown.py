"""A report as a short Markdown text, for logs, notes and the body of an approval."""

from __future__ import annotations

import re
from collections.abc import Sequence

from airflow_mlops.core.pages import facts, verdicts, words
from airflow_mlops.core.pages.cards import SEVERITIES
from airflow_mlops.core.pages.order import ordered
from airflow_mlops.core.report import Check, Report

MOST_LISTED = 20
MOST_MESSAGE = 240
SIGNS = {"pass": "✅", "warn": "⚠️", "fail": "❌", "none": "➖"}
# Whatever begins a form of Markdown or of HTML; an underscore within a word begins none.
_ANYWHERE = re.compile(r"[\\`*\[\]<|~]|&(?=#?\w+;)|(?<![^\W_])_|_(?![^\W_])")
# Whatever makes a line a heading, a quotation, a list or a rule, when it stands first.
_FIRST = re.compile(r"^(?=[#+-]+(?:\s|$)|[>=])")
_NUMBERED = re.compile(r"^(\d{1,9})([.)])(?=\s|$)")


def escaped(value: object, limit: int = MOST_MESSAGE) -> str:
    """Make a text safe to stand in Markdown, also in a table: it shows as it is, on one line."""
    said = _ANYWHERE.sub(lambda found: f"\\{found.group()}", words.text(value, limit).strip())
    return _NUMBERED.sub(r"\1\\\2", _FIRST.sub(lambda _: "\\", said))


def markdown(report: Report) -> str:
    """Write a report in short: the verdict, what failed as a table, and the figures.

    :param report: as it was made, or as it came out of the store.
    :return: Markdown, with a table in the style of GitHub; it shows as plain text, too.
    """
    head = verdicts.headline(report)
    parts = [
        f"{SIGNS[head.tone]} **{escaped(head.kind)}: {escaped(head.said)}** ({escaped(head.plain)})",
        escaped(report.subject),
        escaped(head.lead, words.MOST_TEXT),
    ]
    failed = ordered(report)
    told = failed or [c for c in report.checks if c.status == "not_judged"]
    if told:
        parts.append(_table(told))
    if estimate := facts.estimate(report):
        parts.append(escaped(estimate.said))
    if compared := facts.comparison(report):
        parts.append(table(compared.head, compared.rows))
    if figures := facts.plain(report):
        parts.append("\n".join(f"- {escaped(name)}: {escaped(value)}" for name, value in figures))
    parts.append(f"{escaped(verdicts.tally(report))} · report {escaped(report.id)}")
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(checks: list[Check]) -> str:
    rows = [
        (
            words.text(c.where, words.MOST_LABEL) if c.where is not None else "",
            words.text(c.name, words.MOST_LABEL),
            SEVERITIES.get(str(c.severity), str(c.severity)),
            words.arrows(c.message or words.label(c.status)),
        )
        for c in checks[:MOST_LISTED]
    ]
    more = f"\n\n… and {len(checks) - MOST_LISTED} more" if len(checks) > MOST_LISTED else ""
    return table(("where", "check", "severity", "what"), rows) + more


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Write a table in the style of GitHub: every cell shows as it is."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(
        "| " + " | ".join(cell if i == 1 else escaped(cell) for cell in line) + " |" for i, line in enumerate(lines)
    )
