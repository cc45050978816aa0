"""Blocks of a document; each limits its size, notes what it omits, and converts to and from JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

from airflow_mlops.core.reports import formatting

MAX_ROWS = 40
_MAX_COLUMNS = 8
MAX_CELL_LENGTH = 160
_MAX_PIECES = 40
PIECE_LENGTH = 380
"""Texts in a report are limited to 400 characters, so longer ones are stored in pieces."""


@dataclass(frozen=True, slots=True)
class DocumentBlock:
    """The base class of blocks, with conversion to and from JSON."""

    kind: ClassVar[str]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON-serialisable block."""
        return {"block": self.kind, **asdict(self)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> DocumentBlock | None:
        """Parse a block; return ``None`` when this version does not support its kind."""
        kind = BLOCK_TYPES.get(str(data.get("block")))
        return None if kind is None else kind.parse(data)

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Self:
        """Parse a block of this kind."""
        return cls(**{str(k): to_tuples(v) for k, v in data.items() if k != "block"})


def to_tuples(value: Any) -> Any:
    """Convert lists to tuples recursively."""
    return tuple(map(to_tuples, value)) if isinstance(value, (list, tuple)) else value


def split_text(text: str) -> tuple[str, ...]:
    """Split a long text at word boundaries; text beyond ``_MAX_PIECES`` pieces is dropped."""
    cut = textwrap.wrap(formatting.format_text(text, _MAX_PIECES * PIECE_LENGTH), PIECE_LENGTH, break_on_hyphens=False)
    return tuple(cut if len(cut) <= _MAX_PIECES else [*cut[: _MAX_PIECES - 1], "…"])


def _note_omitted(note: str, count: int) -> str:
    """Append the number of omitted rows to a note."""
    omitted = f"{formatting.format_count(count, 'more row')} omitted." if count > 0 else ""
    return formatting.format_text(
        " ".join(filter(None, [formatting.format_text(note, formatting.MAX_TEXT_LENGTH - 40), omitted]))
    )


@dataclass(frozen=True, slots=True)
class ProseBlock(DocumentBlock):
    """Paragraphs, or a bullet list.

    :param texts: the texts, each in pieces.
    :param is_list: whether to render a bullet list.
    """

    kind: ClassVar[str] = "prose"
    texts: tuple[tuple[str, ...], ...]
    is_list: bool = False

    @classmethod
    def of(cls, *texts: str, is_list: bool = False) -> Self:
        """Build prose from texts of any length; those past ``MAX_ROWS`` are omitted and counted."""
        more = len(texts) - MAX_ROWS
        shown = [*texts[:MAX_ROWS], *([f"… and {more} more."] if more > 0 else [])]
        return cls(tuple(split_text(text) for text in shown if text.strip()), is_list)

    @property
    def paragraphs(self) -> list[str]:
        """The complete texts."""
        return [" ".join(text) for text in self.texts]


@dataclass(frozen=True, slots=True)
class PairsBlock(DocumentBlock):
    """Labelled values.

    :param rows: label and formatted value.
    """

    kind: ClassVar[str] = "pairs"
    rows: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, rows: Iterable[tuple[str, Any]]) -> Self:
        """Build pairs from values of any kind; those that are ``None`` or empty are skipped."""
        shown = [(name, value) for name, value in rows if value is not None and value != ""][:MAX_ROWS]
        return cls(
            tuple(
                (
                    formatting.format_text(n, formatting.MAX_LABEL_LENGTH),
                    formatting.format_text(formatting.format_value(v), 2 * MAX_CELL_LENGTH),
                )
                for n, v in shown
            )
        )


