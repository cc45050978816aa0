"""Short Markdown text of a report, for logs, notes and approvals."""

from __future__ import annotations

import re
from collections.abc import Sequence

from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.reports import formatting, headline, summary
from airflow_mlops.core.reports.check_order import sort_failed
from airflow_mlops.core.reports.panels import SEVERITY_LABELS

MAX_LISTED = 20
_MAX_MESSAGE = 240
TONE_ICONS = {"pass": "✅", "warn": "⚠️", "fail": "❌", "none": "➖"}
# Characters that begin Markdown or HTML syntax; an underscore within a word does not.
_MARKUP = re.compile(r"[\\`*\[\]<|~]|&(?=#?\w+;)|(?<![^\W_])_|_(?![^\W_])")
# Characters that make a line a heading, quotation, list or rule when they come first.
_LINE_START = re.compile(r"^(?=[#+-]+(?:\s|$)|[>=])")
_NUMBERED_ITEM = re.compile(r"^(\d{1,9})([.)])(?=\s|$)")


def escape(value: object, limit: int = _MAX_MESSAGE) -> str:
    """Escape a text for Markdown, also in a table: it is shown literally, on one line."""
    escaped_text = _MARKUP.sub(lambda match: f"\\{match.group()}", formatting.format_text(value, limit).strip())
    return _NUMBERED_ITEM.sub(r"\1\\\2", _LINE_START.sub(lambda _: "\\", escaped_text))


def render_markdown(report: Report) -> str:
    """Render a report as Markdown: the verdict, failed checks as a table, and the facts.

    :param report: a new report, or one loaded from the store.
    :return: GitHub-flavoured Markdown that is also readable as plain text.
    """
    head = headline.build_headline(report)
    parts = [
        f"{TONE_ICONS[head.tone]} **{escape(head.kind)}: {escape(head.title)}** ({escape(head.status)})",
        escape(report.subject),
        escape(head.lead, formatting.MAX_TEXT_LENGTH),
    ]
    failed = sort_failed(report)
    listed = failed or [c for c in report.checks if c.status == "inconclusive"]
    if listed:
        parts.append(_check_table(listed))
    if estimate := summary.find_estimate(report):
        parts.append(escape(estimate.text))
    if compared := summary.comparison_table(report):
        parts.append(render_table(compared.head, compared.rows))
    if pairs := summary.list_facts(report):
        parts.append("\n".join(f"- {escape(name)}: {escape(value)}" for name, value in pairs))
    parts.append(f"{escape(headline.format_tally(report))} · report {escape(report.id)}")
    return "\n\n".join(part for part in parts if part) + "\n"


def _check_table(checks: list[Check]) -> str:
    rows = [
        (
            formatting.format_text(c.where, formatting.MAX_LABEL_LENGTH) if c.where is not None else "",
            formatting.format_text(c.name, formatting.MAX_LABEL_LENGTH),
            SEVERITY_LABELS.get(str(c.severity), str(c.severity)),
            formatting.replace_arrows(c.message or formatting.format_label(c.status)),
        )
        for c in checks[:MAX_LISTED]
    ]
    more = f"\n\n… and {len(checks) - MAX_LISTED} more" if len(checks) > MAX_LISTED else ""
    return render_table(("where", "check", "severity", "what"), rows) + more


def render_table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Render a GitHub-style table in which every cell is shown literally."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(
        "| " + " | ".join(cell if i == 1 else escape(cell) for cell in line) + " |" for i, line in enumerate(lines)
    )
