"""Charts of a report page: inline SVG that scales with the page, with title and description for screen readers.

Colours come from the page's CSS classes, so one chart serves light, dark and print. Labels are part of the page, since
text inside the SVG would be stretched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from airflow_mlops.core.reports import formatting

_MAX_BINS = 50
_MAX_FRACTION = 1.001  # stored fractions are rounded
_MAX_NAMES = 12
MAX_STRATA = 20
_MAX_WINDOWS = 24
_MAX_NAME_LENGTH = 40
_SVG = Markup('<svg class="{}" viewBox="0 0 {} {}"{} role="img"><title>{}</title><desc>{}</desc>{}</svg>')
_STRETCHED = Markup(' preserveAspectRatio="none"')


@dataclass(frozen=True, slots=True)
class DistributionShape:
    """The reference and current distributions of a column over the same bins or categories.

    :param reference: fractions of all values.
    :param current: the same of the current data.
    :param names: the categories or strata; empty for numbers and dates.
    :param lo: the formatted start of the first bin.
    :param hi: the formatted end of the last bin.
    :param what: the heading of the names.
    """

    reference: tuple[float, ...]
    current: tuple[float, ...]
    names: tuple[str, ...] = ()
    lo: str = ""
    hi: str = ""
    what: str = "Category"

    @classmethod
    def from_strata(cls, data: Any, column: str | None) -> DistributionShape | None:
        """Read the label rate of each stratum; return None when labels are not fractions."""
        rows = [row for row in data if isinstance(row, Mapping)] if isinstance(data, (list, tuple)) else []
        rows = rows[:MAX_STRATA]
        before, now = (_fractions([row.get(f"label_{side}") for row in rows]) for side in ("reference", "current"))
        if not before or not now or not (any(before) or any(now)):
            return None
        names = tuple(formatting.format_text(row.get("stratum"), _MAX_NAME_LENGTH) for row in rows)
        return cls(
            before, now, names, what="Score" if column is None else formatting.format_text(column, _MAX_NAME_LENGTH)
        )

    @classmethod
    def from_observed(cls, data: Any) -> DistributionShape | None:
        """Read the distributions of a drift check; return None when nothing can be drawn."""
        if not isinstance(data, Mapping):
            return None
        sides = [_fractions(data.get(side)) for side in ("reference", "current")]
        if not sides[0] or len(sides[0]) != len(sides[1]) or not (any(sides[0]) or any(sides[1])):
            return None
        if data.get("kind") == "category":
            names = data.get("names")
            if not isinstance(names, (list, tuple)) or len(names) != len(sides[0]):
                return None
            labels = tuple(formatting.format_text(n, formatting.MAX_LABEL_LENGTH) for n in names[:_MAX_NAMES])
            return cls(sides[0][:_MAX_NAMES], sides[1][:_MAX_NAMES], labels)
        if formatting.finite_number(data.get("lo")) is None or formatting.finite_number(data.get("hi")) is None:
            return None
        format_edge = formatting.format_date if data.get("kind") == "date" else formatting.format_rounded
        return cls(sides[0], sides[1], (), format_edge(data["lo"]), format_edge(data["hi"]))

    @property
    def rows(self) -> list[tuple[str, Markup, str, str]]:
        """For categories: name, a pair of bars, and both formatted fractions."""
        highest = max(*self.reference, *self.current)
        return [
            (
                name,
                _pair_of_bars(before / highest, now / highest),
                formatting.format_percent(before),
                formatting.format_percent(now),
            )
            for name, before, now in zip(self.names, self.reference, self.current, strict=True)
        ]


def _fractions(data: Any) -> tuple[float, ...]:
    """Read fractions; empty when a value is not a fraction."""
    if not isinstance(data, (list, tuple)) or len(data) > _MAX_BINS:
        return ()
    fractions = [
        value for value in map(formatting.finite_number, data) if value is not None and 0 <= value <= _MAX_FRACTION
    ]
    return tuple(fractions) if len(fractions) == len(data) else ()


def draw_histogram(shape: DistributionShape, what: str, css: str = "hist") -> Markup:
    """Draw the current distribution as a line over the reference as a filled area.

    :param what: the column.
    :param css: the class, which sets the size.
    """
    highest, bins = max(*shape.reference, *shape.current), len(shape.reference)
    before, now = (
        [round(98 * (1 - value / highest)) + 2 for value in side] for side in (shape.reference, shape.current)
    )
    paths = Markup('<path class="r" d="M0 100{}V100Z"/><path class="c" d="M0 {}{}"/>').format(
        _step_path(before), now[0], _step_path(now)
    )
    if css != "hist":  # the text next to a thumbnail describes it
        return Markup('<svg class="{}" viewBox="0 0 {} 102"{} aria-hidden="true">{}</svg>').format(
            css, 10 * bins, _STRETCHED, paths
        )
    description = f"Fractions of values in {bins} equal bins from {shape.lo} to {shape.hi}; {_describe_shift(shape)}"
    return _SVG.format(css, 10 * bins, 102, _STRETCHED, f"{what}: reference and current", description, paths)


def _step_path(heights: Sequence[int]) -> str:
    """Return the path of a staircase with steps ten wide; equal steps are merged."""
    path, last = "", None
    for i, height in enumerate(heights):
        if height != last:
            path += (f"H{10 * i}" if i else "") + f"V{height}"
        last = height
    return path + f"H{10 * len(heights)}"


def _describe_shift(shape: DistributionShape) -> str:
    """Describe the mean position of both distributions, as a percentage of the range."""
    means = []
    for side in (shape.reference, shape.current):
        total = sum(side)
        means.append(sum((i + 0.5) * value for i, value in enumerate(side)) / total / len(side) if total else 0.0)
    return f"the mean lies at {means[0]:.0%} of the range in the reference and at {means[1]:.0%} now."


def _pair_of_bars(before: float, now: float) -> Markup:
    """Draw the two bars of a category; the numbers are in the table."""
    return Markup(
        '<svg class="bars" viewBox="0 0 100 14"{} aria-hidden="true">'
        '<path class="r" d="M0 0h{}v6h-{}z"/><path class="c" d="M0 8h{}v6h-{}z"/></svg>'
    ).format(_STRETCHED, *[round(100 * size, 1) for size in (before, before, now, now)])


def draw_fraction(fraction: float) -> Markup:
    """Draw a fraction as a bar; a positive fraction is always visible."""
    width = round(100 * min(1.0, max(fraction, 0.004 if fraction > 0 else 0.0)), 1)
    return Markup(
        '<svg class="share" viewBox="0 0 100 4"{} aria-hidden="true"><path class="r" d="M0 0h100v4H0z"/>'
        '<path class="b" d="M0 0h{}v4H0z"/></svg>'
    ).format(_STRETCHED, width)


@dataclass(frozen=True, slots=True)
class WindowPoint:
    """A monitoring window of the sparkline.

    :param partition: its name.
    :param value: the value behind its verdict, if any.
    :param verdict: ``pass``, ``warn``, ``fail`` or ``inconclusive``.
    """

    partition: str
    value: float | None
    verdict: str

    @property
    def caption(self) -> str:
        """The partition and its value, for the end of the line."""
        return self.partition if self.value is None else f"{self.partition} · {formatting.format_rounded(self.value)}"

    @classmethod
    def read_all(cls, data: Any) -> list[WindowPoint]:
        """Read a report's ``windows``, oldest first; invalid entries are skipped."""
        entries = data if isinstance(data, (list, tuple)) else ()
        windows = [w for w in entries if isinstance(w, Mapping)]
        return [
            cls(
                formatting.format_text(w.get("partition"), _MAX_NAME_LENGTH),
                formatting.finite_number(w.get("value")),
                str(w.get("verdict"))[:_MAX_NAME_LENGTH],
            )
            for w in windows[-_MAX_WINDOWS:]
        ]


