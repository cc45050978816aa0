"""The story tells what came back with the season from what has grown."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
import pytest

from airflow_mlops.core.data import DriftPolicy, check_drift, profile
from airflow_mlops.core.pages import render
from airflow_mlops.core.report import Check, Report
from include.bike_sharing.story import drifted, mostly, strongest, tell

POLICY = DriftPolicy(numeric=0.5)


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
    assert mostly(summer, winter, 0.5) == told


def test_what_is_only_told_counts_neither_as_drift_nor_as_the_largest_effect() -> None:
    checks = [Check("drift", "fail", "info", where="season"), Check("drift", "fail", where="temp")]
    largest = [{"column": "season", "thresholds": 9.0}, {"column": "temp", "thresholds": 2.0}]
    report = Report.of("drift", "s", checks, facts={"largest_effects": largest})
    assert strongest(report) == 2.0
    assert drifted({"2011-04": report}) == {"temp": ["2011-04"]}
    assert strongest(Report.of("drift", "s", checks[:1], facts={"largest_effects": largest[:1]})) is None


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
    report = tell(months, reference, last=last, summer=summer, a_year_later=winter, policy=POLICY)
    (table,) = report.facts["tables"]
    assert [(row[0], *row[3:]) for row in table["rows"]] == [
        ("riders", "growth", "2011-05 to 2011-06"),
        ("temp", "season", "2011-04"),
    ]
    assert [window["partition"] for window in report.facts["windows"]] == list(months)
    page = re.sub(r"<[^>]+>|\s+", " ", render(report))
    assert page.index("The last windows") < page.index("Season or growth?") < page.index("What has drifted")
