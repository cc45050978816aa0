"""Markdown text of a document: charts become tables, and all texts are escaped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow_mlops.core.reports import formatting
from airflow_mlops.core.reports.documents.block_charts import format_with_interval
from airflow_mlops.core.reports.documents.blocks import (
    BarsBlock,
    CodeBlock,
    CurveBlock,
    DocumentBlock,
    IntervalBlock,
    PairsBlock,
    ProseBlock,
    TableBlock,
)
from airflow_mlops.core.reports.documents.document import DocumentSection, ReportDocument
from airflow_mlops.core.reports.markdown import TONE_ICONS, escape, render_table

MAX_CHARACTERS = 250_000
_MAX_PROSE = 20_000


def render_document_markdown(document: ReportDocument) -> str:
    """Render a document as GitHub-flavoured Markdown.

    :return: at most about ``MAX_CHARACTERS``; a section that does not fit is replaced by a note.
    """
    status = f" ({escape(document.status)})" if document.status else ""
    parts = [
        f"# {escape(document.kind)}: {escape(document.title)}",
        escape(document.subject, formatting.MAX_TEXT_LENGTH),
        f"{TONE_ICONS[document.tone]} {escape(document.lead, formatting.MAX_TEXT_LENGTH)}{status}",
        _pairs(document.key_values),
    ]
    remaining = MAX_CHARACTERS
    for section in document.sections:
        rendered = _section(section)
        if len(rendered) > remaining:
            rendered = _section(
                DocumentSection.missing_section(section.title, "Omitted here for its size; the card's JSON has it.")
            )
        remaining -= len(rendered)
        parts.append(rendered)
    parts.append(f"{escape(formatting.format_timestamp(document.created_at))} · {escape(document.footer)}")
    return "\n\n".join(part for part in parts if part) + "\n"


def _section(section: DocumentSection) -> str:
    parts = [f"## {escape(section.title)}", escape(section.lead, formatting.MAX_TEXT_LENGTH)]
    if section.missing:
        parts.append(f"*Missing:* {escape(section.missing, formatting.MAX_TEXT_LENGTH)}")
    return "\n\n".join(filter(None, [*parts, *map(_block, section.blocks)]))


def _block(block: DocumentBlock) -> str:
    return _RENDERERS[type(block)](block)


def _prose(block: ProseBlock) -> str:
    paragraphs = [escape(text, _MAX_PROSE) for text in block.paragraphs]
    return "\n".join(f"- {text}" for text in paragraphs) if block.is_list else "\n\n".join(paragraphs)


def _pairs(block: PairsBlock) -> str:
    return "\n".join(f"- {escape(name)}: {escape(value, formatting.MAX_TEXT_LENGTH)}" for name, value in block.rows)


def _grid(block: TableBlock) -> str:
    return "\n\n".join(
        filter(None, [render_table(block.head, block.rows), escape(block.note, formatting.MAX_TEXT_LENGTH)])
    )


def _bars(block: BarsBlock) -> str:
    rows = [(name, format_with_interval(value, low, high)) for name, value, low, high in block.rows]
    return _grid(TableBlock(block.head, tuple(rows), block.note))


def _curve(block: CurveBlock) -> str:
    rows = [
        (name, formatting.format_percent(mean), formatting.format_percent(share), formatting.format_value(rows))
        for name, points in block.series
        for mean, share, rows in points
    ]
    return _grid(TableBlock(("", *map(formatting.format_heading, block.axes), "Rows"), tuple(rows), block.note))


def _interval(block: IntervalBlock) -> str:
    return escape(block.text, formatting.MAX_TEXT_LENGTH)


def _code(block: CodeBlock) -> str:
    return "\n".join(f"    {line}".rstrip() for line in block.lines)  # indented, as no line can end such a block


_RENDERERS: dict[type[DocumentBlock], Callable[[Any], str]] = {
    ProseBlock: _prose,
    PairsBlock: _pairs,
    TableBlock: _grid,
    BarsBlock: _bars,
    CurveBlock: _curve,
    IntervalBlock: _interval,
    CodeBlock: _code,
}
