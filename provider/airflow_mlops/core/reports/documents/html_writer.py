"""Self-contained HTML page of a document."""

from __future__ import annotations

from markupsafe import Markup

from airflow_mlops.core.reports import charts, formatting
from airflow_mlops.core.reports.documents import block_charts
from airflow_mlops.core.reports.documents.blocks import BarsBlock, CurveBlock, DocumentBlock, IntervalBlock
from airflow_mlops.core.reports.documents.document import DocumentSection, ReportDocument
from airflow_mlops.core.reports.templates import load_css, load_macros

MAX_BYTES = 400_000
_OMITTED = "Omitted here for its size; the card's JSON has it."


def render_html(document: ReportDocument) -> str:
    """Render a document as an HTML page.

    :return: the page, at most about ``MOST_BYTES``; a section that does not fit is replaced by a note.
    """
    templates = load_macros("document.html")
    remaining, sections = MAX_BYTES, []
    for number, section in enumerate(document.sections, 1):
        rendered = str(templates.section(section, number, _draw))
        if len(rendered.encode()) > remaining:
            rendered = str(templates.section(DocumentSection.missing_section(section.title, _OMITTED), number, _draw))
        remaining -= len(rendered.encode())
        sections.append(Markup(rendered))  # noqa: S704 - the template has escaped it
    style = load_css("report.css") + load_css("document.css")
    made = formatting.format_timestamp(document.created_at)
    return str(templates.page(document, made, Markup("").join(sections), style))


def _draw(block: DocumentBlock) -> object:
    """Draw the chart of a block."""
    if isinstance(block, BarsBlock):
        return block_charts.draw_bars(block)
    if isinstance(block, CurveBlock):
        return block_charts.draw_curve(block)
    if isinstance(block, IntervalBlock):
        return charts.draw_interval(block.value, block.low, block.high, block.reference, block.text)
    return None
