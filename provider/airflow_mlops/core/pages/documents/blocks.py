"""What a document is made of. Each block bounds itself and says what it has left out; each is JSON and back."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

from airflow_mlops.core.pages import words

MOST_ROWS = 40
MOST_CELLS = 8
MOST_CELL = 160
MOST_PIECES = 40
PIECE = 380
"""A report keeps texts of up to 400 characters, so a longer one is kept in pieces."""


@dataclass(frozen=True, slots=True)
class Block:
    """What all blocks share: the way to a report's facts and back."""

    kind: ClassVar[str]

    def to_dict(self) -> dict[str, Any]:
        """Give it ready for JSON."""
        return {"block": self.kind, **asdict(self)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Block | None:
        """Read a block back; ``None`` when it is of a kind that this version does not know."""
        kind = KINDS.get(str(data.get("block")))
        return None if kind is None else kind.read(data)

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        """Read a block of this kind."""
        return cls(**{str(k): frozen(v) for k, v in data.items() if k != "block"})


def frozen(value: Any) -> Any:
    """Turn JSON's lists into tuples, all the way down."""
    return tuple(map(frozen, value)) if isinstance(value, (list, tuple)) else value


def pieces(text: str) -> tuple[str, ...]:
    """Cut a long text between words, and past ``MOST_PIECES`` pieces for good."""
    cut = textwrap.wrap(words.text(text, MOST_PIECES * PIECE), PIECE, break_on_hyphens=False)
    return tuple(cut if len(cut) <= MOST_PIECES else [*cut[: MOST_PIECES - 1], "…"])


def _left_out(note: str, count: int) -> str:
    """Add to a note how many rows there is no room for."""
    more = f"{words.count_of(count, 'more row')} left out." if count > 0 else ""
    return words.text(" ".join(filter(None, [words.text(note, words.MOST_TEXT - 40), more])))


@dataclass(frozen=True, slots=True)
class Prose(Block):
    """A paragraph, or a list of them.

    :param texts: each in pieces.
    :param points: whether they are points of a list.
    """

    kind: ClassVar[str] = "prose"
    texts: tuple[tuple[str, ...], ...]
    points: bool = False

    @classmethod
    def of(cls, *texts: str, points: bool = False) -> Self:
        """Take texts of any length; past ``MOST_ROWS`` of them are left out, and counted."""
        more = len(texts) - MOST_ROWS
        told = [*texts[:MOST_ROWS], *([f"… and {more} more."] if more > 0 else [])]
        return cls(tuple(pieces(text) for text in told if text.strip()), points)

    @property
    def said(self) -> list[str]:
        """The texts, whole again."""
        return [" ".join(text) for text in self.texts]


@dataclass(frozen=True, slots=True)
class Pairs(Block):
    """Names with their values.

    :param rows: name and value, in words.
    """

    kind: ClassVar[str] = "pairs"
    rows: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, rows: Iterable[tuple[str, Any]]) -> Self:
        """Take values of any kind; those that are ``None`` or empty are left out."""
        told = [(name, value) for name, value in rows if value is not None and value != ""][:MOST_ROWS]
        return cls(
            tuple((words.text(n, words.MOST_LABEL), words.text(words.figure(v), 2 * MOST_CELL)) for n, v in told)
        )


@dataclass(frozen=True, slots=True)
class Grid(Block):
    """A table.

    :param head: the columns' names; the first names the rows.
    :param rows: the cells, in words.
    :param note: how to read it.
    :param folded: under which words the page hides it until it is asked for; empty: it is shown.
    :param texts: its cells are words rather than figures.
    """

    kind: ClassVar[str] = "grid"
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    folded: str = ""
    texts: bool = False

    @classmethod
    def of(
        cls,
        head: Sequence[str],
        rows: Sequence[Sequence[Any]],
        *,
        note: str = "",
        folded: str = "",
        texts: bool = False,
        most: int = MOST_ROWS,
    ) -> Self:
        """Take cells of any kind; rows past ``most`` are left out, and counted in the note."""
        width = len(head[:MOST_CELLS])
        cells = tuple(tuple(words.text(words.figure(c), MOST_CELL) for c in row[:width]) for row in rows[:most])
        names = tuple(words.text(name, words.MOST_LABEL) for name in head[:width])
        return cls(names, cells, _left_out(note, len(rows) - most), words.text(folded, words.MOST_LABEL), texts)


@dataclass(frozen=True, slots=True)
class Bars(Block):
    """Figures of the same unit, each with its interval, drawn below each other on one scale.

    :param head: what the names are, and what the figures are.
    :param rows: name, value, low, high.
    :param note: how to read it.
    """

    kind: ClassVar[str] = "bars"
    head: tuple[str, str]
    rows: tuple[tuple[str, float, float, float], ...]
    note: str = ""

    @classmethod
    def of(cls, head: tuple[str, str], rows: Iterable[Any], note: str = "") -> Self:
        """Take rows; one that has no finite figures is left out, and so are those past ``MOST_ROWS``."""
        found = []
        for row in rows:
            values = [words.number(v) for v in row[1:4]] if isinstance(row, (list, tuple)) and len(row) == 4 else []
            if values and None not in values:
                found.append((words.text(row[0], words.MOST_LABEL), *values))
        return cls(head, tuple(found[:MOST_ROWS]), _left_out(note, len(found) - MOST_ROWS))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Curve(Block):
    """Points of one or two series, held against the diagonal.

    :param axes: what the points' two figures are, both shares from 0 to 1.
    :param series: name -> points: two shares, and the rows behind them.
    :param note: how to read it.
    """

    kind: ClassVar[str] = "curve"
    axes: tuple[str, str]
    series: tuple[tuple[str, tuple[tuple[float, float, int], ...]], ...]
    note: str = ""

    @classmethod
    def of(cls, axes: tuple[str, str], series: Mapping[str, Any], note: str = "") -> Self:
        """Take points; a series with one that is no pair of shares is left out."""
        found = {name: _points(points) for name, points in list(series.items())[:2]}
        return cls(axes, tuple((name, points) for name, points in found.items() if points), words.text(note))


def _points(given: Any) -> tuple[tuple[float, float, int], ...]:
    points = []
    for point in given[:MOST_ROWS] if isinstance(given, (list, tuple)) else ():
        values = [words.number(v) for v in point] if isinstance(point, (list, tuple)) and len(point) == 3 else []
        if len(values) != 3 or values[0] is None or values[1] is None or values[2] is None:
            return ()
        if not (0 <= values[0] <= 1 and 0 <= values[1] <= 1):
            return ()
        points.append((values[0], values[1], int(values[2])))
    return tuple(points)


@dataclass(frozen=True, slots=True)
class Interval(Block):
    """One figure with its interval, and what it is held against.

    :param what: the figure's name.
    :param value: the figure.
    :param low: where its interval begins.
    :param high: where it ends.
    :param mark: what it is held against.
    :param said: all of it in words.
    """

    kind: ClassVar[str] = "interval"
    what: str
    value: float
    low: float
    high: float
    mark: float
    said: str


@dataclass(frozen=True, slots=True)
class Code(Block):
    """Lines of a program.

    :param lines: each on its own.
    """

    kind: ClassVar[str] = "code"
    lines: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Self:
        """Take a program; a line is bounded."""
        return cls(tuple(words.text(line, PIECE) for line in text.splitlines()[:MOST_ROWS]))


KINDS: dict[str, type[Block]] = {k.kind: k for k in (Prose, Pairs, Grid, Bars, Curve, Interval, Code)}
