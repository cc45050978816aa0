"""What a model's owners say of it: a text file beside the model, ``include/<model>/card.md``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Self

from airflow_mlops.core.imports import find_file
from airflow_mlops.core.pages.documents import Prose

MOST_CHARACTERS = 20_000
MOST_SECTIONS = 8
LIMITS, USE = "limits", "use"
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*\s*$|^(limits|use):\s*(.*)$", re.IGNORECASE)
_POINT = re.compile(r"^\s*[-*+]\s+(.*)$")


@dataclass(frozen=True, slots=True)
class Owners:
    """The owners' words: sections of paragraphs and points. They are shown as they are: no markup of theirs is read.

    :param sections: title -> its paragraphs and points, each with whether it is a point. ``limits`` and ``use`` go
        to the card's own sections of that name.
    :param cut: whether the text was longer than what is kept.
    """

    sections: tuple[tuple[str, tuple[tuple[bool, str], ...]], ...] = ()
    cut: bool = False

    @classmethod
    def read(cls, given: str | None) -> Self:
        """Read the text, or the file that it names.

        :param given: a path that ends in ``.md`` or ``.txt``, or the text itself: headings (``# Limits``, or
            ``limits:``), paragraphs between empty lines, points after a dash. What stands before the first heading
            are limits.
        :raises BadInput: when there is no such file.
        """
        text = (given or "").strip()
        if "\n" not in text and text.endswith((".md", ".txt")):
            with find_file(text).open(encoding="utf-8", errors="replace") as file:
                text = file.read(MOST_CHARACTERS + 1)
        found: dict[str, list[tuple[bool, str]]] = {}
        for title, point, said in _parts(text[:MOST_CHARACTERS]):
            found.setdefault(title, []).append((point, said))
        kept = list(found.items())[:MOST_SECTIONS]
        return cls(tuple((title, tuple(parts)) for title, parts in kept), len(text) > MOST_CHARACTERS)

    def of(self, name: str) -> list[Prose]:
        """Give what goes into a section of the card's own."""
        return [prose for title, parts in self.sections if title == name for prose in _written(parts)]

    @property
    def others(self) -> list[tuple[str, list[Prose]]]:
        """The sections that the card does not have by itself."""
        return [(title, _written(parts)) for title, parts in self.sections if title not in (LIMITS, USE)]


def _written(parts: Iterable[tuple[bool, str]]) -> list[Prose]:
    """Write runs of paragraphs and runs of points, in their order."""
    return [Prose.of(*(said for _, said in run), points=point) for point, run in groupby(parts, lambda part: part[0])]


def _parts(text: str) -> Iterator[tuple[str, bool, str]]:
    """Give title, whether it is a point, and the words of each paragraph and point, in order."""
    title, point, lines = LIMITS, False, []  # type: str, bool, list[str]
    for line in [*text.splitlines(), ""]:
        heading, dash = _HEADING.match(line), _POINT.match(line)
        if (heading or dash or not line.strip()) and lines:
            yield title, point, " ".join(lines)
            point, lines = False, []
        if heading:
            title, rest = _title(heading)
            lines = [rest] if rest else []
        elif dash:
            point, lines = True, [dash.group(1)]
        elif line.strip():
            lines.append(line.strip())


def _title(heading: re.Match[str]) -> tuple[str, str]:
    """Give the section's title, and what stands beside it."""
    named = heading.group(1) or heading.group(2)
    own = named.rstrip(":").lower()
    return (own if own in (LIMITS, USE) else named), heading.group(3) or ""
