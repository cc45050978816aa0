"""The pictures of a page: inline SVG, drawn to stretch, with a title and a description for who cannot see them.

Colours come from the page's CSS by class, so that one picture serves light, dark and paper. The text around a
picture is the page's, not the picture's: text in SVG would stretch with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from airflow_mlops.core.pages import words

MOST_BINS = 50
MOST_SHARE = 1.001  # shares have been rounded
MOST_NAMES = 12
MOST_STRATA = 20
MOST_WINDOWS = 24
MOST_NAME = 40
_SVG = Markup('<svg class="{}" viewBox="0 0 {} {}"{} role="img"><title>{}</title><desc>{}</desc>{}</svg>')
_STRETCHED = Markup(' preserveAspectRatio="none"')


@dataclass(frozen=True, slots=True)
class Shape:
    """The two distributions of a column over the same bins or names.

    :param reference: shares of all values.
    :param current: the same of the current data.
    :param names: the categories, or the strata; empty for numbers and dates.
    :param lo: where the first bin begins, in words.
    :param hi: where the last bin ends, in words.
    :param what: what the names are.
    """

    reference: tuple[float, ...]
    current: tuple[float, ...]
    names: tuple[str, ...] = ()
    lo: str = ""
    hi: str = ""
    what: str = "Category"

    @classmethod
    def of_strata(cls, data: Any, column: str | None) -> Shape | None:
        """Read how often a label came true, stratum by stratum; None when labels are no shares."""
        rows = [row for row in data if isinstance(row, Mapping)] if isinstance(data, (list, tuple)) else []
        rows = rows[:MOST_STRATA]
        before, now = (_shares([row.get(f"label_{side}") for row in rows]) for side in ("reference", "current"))
        if not before or not now or not (any(before) or any(now)):
            return None
        names = tuple(words.text(row.get("of"), MOST_NAME) for row in rows)
        return cls(before, now, names, what="Score" if column is None else words.text(column, MOST_NAME))

    @classmethod
    def of(cls, data: Any) -> Shape | None:
        """Read what a drift check observed; None when there is nothing that can be drawn."""
        if not isinstance(data, Mapping):
            return None
        sides = [_shares(data.get(side)) for side in ("reference", "current")]
        if not sides[0] or len(sides[0]) != len(sides[1]) or not (any(sides[0]) or any(sides[1])):
            return None
        if data.get("kind") == "category":
            names = data.get("names")
            if not isinstance(names, (list, tuple)) or len(names) != len(sides[0]):
                return None
            told = tuple(words.text(n, words.MOST_LABEL) for n in names[:MOST_NAMES])
            return cls(sides[0][:MOST_NAMES], sides[1][:MOST_NAMES], told)
        if words.number(data.get("lo")) is None or words.number(data.get("hi")) is None:
            return None
        show = words.day if data.get("kind") == "date" else words.rough
        return cls(sides[0], sides[1], (), show(data["lo"]), show(data["hi"]))

    @property
    def rows(self) -> list[tuple[str, Markup, str, str]]:
        """For categories: name, a pair of bars, and both shares in words."""
        most = max(*self.reference, *self.current)
        return [
            (name, _pair_of_bars(before / most, now / most), words.share(before), words.share(now))
            for name, before, now in zip(self.names, self.reference, self.current, strict=True)
        ]


def _shares(data: Any) -> tuple[float, ...]:
    """Read shares; empty when one of them is none."""
    if not isinstance(data, (list, tuple)) or len(data) > MOST_BINS:
        return ()
    found = [value for value in map(words.number, data) if value is not None and 0 <= value <= MOST_SHARE]
    return tuple(found) if len(found) == len(data) else ()


def histogram(shape: Shape, what: str, css: str = "hist") -> Markup:
    """Lay the current distribution, a line, over the reference, a filled area.

    :param what: the column.
    :param css: the class, which tells the size.
    """
    most, bins = max(*shape.reference, *shape.current), len(shape.reference)
    before, now = ([round(98 * (1 - value / most)) + 2 for value in side] for side in (shape.reference, shape.current))
    drawn = Markup('<path class="r" d="M0 100{}V100Z"/><path class="c" d="M0 {}{}"/>').format(
        _steps(before), now[0], _steps(now)
    )
    if css != "hist":  # a small picture beside its words: those are enough to hear
        return Markup('<svg class="{}" viewBox="0 0 {} 102"{} aria-hidden="true">{}</svg>').format(
            css, 10 * bins, _STRETCHED, drawn
        )
    told = f"Shares of the values in {bins} equal bins from {shape.lo} to {shape.hi}; {_move(shape)}"
    return _SVG.format(css, 10 * bins, 102, _STRETCHED, f"{what}: reference and current", told, drawn)


def _steps(heights: Sequence[int]) -> str:
    """Write a staircase of steps ten wide; equal steps are one."""
    path, last = "", None
    for i, height in enumerate(heights):
        if height != last:
            path += (f"H{10 * i}" if i else "") + f"V{height}"
        last = height
    return path + f"H{10 * len(heights)}"


def _move(shape: Shape) -> str:
    """Say where the distribution's middle was and is, in hundredths of the way from lo to hi."""
    middles = []
    for side in (shape.reference, shape.current):
        whole = sum(side)
        middles.append(sum((i + 0.5) * value for i, value in enumerate(side)) / whole / len(side) if whole else 0.0)
    return f"the middle lies at {middles[0]:.0%} of the width in the reference and at {middles[1]:.0%} now."


