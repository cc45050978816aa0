"""A report as one HTML page that needs nothing but itself: no script, no font, no picture from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from markupsafe import Markup

from airflow_mlops.core.pages import charts, facts, verdicts, words
from airflow_mlops.core.pages.cards import Card, Table
from airflow_mlops.core.pages.order import ordered
from airflow_mlops.core.pages.templates import css, macros
from airflow_mlops.core.report import Report

CARDS_BYTES = 150_000
LINES_BYTES = 200_000
TABLES_BYTES = 40_000
OF_THRESHOLDS = (
    "Each point is the largest effect of its window, in units of what is allowed: from the dashed line on it is drift. "
)
FAILED_TITLES = {
    "drift": "What has drifted",
    "concept": "What has changed",
    "skew": "What differs",
    "validation": "What is broken",
    "gate": "What stood in the way",
}
Write = Callable[[Card], str]


@dataclass(frozen=True, slots=True)
class Page:
    """What the template writes; every text of it is escaped there."""

    id: str
    css: Markup
    head: verdicts.Headline
    subject: str
    made: str
    tally: str
    figures: list[tuple[str, str]]
    estimate: facts.Estimate | None
    comparison: Table | None
    windows: list[charts.Window]
    sparkline: Markup
    scale: str
    tables: Markup
    failed_title: str
    failed_count: int
    failed: Markup
    failed_lines: Markup
    legend: bool
    unjudged: Markup
    unjudged_count: int
    passed: Markup
    passed_count: int
    open: bool
    left_out: str


class Room:
    """Bytes that are left for checks; what does not fit is not written, and counted.

    :param cards: for checks that are shown in full.
    :param lines: for checks that are shown on a line, counted with those.
    """

    def __init__(self, cards: int = CARDS_BYTES, lines: int = LINES_BYTES) -> None:
        self.limits = {"table": TABLES_BYTES, "card": cards, "line": lines}
        self.used = 0
        self.refused = 0

    def take(self, kind: str, html: str) -> bool:
        """Say whether it fits, and if so keep the room for it."""
        size = len(html.encode())
        if self.used + size > self.limits[kind]:
            return False
        self.used += size
        return True

    def lines(self, cards: Iterable[Card], write: Write) -> Markup:
        """Write lines as long as there is room."""
        written = []
        for card in cards:
            html = write(card)
            if self.take("line", html):
                written.append(html)
            else:
                self.refused += 1
        return Markup("".join(written))  # noqa: S704 - the template has escaped each

    def cards(self, cards: Iterable[Card], write: Write) -> tuple[Markup, list[Card]]:
        """Write cards as long as there is room, and give back the others."""
        written: list[str] = []
        others: list[Card] = []
        for card in cards:
            html = "" if others else write(card)
            if html and self.take("card", html):
                written.append(html)
            else:
                others.append(card)
        return Markup("".join(written)), others  # noqa: S704 - the template has escaped each


def render(report: Report) -> str:
    """Write a report as an HTML page.

    :param report: as it was made, or as it came out of the store.
    :return: the page, at most 300 kB: what failed comes first, and what finds no room is counted.
    """
    write, room = macros(), Room()
    about = str(report.subject)
    tables = [write.titled(told) for told in facts.tables(report)]
    tables = [html for html in tables if room.take("table", html)]
    failed = [Card.of(c, about) for c in ordered(report)]
    shown, others = room.cards(failed, write.card)
    failed_lines = room.lines(others, write.tagged_line)
    unjudged = [Card.of(c, about) for c in report.checks if c.status == "not_judged"]
    unjudged_lines = room.lines(unjudged, write.line)
    passed = [Card.of(c, about) for c in report.checks if c.status == "pass"]
    seen = facts.windows(report)
    drift = verdicts.family(report.kind) == "drift"
    page = Page(
        id=words.text(report.id),
        css=css(),
        head=verdicts.headline(report),
        subject=words.text(report.subject),
        made=words.moment(report.created_at),
        tally=verdicts.tally(report),
        figures=facts.plain(report),
        estimate=facts.estimate(report),
        comparison=facts.comparison(report),
        windows=seen,
        sparkline=charts.sparkline(seen, 1.0 if drift else None),
        scale=OF_THRESHOLDS if drift else "",
        tables=Markup("").join(tables),
        failed_title=FAILED_TITLES.get(verdicts.family(report.kind), "What failed"),
        failed_count=len(failed),
        failed=shown,
        failed_lines=failed_lines,
        legend=any(card.shape for card in failed),
        unjudged=unjudged_lines,
        unjudged_count=len(unjudged),
        passed=room.lines(passed, write.line),
        passed_count=len(passed),
        open=not failed and not unjudged and len(passed) <= 12,
        left_out=_left_out(room.refused, report.checks_left_out),
    )
    return str(write.page(page))


def notice(said: str, lead: str) -> str:
    """Write a page that says one thing: that there is no such report, for one.

    :param said: it in a few words.
    :param lead: what to do.
    """
    return str(macros().notice(words.text(said), words.text(lead), css()))


def _left_out(refused: int, lost: int) -> str:
    """Say how many checks are not on the page, because it has no room, or because the report was cut when kept."""
    finds = "finds" if refused == 1 else "find"
    told = []
    if refused:
        told.append(f"{words.count_of(refused, 'more check')} {finds} no room here; the report's JSON has them.")
    if lost:
        told.append(f"{words.count_of(lost, 'more check')} counted for the verdict and could not be kept.")
    return " ".join(told)
