"""Self-contained HTML page of a report: no scripts, fonts or external images."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from markupsafe import Markup

from airflow_mlops.common.report import Report
from airflow_mlops.core.reports import charts, formatting, headline, summary
from airflow_mlops.core.reports.check_order import sort_failed
from airflow_mlops.core.reports.panels import CheckPanel, ReportTable
from airflow_mlops.core.reports.summary import IntervalEstimate
from airflow_mlops.core.reports.templates import load_css, load_macros

_PANELS_BYTES = 150_000
_ROWS_BYTES = 200_000
_TABLES_BYTES = 40_000
_THRESHOLD_NOTE = (
    "Each point is the largest effect of a window, in multiples of its threshold; above the dashed line it is drift. "
)
_FAILED_TITLES = {
    "drift": "Drifted columns",
    "concept": "Changed relations",
    "skew": "Differences",
    "validation": "Broken rules",
    "gate": "Failed gate checks",
}
_Render = Callable[[CheckPanel], str]


@dataclass(frozen=True, slots=True)
class ReportPage:
    """The template's input; the template escapes all texts."""

    id: str
    css: Markup
    head: headline.Headline
    subject: str
    made: str
    tally: str
    summary: list[tuple[str, str]]
    estimate: IntervalEstimate | None
    comparison: ReportTable | None
    windows: list[charts.WindowPoint]
    sparkline: Markup
    scale: str
    tables: Markup
    failed_title: str
    failed_count: int
    failed: Markup
    failed_lines: Markup
    legend: bool
    inconclusive: Markup
    inconclusive_count: int
    passed: Markup
    passed_count: int
    expand_passed: bool
    omitted_note: str


class ByteBudget:
    """The byte budget of a page; checks that exceed it are omitted and counted.

    :param cards: the budget of checks shown in full.
    :param lines: the budget of checks shown as table rows, those in full included.
    """

    def __init__(self, cards: int = _PANELS_BYTES, lines: int = _ROWS_BYTES) -> None:
        self.limits = {"table": _TABLES_BYTES, "card": cards, "line": lines}
        self.used = 0
        self.omitted = 0

    def take(self, kind: str, html: str) -> bool:
        """Reserve space for a fragment; return whether it fits."""
        size = len(html.encode())
        if self.used + size > self.limits[kind]:
            return False
        self.used += size
        return True

    def lines(self, cards: Iterable[CheckPanel], render_macro: _Render) -> Markup:
        """Render table rows while there is space."""
        written = []
        for card in cards:
            html = render_macro(card)
            if self.take("line", html):
                written.append(html)
            else:
                self.omitted += 1
        return Markup("".join(written))  # noqa: S704 - the template has escaped each

    def cards(self, cards: Iterable[CheckPanel], render_macro: _Render) -> tuple[Markup, list[CheckPanel]]:
        """Render panels while there is space; return the other checks."""
        written: list[str] = []
        others: list[CheckPanel] = []
        for card in cards:
            html = "" if others else render_macro(card)
            if html and self.take("card", html):
                written.append(html)
            else:
                others.append(card)
        return Markup("".join(written)), others  # noqa: S704 - the template has escaped each


def render_page(report: Report) -> str:
    """Render a report as an HTML page.

    :param report: a new report, or one loaded from the store.
    :return: the page, at most 300 kB: failed checks come first, and checks that do not fit are counted.
    """
    templates, budget = load_macros(), ByteBudget()
    subject = str(report.subject)
    tables = [templates.titled_table(table) for table in summary.read_tables(report)]
    tables = [html for html in tables if budget.take("table", html)]
    failed = [CheckPanel.of(c, subject) for c in sort_failed(report)]
    shown, others = budget.cards(failed, templates.panel)
    failed_lines = budget.lines(others, templates.tagged_row)
    inconclusive = [CheckPanel.of(c, subject) for c in report.checks if c.status == "inconclusive"]
    inconclusive_lines = budget.lines(inconclusive, templates.row)
    passed = [CheckPanel.of(c, subject) for c in report.checks if c.status == "pass"]
    recent_windows = summary.read_windows(report)
    drift = headline.kind_family(report.kind) == "drift"
    page = ReportPage(
        id=formatting.format_text(report.id),
        css=load_css(),
        head=headline.build_headline(report),
        subject=formatting.format_text(report.subject),
        made=formatting.format_timestamp(report.created_at),
        tally=headline.format_tally(report),
        summary=summary.list_facts(report),
        estimate=summary.find_estimate(report),
        comparison=summary.comparison_table(report),
        windows=recent_windows,
        sparkline=charts.draw_sparkline(recent_windows, 1.0 if drift else None),
        scale=_THRESHOLD_NOTE if drift else "",
        tables=Markup("").join(tables),
        failed_title=_FAILED_TITLES.get(headline.kind_family(report.kind), "Failed checks"),
        failed_count=len(failed),
        failed=shown,
        failed_lines=failed_lines,
        legend=any(card.shape for card in failed),
        inconclusive=inconclusive_lines,
        inconclusive_count=len(inconclusive),
        passed=budget.lines(passed, templates.row),
        passed_count=len(passed),
        expand_passed=not failed and not inconclusive and len(passed) <= 12,
        omitted_note=_omitted_note(budget.omitted, report.omitted_checks),
    )
    return str(templates.page(page))


def render_notice(title: str, lead: str) -> str:
    """Render a page with a single message, such as for a missing report.

    :param title: the title.
    :param lead: the explanation.
    """
    return str(load_macros().notice(formatting.format_text(title), formatting.format_text(lead), load_css()))


def _omitted_note(count: int, truncated: int) -> str:
    """Describe the checks that did not fit on the page, or were cut from the stored report."""
    pronoun = "does" if count == 1 else "do"
    sentences = []
    if count:
        sentences.append(
            f"{formatting.format_count(count, 'more check')} {pronoun} not fit on this page; see the report's JSON."
        )
    if truncated:
        sentences.append(f"{formatting.format_count(truncated, 'more check')} counted for the verdict but not stored.")
    return " ".join(sentences)
