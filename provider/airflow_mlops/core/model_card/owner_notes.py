"""The owners' notes on a model, from a text file such as ``include/<model>/card.md``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Self

from airflow_mlops.common.imports import find_file
from airflow_mlops.core.reports.documents import ProseBlock

MAX_CHARACTERS = 20_000
MAX_SECTIONS = 8
LIMITS, USE = "limits", "use"
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*\s*$|^(limits|use):\s*(.*)$", re.IGNORECASE)
_POINT = re.compile(r"^\s*[-*+]\s+(.*)$")


@dataclass(frozen=True, slots=True)
class OwnerNotes:
    """The owners' notes: sections of paragraphs and bullet points. Other markup is shown as plain text.

    :param sections: title -> its paragraphs and bullet points, each with whether it is a bullet point. ``limits`` and
        ``use`` go to the card's sections of that subject.
    :param truncated: whether the text was truncated.
    """

    sections: tuple[tuple[str, tuple[tuple[bool, str], ...]], ...] = ()
    truncated: bool = False

    @classmethod
    def parse(cls, source: str | None) -> Self:
        """Parse the notes from a text or a file.

        :param source: a path that ends in ``.md`` or ``.txt``, or the text itself: headings (``# Limits``, or
            ``limits:``), paragraphs between empty lines, bullet points after a dash. Text before the first heading
            belongs to ``limits``.
        :raises BadInput: when the file does not exist.
        """
        text = (source or "").strip()
        if "\n" not in text and text.endswith((".md", ".txt")):
            with find_file(text).open(encoding="utf-8", errors="replace") as file:
                text = file.read(MAX_CHARACTERS + 1)
        sections: dict[str, list[tuple[bool, str]]] = {}
        for title, point, content in _parse(text[:MAX_CHARACTERS]):
            sections.setdefault(title, []).append((point, content))
        first = list(sections.items())[:MAX_SECTIONS]
        return cls(tuple((title, tuple(parts)) for title, parts in first), len(text) > MAX_CHARACTERS)

    def prose_for(self, section: str) -> list[ProseBlock]:
        """Return the prose for one of the card's own sections."""
        return [prose for title, parts in self.sections if title == section for prose in _to_prose(parts)]

    @property
    def other_sections(self) -> list[tuple[str, list[ProseBlock]]]:
        """The additional sections of the owners."""
        return [(title, _to_prose(parts)) for title, parts in self.sections if title not in (LIMITS, USE)]


def _to_prose(parts: Iterable[tuple[bool, str]]) -> list[ProseBlock]:
    """Convert runs of paragraphs and runs of bullet points to prose, in their order."""
    return [
        ProseBlock.of(*(text for _, text in run), is_list=point) for point, run in groupby(parts, lambda part: part[0])
    ]


def _parse(text: str) -> Iterator[tuple[str, bool, str]]:
    """Yield the section title, whether it is a bullet point, and the text of each paragraph and bullet point."""
    title, point, lines = LIMITS, False, []  # type: str, bool, list[str]
    for line in [*text.splitlines(), ""]:
        heading, dash = _HEADING.match(line), _POINT.match(line)
        if (heading or dash or not line.strip()) and lines:
            yield title, point, " ".join(lines)
            point, lines = False, []
        if heading:
            title, rest = _split_heading(heading)
            lines = [rest] if rest else []
        elif dash:
            point, lines = True, [dash.group(1)]
        elif line.strip():
            lines.append(line.strip())


def _split_heading(heading: re.Match[str]) -> tuple[str, str]:
    """Return the title of a section, and the text after it on the same line."""
    title = heading.group(1) or heading.group(2)
    keyword = title.rstrip(":").lower()
    return (keyword if keyword in (LIMITS, USE) else title), heading.group(3) or ""
