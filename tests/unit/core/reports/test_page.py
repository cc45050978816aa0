"""A page says the verdict first, shows whatever a report holds, and lets nothing of it run or load."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.reports import render_markdown, render_notice, render_page
from airflow_mlops.core.reports.templates import load_css

EVIL = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>&amp;"
MOST_BYTES = 300_000
VOID = {"meta", "br", "img", "path", "circle"}


class Outline(HTMLParser):
    """The elements of a page, checked to be closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data + " "

    def all(self, tag: str) -> Iterator[dict[str, str | None]]:
        return (attrs for name, attrs in self.found if name == tag)


def shape(kind: str = "number", bins: int = 24) -> dict[str, Any]:
    sides = {"reference": [1 / bins] * bins, "current": [0.5, *([0.5 / (bins - 1)] * (bins - 1))]}
    if kind == "category":
        return {"kind": kind, "names": [f"name {i}" for i in range(bins)], **sides}
    return {"kind": kind, "lo": 0.0, "hi": 20_000.0, **sides}


def drifted(name: str, kind: str = "number", severity: Any = "error", **observed: Any) -> Check:
    looks = {"missing": 0.1, "mean": 9.9, "median": 9.0, "std": 1.5, "min": 1.0, "max": 20_000.0}
    seen = {
        "method": "wasserstein_normed",
        "effect": 0.42,
        "p_value": 1e-12,
        "p_adjusted": 1e-9,
        "n_reference": 2067,
        "n_current": 719,
        "reference": looks,
        "current": {**looks, "mean": 12.4},
        "signals": {"wasserstein_normed": {"effect": 0.42, "p_value": 1e-12, "p_adjusted": 1e-9}},
        "distribution": shape(kind, 10 if kind == "category" else 24),
        **observed,
    }
    return Check("drift", "fail", severity, seen, {"wasserstein_normed": "< 0.1"}, name, "mean 9.9 -> 12.4")


def stored(report: Report) -> Report:
    return Report.from_dict(json.loads(report.to_json()))


def page_of(*checks: Check, kind: str = "drift", **kwargs: Any) -> Outline:
    return Outline(render_page(stored(Report.from_checks(kind, "the subject", checks, **kwargs))))


def test_the_verdict_stands_first_in_words_and_in_the_store_s_own_word() -> None:
    outline = page_of(drifted("price"), Check("drift", "pass", where="plan"))
    words = re.sub(r"\s+", " ", outline.text)
    assert words.index("Drift ") < words.index("the subject") < words.index("Drifted columns")
    assert "1 of 2 columns has drifted: price." in words
    assert "fail · 1 failed, 1 passed" in words


@pytest.mark.parametrize(
    ("kind", "decision", "checks", "said"),
    [
        ("validation", None, [Check("min", "fail")], "Contract violated"),
        ("validation", None, [Check("min", "fail", "warn"), Check("max", "pass")], "Satisfied, with warnings"),
        ("drift", None, [Check("drift", "pass", where="a")], "No drift"),
        ("drift", None, [Check("drift", "inconclusive", where="a")], "Inconclusive"),
        ("prediction_drift", None, [Check("drift", "fail", where="score")], "Drift"),
        ("skew", None, [Check("drift", "fail", where="x")], "Skew"),
        ("concept_drift", None, [Check("errors", "fail")], "Relation changed"),
        ("performance", None, [Check("auc", "fail")], "Worse than expected"),
        ("gate", "promote", [Check("gain", "pass")], "Promote"),
        ("gate", "hold", [Check("gain", "pass")], "Hold for approval"),
        ("gate", "blocked", [Check("gain", "fail")], "Blocked"),
        ("something new", None, [Check("x", "pass")], "Passed"),
    ],
)
def test_each_kind_has_its_own_words(kind: str, decision: str | None, checks: list[Check], said: str) -> None:
    report = Report.from_checks(kind, "s", checks, decision=decision)
    assert f"<h1>{said}</h1>" in render_page(report)
    assert said in render_markdown(report)


def test_errors_stand_before_warnings_and_the_largest_effect_before_the_others() -> None:
    largest = [{"column": c, "effect": 1.0} for c in ("w", "large", "small")]
    checks = [drifted("w", severity="warn"), drifted("small"), drifted("large"), drifted("note", severity="info")]
    page = render_page(Report.from_checks("drift", "s", checks, facts={"largest_effects": largest}))
    places = [page.index(f"<h3>{name}<") for name in ("large", "small", "w", "note")]
    assert places == sorted(places)


