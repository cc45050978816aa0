"""A document as Markdown: pictures become tables, and every text shows as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow_mlops.core.pages import words
from airflow_mlops.core.pages.documents.blocks import Bars, Block, Code, Curve, Grid, Interval, Pairs, Prose
from airflow_mlops.core.pages.documents.document import Document, Section
from airflow_mlops.core.pages.documents.pictures import spoken
from airflow_mlops.core.pages.markdown import SIGNS, escaped, table

MOST_CHARACTERS = 250_000
MOST_PROSE = 20_000


def markdown(document: Document) -> str:
    """Write a document as Markdown, with tables in the style of GitHub.

    :returns: at most about ``MOST_CHARACTERS``; a section that finds no room says so.
    """
    plain = f" ({escaped(document.plain)})" if document.plain else ""
    parts = [
        f"# {escaped(document.kind)}: {escaped(document.title)}",
        escaped(document.subject, words.MOST_TEXT),
        f"{SIGNS[document.tone]} {escaped(document.lead, words.MOST_TEXT)}{plain}",
        _pairs(document.figures),
    ]
    left = MOST_CHARACTERS
    for section in document.sections:
        written = _section(section)
        if len(written) > left:
            written = _section(Section.without(section.title, "It finds no room here; the card's JSON has it."))
        left -= len(written)
        parts.append(written)
    parts.append(f"{escaped(words.moment(document.made))} · {escaped(document.foot)}")
    return "\n\n".join(part for part in parts if part) + "\n"


def _section(section: Section) -> str:
    parts = [f"## {escaped(section.title)}", escaped(section.lead, words.MOST_TEXT)]
    if section.missing:
        parts.append(f"*Missing:* {escaped(section.missing, words.MOST_TEXT)}")
    return "\n\n".join(filter(None, [*parts, *map(_block, section.blocks)]))


def _block(block: Block) -> str:
    return _WRITE[type(block)](block)


def _prose(block: Prose) -> str:
    told = [escaped(text, MOST_PROSE) for text in block.said]
    return "\n".join(f"- {text}" for text in told) if block.points else "\n\n".join(told)


def _pairs(block: Pairs) -> str:
    return "\n".join(f"- {escaped(name)}: {escaped(value, words.MOST_TEXT)}" for name, value in block.rows)


def _grid(block: Grid) -> str:
    return "\n\n".join(filter(None, [table(block.head, block.rows), escaped(block.note, words.MOST_TEXT)]))


def _bars(block: Bars) -> str:
    rows = [(name, spoken(value, low, high)) for name, value, low, high in block.rows]
    return _grid(Grid(block.head, tuple(rows), block.note))


def _curve(block: Curve) -> str:
    rows = [
        (name, words.share(mean), words.share(share), words.figure(rows))
        for name, points in block.series
        for mean, share, rows in points
    ]
    return _grid(Grid(("", *map(words.heading, block.axes), "Rows"), tuple(rows), block.note))


def _interval(block: Interval) -> str:
    return escaped(block.said, words.MOST_TEXT)


def _code(block: Code) -> str:
    return "\n".join(f"    {line}".rstrip() for line in block.lines)  # indented: no text can end it


_WRITE: dict[type[Block], Callable[[Any], str]] = {
    Prose: _prose,
    Pairs: _pairs,
    Grid: _grid,
    Bars: _bars,
    Curve: _curve,
    Interval: _interval,
    Code: _code,
}
