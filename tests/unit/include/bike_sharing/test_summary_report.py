"""The story tells what came back with the season from what has grown."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
import pytest

from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.data.profiles import profile
from airflow_mlops.core.drift.data import DriftPolicy, check_drift
from airflow_mlops.core.reports import render_page
from include.bike_sharing.summary_report import build_report, classify_move, drift_months, largest_effect

POLICY = DriftPolicy(numeric_threshold=0.5)


@pytest.mark.parametrize(
    ("summer", "winter", "told"),
    [
        (3.8, 0.7, "season"),
        (1.4, 1.5, "growth"),
        (1.7, 1.4, "growth"),
        (0.1, 0.6, "growth"),
        (0.4, 0.1, "neither"),
        (0.6, 0.47, "season"),
        (None, 1.0, None),
        (1.0, None, None),
    ],
)
def test_what_stayed_has_grown_and_what_came_back_was_the_season(
    summer: float | None, winter: float | None, told: str | None
) -> None:
    assert classify_move(summer, winter, 0.5) == told


def test_what_is_only_told_counts_neither_as_drift_nor_as_the_largest_effect() -> None:
    checks = [Check("drift", "fail", "info", where="season"), Check("drift", "fail", where="temp")]
    largest = [{"column": "season", "relative_effect": 9.0}, {"column": "temp", "relative_effect": 2.0}]
    report = Report.from_checks("drift", "s", checks, facts={"largest_effects": largest})
    assert largest_effect(report) == 2.0
    assert drift_months({"2011-04": report}) == {"temp": ["2011-04"]}
    assert largest_effect(Report.from_checks("drift", "s", checks[:1], facts={"largest_effects": largest[:1]})) is None


def test_one_table_tells_it_before_the_last_month_is_shown_closely() -> None:
    def hours(seed: int, temp: float, riders: float) -> pl.DataFrame:
        rng = np.random.default_rng(seed)
        return pl.DataFrame({"temp": rng.normal(temp, 1, 700), "riders": rng.normal(riders, 1, 700)})

    reference = profile(hours(0, 0, 0))
    summer, winter, last = (
        profile(hours(i, *means), like=reference) for i, means in enumerate([(3, 0.2), (0, 2), (0, 3)], start=1)
    )
    months = {
        name: check_drift(reference, found, POLICY)
        for name, found in {"2011-04": summer, "2011-05": winter, "2011-06": last}.items()
    }
    report = build_report(months, reference, last=last, summer=summer, a_year_later=winter, policy=POLICY)
    (table,) = report.facts["tables"]
    assert [(row[0], *row[3:]) for row in table["rows"]] == [
        ("riders", "growth", "2011-05 to 2011-06"),
        ("temp", "season", "2011-04"),
    ]
    assert [window["partition"] for window in report.facts["windows"]] == list(months)
    page = re.sub(r"<[^>]+>|\s+", " ", render_page(report))
    assert page.index("Recent windows") < page.index("Season or growth?") < page.index("Drifted columns")
