"""Charts of document blocks: inline SVG, with the content also as text."""

from __future__ import annotations

from markupsafe import Markup

from airflow_mlops.core.reports import formatting
from airflow_mlops.core.reports.documents.blocks import BarsBlock, CurveBlock

_SIDE = 300
_MARGIN = 10


def draw_bars(block: BarsBlock) -> list[tuple[str, Markup, str]]:
    """Draw each row's value and interval on one scale: name, chart, and the value as text."""
    ends = [0.0, *(end for row in block.rows for end in row[1:])]
    low, value_range = min(ends), (max(ends) - min(ends)) or 1.0

    def position(value: float) -> float:
        return round(100 * (value - low) / value_range, 1)

    return [
        (
            name,
            _draw_bar(position(0.0), position(value), position(row_low), position(row_high)),
            format_with_interval(value, row_low, row_high),
        )
        for name, value, row_low, row_high in block.rows
    ]


def format_with_interval(value: float, low: float, high: float) -> str:
    """Format a value with its interval."""
    return formatting.format_rounded(value) + formatting.format_interval(low, high)


def _draw_bar(zero: float, value: float, low: float, high: float) -> Markup:
    left, width = min(zero, value), abs(value - zero)
    return Markup(
        '<svg class="whisker" viewBox="0 0 100 14" preserveAspectRatio="none" aria-hidden="true">'
        '<path class="b" d="M{} 3h{:.1f}v8h-{:.1f}z"/>'
        '<path class="w" d="M{} 7H{}"/><path class="z" d="M{} 0V14"/></svg>'
    ).format(left, width, width, low, high, zero)


def draw_curve(block: CurveBlock) -> Markup:
    """Draw points and the diagonal: the first series filled, the second as rings; size shows the number of rows."""
    svg = Markup('<path class="axis" d="M0 0V{0}H{0}"/><path class="limit" d="M0 {0}L{0} 0"/>').format(_SIDE)
    for css, (name, points) in reversed(list(zip(("one", "two"), block.series, strict=False))):
        max_rows = max((rows for *_, rows in points), default=1) or 1
        positions = [(round(_SIDE * x, 1), round(_SIDE * (1 - y), 1), x, y, rows) for x, y, rows in points]
        line = "L".join(f"{x} {y}" for x, y, *_ in positions)
        dots = Markup("").join(
            Markup('<circle cx="{}" cy="{}" r="{:.1f}"><title>{}</title></circle>').format(
                x, y, 3 + 3 * (rows / max_rows) ** 0.5, _point_label(name, mean, share, rows)
            )
            for x, y, mean, share, rows in positions
        )
        svg += Markup('<g class="{}"><path d="M{}"/>{}</g>').format(css, line, dots)
    description = (
        f"{formatting.format_heading(block.axes[1])} against {block.axes[0]}; on the dashed line they are equal."
    )
    names = " and ".join(name for name, _ in block.series)
    return Markup(
        '<svg class="curve" viewBox="-{0} -{0} {1} {1}" role="img"><title>{2}</title><desc>{3}</desc>{4}</svg>'
    ).format(_MARGIN, _SIDE + 2 * _MARGIN, names, description, svg)


def _point_label(name: str, mean: float, share: float, rows: int) -> str:
    predicted, observed = formatting.format_percent(mean), formatting.format_percent(share)
    return f"{name}: {predicted} predicted, {observed} observed, {formatting.format_count(rows, 'row')}"