def test_nothing_of_a_report_becomes_markup() -> None:
    check = drifted(EVIL, "category", distribution={**shape("category", 2), "names": [EVIL, EVIL]}, method=EVIL)
    observed = {"count": 1, "fraction": 0.5, "examples": [{EVIL: EVIL, "id": EVIL}], EVIL: EVIL, "signals": {EVIL: {}}}
    others = [
        Check(EVIL, status, severity, observed, {EVIL: EVIL}, EVIL, EVIL)  # type: ignore[arg-type]
        for status in ("fail", "inconclusive", "pass")
        for severity in ("error", "warn", EVIL)
    ]
    facts = {
        EVIL: EVIL,
        "metric": EVIL,
        "windows": [{"partition": EVIL, "value": 1.0, "verdict": EVIL}] * 2,
        "gain": {"value": 1.0, "low": 0.5, "high": 2.0},
        "values": {"champion": {EVIL: EVIL}, "challenger": {EVIL: 1.0}},
        "roles": {"champion": {"metrics": {EVIL: EVIL}, EVIL: EVIL}},
        "largest_effects": [{"column": EVIL}],
    }
    for kind in ("drift", "validation", "gate", EVIL):
        report = replace(
            Report.from_checks(kind, EVIL, [check, *others], decision=EVIL, facts=facts), id=EVIL, created_at=EVIL
        )
        outline = Outline(render_page(report))
        tags = {tag for tag, _ in outline.found}
        assert not tags & {"script", "img", "iframe", "object", "link", "a", "form"}
        assert not any(name.startswith("on") for _, attrs in outline.found for name in attrs)
        assert "<script>alert(1)</script>" in outline.text  # it is there to be read
        assert "<script" not in render_markdown(report).replace("\\<script", "")
    assert "script" not in {tag for tag, _ in Outline(render_notice(EVIL, EVIL)).found}


def test_the_page_loads_nothing_and_forbids_itself_to() -> None:
    page = render_page(Report.from_checks("drift", "s", [drifted("price"), drifted("plan", "category")]))
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in page
    assert not re.search(r"(src|href)\s*=|url\(|@import|https?:", page)


def test_a_distribution_is_drawn_with_a_title_and_a_description() -> None:
    outline = page_of(drifted("price"))
    (picture,) = [attrs for attrs in outline.all("svg") if attrs.get("role") == "img"]
    assert picture["class"] == "hist"
    assert "price: reference and current" in outline.text
    assert "24 equal bins from 0 to 20,000" in outline.text


def test_dates_are_written_as_dates() -> None:
    looks = {"mean": 15_000.0, "std": 30.0}
    outline = page_of(drifted("day", "date", reference=looks, current=looks))
    assert "1970-01-01" in outline.text
    assert "2024-10-04" in outline.text
    assert "2011-01-26" in outline.text
    assert "30 days" in outline.text


def test_categories_are_paired_bars_with_their_numbers_beside_them() -> None:
    outline = page_of(drifted("plan", "category"))
    assert len([a for a in outline.all("svg") if a.get("class") == "bars"]) == 10
    assert "name 0 10.0 % 50.0 %" in re.sub(r"\s+", " ", outline.text)


