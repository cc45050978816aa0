"""The pictures of a document: inline SVG in the classes of the house, each with its content in words beside it."""

from __future__ import annotations

from markupsafe import Markup

from airflow_mlops.core.pages import words
from airflow_mlops.core.pages.documents.blocks import Bars, Curve

SIDE = 300
_ROOM = 10


def bars(block: Bars) -> list[tuple[str, Markup, str]]:
    """Draw each row's figure and its interval, all on one scale: name, picture, and the figure in words."""
    ends = [0.0, *(end for row in block.rows for end in row[1:])]
    low, reach = min(ends), (max(ends) - min(ends)) or 1.0

    def at(value: float) -> float:
        return round(100 * (value - low) / reach, 1)

    return [
        (name, _bar(at(0.0), at(value), at(least), at(most)), spoken(value, least, most))
        for name, value, least, most in block.rows
    ]


def spoken(value: float, low: float, high: float) -> str:
    """Write a figure with its interval."""
    return words.rough(value) + words.between(low, high)


def _bar(zero: float, value: float, low: float, high: float) -> Markup:
    left, wide = min(zero, value), abs(value - zero)
    return Markup(
        '<svg class="whisker" viewBox="0 0 100 14" preserveAspectRatio="none" aria-hidden="true">'
        '<path class="b" d="M{} 3h{:.1f}v8h-{:.1f}z"/>'
        '<path class="w" d="M{} 7H{}"/><path class="z" d="M{} 0V14"/></svg>'
    ).format(left, wide, wide, low, high, zero)


def curve(block: Curve) -> Markup:
    """Draw points against the diagonal: the first series filled, the second as rings; a point's size tells its rows."""
    drawn = Markup('<path class="axis" d="M0 0V{0}H{0}"/><path class="limit" d="M0 {0}L{0} 0"/>').format(SIDE)
    for css, (name, points) in reversed(list(zip(("one", "two"), block.series, strict=False))):
        most = max((rows for *_, rows in points), default=1) or 1
        places = [(round(SIDE * x, 1), round(SIDE * (1 - y), 1), x, y, rows) for x, y, rows in points]
        line = "L".join(f"{x} {y}" for x, y, *_ in places)
        dots = Markup("").join(
            Markup('<circle cx="{}" cy="{}" r="{:.1f}"><title>{}</title></circle>').format(
                x, y, 3 + 3 * (rows / most) ** 0.5, _point(name, mean, share, rows)
            )
            for x, y, mean, share, rows in places
        )
        drawn += Markup('<g class="{}"><path d="M{}"/>{}</g>').format(css, line, dots)
    said = f"{words.heading(block.axes[1])} against {block.axes[0]}; on the dashed line they are equal."
    names = " and ".join(name for name, _ in block.series)
    return Markup(
        '<svg class="curve" viewBox="-{0} -{0} {1} {1}" role="img"><title>{2}</title><desc>{3}</desc>{4}</svg>'
    ).format(_ROOM, SIDE + 2 * _ROOM, names, said, drawn)


def _point(name: str, mean: float, share: float, rows: int) -> str:
    return f"{name}: {words.share(mean)} said, {words.share(share)} came true, {words.count_of(rows, 'row')}"
