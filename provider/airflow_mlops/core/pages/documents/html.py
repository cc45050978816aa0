"""A document as one HTML page that needs nothing but itself."""

from __future__ import annotations

from markupsafe import Markup

from airflow_mlops.core.pages import charts, words
from airflow_mlops.core.pages.documents import pictures
from airflow_mlops.core.pages.documents.blocks import Bars, Block, Curve, Interval
from airflow_mlops.core.pages.documents.document import Document, Section
from airflow_mlops.core.pages.templates import css, macros

MOST_BYTES = 400_000
NO_ROOM = "It finds no room on this page; the card's JSON has it."


def html(document: Document) -> str:
    """Write a document as an HTML page.

    :returns: the page, at most about ``MOST_BYTES``; a section that finds no room says so.
    """
    write = macros("document.html")
    left, sections = MOST_BYTES, []
    for number, section in enumerate(document.sections, 1):
        written = str(write.section(section, number, _picture))
        if len(written.encode()) > left:
            written = str(write.section(Section.without(section.title, NO_ROOM), number, _picture))
        left -= len(written.encode())
        sections.append(Markup(written))  # noqa: S704 - the template has escaped it
    style = css("report.css") + css("document.css")
    made = words.moment(document.made)
    return str(write.page(document, made, Markup("").join(sections), style))


def _picture(block: Block) -> object:
    """Draw what a block has to be drawn."""
    if isinstance(block, Bars):
        return pictures.bars(block)
    if isinstance(block, Curve):
        return pictures.curve(block)
    if isinstance(block, Interval):
        return charts.interval(block.value, block.low, block.high, block.mark, block.said)
    return None