def draw_sparkline(windows: Sequence[WindowPoint], mark: float | None = None) -> Markup:
    """Draw the values of the last windows; the shape of a point, not only its colour, shows its verdict.

    :param mark: the threshold from which a window fails, drawn as a dashed line.
    """
    values = [w.value for w in windows if w.value is not None] + ([] if mark is None else [mark])
    low, high = min([0.0, *values]), max([0.0, *values])
    value_range = high - low or 1.0
    step = 640 / max(1, len(windows) - 1) if len(windows) > 1 else 0
    points = [
        (20 + step * i, 14 + 62 * (1 - ((w.value or 0.0) - low) / value_range), w) for i, w in enumerate(windows)
    ]  # 680 wide, 90 high
    line, pen = "", "M"
    for x, y, window in points:
        if window.value is None:
            pen = "M"
            continue
        line += f"{pen}{x:.0f} {y:.0f}"
        pen = "L"
    baseline_y = 14 + 62 * (1 - (0 - low) / value_range)
    svg = Markup('<path class="axis" d="M0 {}H680"/>').format(round(baseline_y))
    if mark is not None:
        svg += Markup('<path class="limit" d="M0 {:.0f}H680"/>').format(14 + 62 * (1 - (mark - low) / value_range))
    svg += Markup('<path class="line" d="{}"/>').format(line)
    svg += Markup("").join(_draw_point(x, y, window) for x, y, window in points)
    description = "; ".join(
        f"{w.partition}: {formatting.format_value(w.value)}, {formatting.format_label(w.verdict)}" for w in windows
    )
    return _SVG.format(
        "spark", 680, 90, "", f"The last {formatting.format_count(len(windows), 'window')}", description, svg
    )


def _draw_point(x: float, y: float, window: WindowPoint) -> Markup:
    """Draw a point: a disc for a pass, a diamond for a failure or a warning, a ring for an inconclusive window."""
    css = {"pass": "pass", "warn": "warn", "fail": "fail"}.get(window.verdict, "none")
    label = f"{window.partition}: {formatting.format_value(window.value)}, {formatting.format_label(window.verdict)}"
    if css in ("warn", "fail"):
        point = Markup('<path d="M{:.0f} {:.0f}l8 8-8 8-8-8z"/>').format(x, y - 8)
    else:
        point = Markup('<circle cx="{:.0f}" cy="{:.0f}" r="{}"/>').format(x, y, 4.5 if css == "pass" else 4)
    return Markup('<g class="p {}"><title>{}</title>{}</g>').format(css, label, point)


def draw_interval(value: float, low: float, high: float, reference: float | None, description: str) -> Markup:
    """Draw a value with its interval and a reference mark.

    :param value: the value.
    :param low: the lower end of the interval.
    :param high: the upper end.
    :param reference: the reference: no gain, or the expected value.
    :param description: the description.
    """
    ends = [value, low, high, *([] if reference is None else [reference])]
    left, right = min(ends), max(ends)
    width = right - left or 1.0

    def position(point: float) -> float:
        return round(40 + 600 * (point - left) / width, 1)

    svg = Markup('<path class="axis" d="M0 30H680"/>')
    if reference is not None:
        svg += Markup('<path class="mark" d="M{0} 6V54"/>').format(position(reference))
    svg += Markup('<path class="span" d="M{} 30H{}"/><circle class="dot" cx="{}" cy="30" r="8"/>').format(
        position(low), position(high), position(value)
    )
    return _SVG.format("interval", 680, 60, "", description, "The bar is the interval, the point the value.", svg)