def _pair_of_bars(before: float, now: float) -> Markup:
    """Draw the two bars of a category; the numbers stand beside them."""
    return Markup(
        '<svg class="bars" viewBox="0 0 100 14"{} aria-hidden="true">'
        '<path class="r" d="M0 0h{}v6h-{}z"/><path class="c" d="M0 8h{}v6h-{}z"/></svg>'
    ).format(_STRETCHED, *[round(100 * size, 1) for size in (before, before, now, now)])


def bar(part: float) -> Markup:
    """Draw a share of a whole; a share above nothing is never drawn as nothing."""
    wide = round(100 * min(1.0, max(part, 0.004 if part > 0 else 0.0)), 1)
    return Markup(
        '<svg class="share" viewBox="0 0 100 4"{} aria-hidden="true"><path class="r" d="M0 0h100v4H0z"/>'
        '<path class="b" d="M0 0h{}v4H0z"/></svg>'
    ).format(_STRETCHED, wide)


@dataclass(frozen=True, slots=True)
class Window:
    """One of the last windows.

    :param partition: its name.
    :param value: the figure behind its verdict, when there is one.
    :param verdict: ``pass``, ``warn``, ``fail`` or ``not_judged``.
    """

    partition: str
    value: float | None
    verdict: str

    @property
    def said(self) -> str:
        """Its name and its figure, for an end of the line."""
        return self.partition if self.value is None else f"{self.partition} · {words.rough(self.value)}"

    @classmethod
    def all_of(cls, data: Any) -> list[Window]:
        """Read a report's ``windows``, oldest first; what cannot be read is left out."""
        given = data if isinstance(data, (list, tuple)) else ()
        found = [w for w in given if isinstance(w, Mapping)]
        return [
            cls(
                words.text(w.get("partition"), MOST_NAME),
                words.number(w.get("value")),
                str(w.get("verdict"))[:MOST_NAME],
            )
            for w in found[-MOST_WINDOWS:]
        ]


def sparkline(windows: Sequence[Window], mark: float | None = None) -> Markup:
    """Draw the values of the last windows; the form of a point, not its colour alone, says its verdict.

    :param mark: the value from which on a window fails, as a dashed line.
    """
    values = [w.value for w in windows if w.value is not None] + ([] if mark is None else [mark])
    low, high = min([0.0, *values]), max([0.0, *values])
    reach = high - low or 1.0
    step = 640 / max(1, len(windows) - 1) if len(windows) > 1 else 0
    points = [
        (20 + step * i, 14 + 62 * (1 - ((w.value or 0.0) - low) / reach), w) for i, w in enumerate(windows)
    ]  # 680 wide, 90 high
    line, pen = "", "M"
    for x, y, window in points:
        if window.value is None:
            pen = "M"
            continue
        line += f"{pen}{x:.0f} {y:.0f}"
        pen = "L"
    floor = 14 + 62 * (1 - (0 - low) / reach)
    drawn = Markup('<path class="axis" d="M0 {}H680"/>').format(round(floor))
    if mark is not None:
        drawn += Markup('<path class="limit" d="M0 {:.0f}H680"/>').format(14 + 62 * (1 - (mark - low) / reach))
    drawn += Markup('<path class="line" d="{}"/>').format(line)
    drawn += Markup("").join(_point(x, y, window) for x, y, window in points)
    told = "; ".join(f"{w.partition}: {words.figure(w.value)}, {words.label(w.verdict)}" for w in windows)
    return _SVG.format("spark", 680, 90, "", f"The last {words.count_of(len(windows), 'window')}", told, drawn)


def _point(x: float, y: float, window: Window) -> Markup:
    """Draw a point: a disc for a pass, a diamond for a failure or a warning, a ring where nothing was judged."""
    css = {"pass": "pass", "warn": "warn", "fail": "fail"}.get(window.verdict, "none")
    said = f"{window.partition}: {words.figure(window.value)}, {words.label(window.verdict)}"
    if css in ("warn", "fail"):
        form = Markup('<path d="M{:.0f} {:.0f}l8 8-8 8-8-8z"/>').format(x, y - 8)
    else:
        form = Markup('<circle cx="{:.0f}" cy="{:.0f}" r="{}"/>').format(x, y, 4.5 if css == "pass" else 4)
    return Markup('<g class="p {}"><title>{}</title>{}</g>').format(css, said, form)


def interval(value: float, low: float, high: float, mark: float | None, what: str) -> Markup:
    """Draw a figure with its interval, and a mark to hold it against.

    :param value: the figure.
    :param low: where the interval begins.
    :param high: where it ends.
    :param mark: what it is compared with: no gain, the expected value.
    :param what: it all in words.
    """
    ends = [value, low, high, *([] if mark is None else [mark])]
    left, right = min(ends), max(ends)
    width = right - left or 1.0

    def at(point: float) -> float:
        return round(40 + 600 * (point - left) / width, 1)

    drawn = Markup('<path class="axis" d="M0 30H680"/>')
    if mark is not None:
        drawn += Markup('<path class="mark" d="M{0} 6V54"/>').format(at(mark))
    drawn += Markup('<path class="span" d="M{} 30H{}"/><circle class="dot" cx="{}" cy="30" r="8"/>').format(
        at(low), at(high), at(value)
    )
    return _SVG.format("interval", 680, 60, "", what, "The bar is the interval, the point the figure.", drawn)