@dataclass(frozen=True, slots=True)
class TableBlock(DocumentBlock):
    """A table.

    :param head: the column names; the first column labels the rows.
    :param rows: the formatted cells.
    :param note: how to read it.
    :param collapsed_title: the title under which the page collapses the table; empty: not collapsed.
    :param is_text: whether its cells are text rather than numbers.
    """

    kind: ClassVar[str] = "table"
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    collapsed_title: str = ""
    is_text: bool = False

    @classmethod
    def of(
        cls,
        head: Sequence[str],
        rows: Sequence[Sequence[Any]],
        *,
        note: str = "",
        collapsed_title: str = "",
        is_text: bool = False,
        max_rows: int = MAX_ROWS,
    ) -> Self:
        """Build a table from cells of any kind; rows past ``max_rows`` are omitted and counted in the note."""
        width = len(head[:_MAX_COLUMNS])
        cells = tuple(
            tuple(formatting.format_text(formatting.format_value(c), MAX_CELL_LENGTH) for c in row[:width])
            for row in rows[:max_rows]
        )
        names = tuple(formatting.format_text(name, formatting.MAX_LABEL_LENGTH) for name in head[:width])
        return cls(
            names,
            cells,
            _note_omitted(note, len(rows) - max_rows),
            formatting.format_text(collapsed_title, formatting.MAX_LABEL_LENGTH),
            is_text,
        )


@dataclass(frozen=True, slots=True)
class BarsBlock(DocumentBlock):
    """Values of the same unit with intervals, drawn on one scale.

    :param head: the headings of the names and of the values.
    :param rows: name, value, low, high.
    :param note: how to read it.
    """

    kind: ClassVar[str] = "bars"
    head: tuple[str, str]
    rows: tuple[tuple[str, float, float, float], ...]
    note: str = ""

    @classmethod
    def of(cls, head: tuple[str, str], rows: Iterable[Any], note: str = "") -> Self:
        """Build bars from rows; rows without finite values and those past ``MAX_ROWS`` are omitted."""
        found = []
        for row in rows:
            values = (
                [formatting.finite_number(v) for v in row[1:4]]
                if isinstance(row, (list, tuple)) and len(row) == 4
                else []
            )
            if values and None not in values:
                found.append((formatting.format_text(row[0], formatting.MAX_LABEL_LENGTH), *values))
        return cls(head, tuple(found[:MAX_ROWS]), _note_omitted(note, len(found) - MAX_ROWS))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class CurveBlock(DocumentBlock):
    """Points of one or two series, compared with the diagonal.

    :param axes: the labels of the axes, both fractions from 0 to 1.
    :param series: name -> points: two fractions, and their number of rows.
    :param note: how to read it.
    """

    kind: ClassVar[str] = "curve"
    axes: tuple[str, str]
    series: tuple[tuple[str, tuple[tuple[float, float, int], ...]], ...]
    note: str = ""

    @classmethod
    def of(cls, axes: tuple[str, str], series: Mapping[str, Any], note: str = "") -> Self:
        """Build a curve from points; a series with an invalid point is omitted."""
        found = {name: _parse_points(points) for name, points in list(series.items())[:2]}
        return cls(
            axes, tuple((name, points) for name, points in found.items() if points), formatting.format_text(note)
        )


def _parse_points(data: Any) -> tuple[tuple[float, float, int], ...]:
    points = []
    for point in data[:MAX_ROWS] if isinstance(data, (list, tuple)) else ():
        values = (
            [formatting.finite_number(v) for v in point] if isinstance(point, (list, tuple)) and len(point) == 3 else []
        )
        if len(values) != 3 or values[0] is None or values[1] is None or values[2] is None:
            return ()
        if not (0 <= values[0] <= 1 and 0 <= values[1] <= 1):
            return ()
        points.append((values[0], values[1], int(values[2])))
    return tuple(points)


@dataclass(frozen=True, slots=True)
class IntervalBlock(DocumentBlock):
    """A value with its interval and reference.

    :param name: the name of the value.
    :param value: the value.
    :param low: the lower end of the interval.
    :param high: the upper end.
    :param reference: the reference value.
    :param text: the description.
    """

    kind: ClassVar[str] = "interval"
    name: str
    value: float
    low: float
    high: float
    reference: float
    text: str


@dataclass(frozen=True, slots=True)
class CodeBlock(DocumentBlock):
    """Source code.

    :param lines: the lines.
    """

    kind: ClassVar[str] = "code"
    lines: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Self:
        """Build a code block; the length of lines is limited."""
        return cls(tuple(formatting.format_text(line, PIECE_LENGTH) for line in text.splitlines()[:MAX_ROWS]))


BLOCK_TYPES: dict[str, type[DocumentBlock]] = {
    k.kind: k for k in (ProseBlock, PairsBlock, TableBlock, BarsBlock, CurveBlock, IntervalBlock, CodeBlock)
}