@pytest.mark.parametrize(
    "bad",
    [
        None, [], "x", {}, {"kind": "number"}, {**shape(), "lo": "nan"}, {**shape(), "hi": None},
        {**shape(), "reference": []}, {**shape(), "current": [0.5]}, {**shape(), "current": ["a"] * 24},
        {**shape(), "current": [-1.0] * 24}, {**shape(), "current": [7.0] * 24},
        {**shape(), "current": [float("inf")] * 24},
        {**shape(), "reference": [0.0] * 24, "current": [0.0] * 24}, {**shape("category"), "names": ["one"]},
        {**shape(), "reference": [0.1] * 5000, "current": [0.1] * 5000},
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_not_and_the_rest_is_told(bad: Any) -> None:
    outline = Outline(render_page(Report.from_checks("drift", "s", [drifted("price", distribution=bad)])))
    assert not [a for a in outline.all("svg") if a.get("class") in ("hist", "bars")]
    assert "0.42" in outline.text


def test_examples_are_a_table_with_the_key_first_and_the_broken_column_last() -> None:
    observed = {"count": 3, "fraction": 0.003, "examples": [{"amount": -17.5, "customer": 990}]}
    page = render_page(
        stored(Report.from_checks("validation", "s", [Check("min", "fail", "error", observed, 0, "amount", "low")]))
    )
    assert '<th scope="col">customer</th><th scope="col">amount</th>' in page
    assert "<td>990</td><td>−17.5</td>" in page
    assert "0.30 %" in page


def test_a_gate_sets_champion_and_challenger_side_by_side() -> None:
    facts = {
        "metric": "roc_auc",
        "values": {"champion": {"roc_auc": 0.81}, "challenger": {"roc_auc": 0.835}},
        "gain": {"value": 0.025, "low": 0.01, "high": 0.04},
    }
    text = re.sub(
        r"\s+", " ", page_of(Check("minimum gain", "pass"), kind="gate", decision="promote", facts=facts).text
    )
    assert "roc_auc 0.81 0.835 +0.025" in text
    assert "Gain in roc_auc +0.025, between +0.01 and +0.04; the line marks no gain" in text


def test_an_evaluation_tells_what_each_model_costs() -> None:
    roles = {
        "challenger": {"version": 4, "bytes": 1_200_000, "metrics": {"auc": 0.83}},
        "champion": {"version": 3, "bytes": 34_000, "metrics": {"auc": 0.81}},
    }
    text = re.sub(r"\s+", " ", page_of(Check("auc", "pass", "info"), kind="evaluation", facts={"roles": roles}).text)
    assert "auc 0.81 0.83 +0.02" in text
    assert "Bytes 34.0 kB 1.2 MB" in text


def test_the_last_windows_say_their_verdicts_by_form_too() -> None:
    windows = [
        {"partition": "2026-03-30", "value": 0.02, "verdict": "pass"},
        {"partition": "2026-04-06", "value": None, "verdict": "inconclusive"},
        {"partition": "2026-04-13", "value": 0.4, "verdict": "fail"},
    ]
    page = render_page(Report.from_checks("drift", "s", [drifted("price")], facts={"windows": windows}))
    assert re.search(r'class="p pass"><title>2026-03-30: 0.02, pass</title><circle', page)
    assert re.search(r'class="p none"><title>2026-04-06: –, inconclusive</title><circle', page)
    assert re.search(r'class="p fail"><title>2026-04-13: 0.4, fail</title><path', page)


def test_passed_checks_are_folded_away_and_failed_ones_are_not() -> None:
    outline = page_of(drifted("price"), *[Check("drift", "pass", where=f"c{i}") for i in range(3)])
    assert "open" not in next(outline.all("details"))
    assert "open" in next(page_of(Check("drift", "pass", where="c")).all("details"))


@pytest.mark.parametrize("kind", ["number", "category"])
def test_two_hundred_drifted_columns_fit_and_each_is_named(kind: str) -> None:
    page = render_page(
        stored(Report.from_checks("drift", "wide", [drifted(f"column_{i:03d}", kind) for i in range(200)]))
    )
    assert len(page.encode()) <= MOST_BYTES
    assert all(f"column_{i:03d}" in page for i in range(200))


@pytest.mark.parametrize("text", ['"' * 400, "𝔘" * 400, "<" * 400])
def test_the_largest_report_fits_and_says_how_much_finds_no_room(text: str) -> None:
    observed = {f"k{i}{text}": {"a": text} for i in range(50)} | {
        "examples": [{f"{i}{text}": text for i in range(50)}] * 5
    }
    checks = [Check(text, "fail", "error", observed, text, text, text) for _ in range(500)]
    facts: dict[str, Any] = {f"{i}{text}": text for i in range(46)}
    facts["windows"] = [{"partition": text, "value": 1.0, "verdict": "fail"}] * 50
    facts["values"] = {role: {f"{i}{text}": text for i in range(50)} for role in ("champion", "challenger")}
    page = render_page(stored(Report.from_checks("validation", text, checks, facts=facts)))
    assert len(page.encode()) <= MOST_BYTES
    assert "more checks do not fit on this page" in page


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)
known = st.sampled_from(
    [
        "distribution",
        "examples",
        "reference",
        "current",
        "signals",
        "method",
        "effect",
        "p_adjusted",
        "fraction",
        "count",
    ]
)
told = st.sampled_from(["windows", "values", "gain", "roles", "metric", "expected", "value", "low", "high", "rows"])


@settings(max_examples=150, deadline=None)
@given(anything | st.dictionaries(known, anything), anything, st.dictionaries(told, anything), st.text(max_size=20))
def test_whatever_a_report_holds_gives_a_whole_page_and_a_text(seen: Any, asked: Any, facts: Any, said: str) -> None:
    for kind in ("drift", "validation", "gate", "evaluation", "performance"):
        checks = [Check(said, status, "error", seen, asked, said, said) for status in ("fail", "inconclusive", "pass")]  # type: ignore[arg-type]
        report = Report.from_checks(kind, said, checks, facts=facts)
        made = [render_page(r) for r in (report, stored(report))] if json_ready(report) else [render_page(report)]
        for page in made:
            Outline(page)
            assert page.encode()
        assert render_markdown(report).encode()


def json_ready(report: Report) -> bool:
    try:
        report.to_json().encode()
    except UnicodeEncodeError:  # half a surrogate pair: JSON takes it, UTF-8 does not
        return False
    return True


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    digits = colour.lstrip("#")
    digits = "".join(d * 2 for d in digits) if len(digits) == 3 else digits
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_the_contrast_that_wcag_aa_asks_for(scheme: str) -> None:
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#\w+);", block))
        for block in re.findall(r":root \{(.*?)\}", load_css(), re.S)[:2]
    )
    colours = light if scheme == "light" else {**light, **dark}
    for name in ("ink", "soft", "pass", "warn", "fail", "none"):
        assert contrast(colours[name], colours["paper"]) >= 4.5, name
    for name in ("pass", "warn", "fail", "none"):
        assert contrast(colours[name], colours[f"{name}-wash"]) >= 4.5, name
    assert contrast(colours["current"], colours["paper"]) >= 3  # a line, not text
    assert contrast(colours["current"], colours["ghost"]) >= 2
