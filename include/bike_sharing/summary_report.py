"""Summary report of two years: all months, and the last one in detail.

It is the drift report of the last month, with a window for each month and a table that separates season from growth.
The table shows how far each column had moved by the summer and a year later, and in which months it drifted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

from airflow_mlops.common.policy import load_section
from airflow_mlops.common.refs import ProfileRef
from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.data.profiles import Profile, profile, storage
from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
from airflow_mlops.core.drift.data import DriftPolicy, check_drift
from airflow_mlops.store import catalogue, reports
from airflow_mlops.store.database import Database
from include.bike_sharing.calendar import A_YEAR_LATER, DATASET, LATER, SUMMER, format_month_ranges

SUBJECT = "two years of bike rentals, month by month against the first quarter"
HEAD = ("Column", "Summer 2011", "Winter 2012", "Mostly", "Months with drift")
NOTE = (
    "How far July to September 2011, and January to March 2012, lie from January to March 2011, in standard deviations "
    "of that first quarter. A year later it is winter again: what returned is season, the rest is growth."
)
GROWTH_FRACTION = 0.75
"""Fraction of the summer's move that must remain a year later to count as growth."""


def collect_report(
    database: Database,
    root: SnapshotRoot,
    monthly_reports: Sequence[Mapping[str, Any]],
    reference: Mapping[str, Any],
    policy: str,
) -> Report:
    """Build the summary report from the results of the upstream tasks.

    :param database: the lifecycle store, with the reports and the catalogue.
    :param root: where snapshots and profiles are.
    :param judged: the ``ReportRef`` of each later month, in order.
    :param reference: the ``ProfileRef`` of the first quarter.
    :param policy: the path of the drift policy.
    """
    before = storage.load_profile(root, ProfileRef.from_dict(reference))

    def of(*months: str) -> Profile:
        refs = [catalogue.current(database, DATASET, month) for month in months]
        return reduce(lambda a, b: a.merge(b), [profile(root.open(ref), like=before) for ref in refs])

    return build_report(
        {month: reports.get(database, ref["id"]) for month, ref in zip(LATER, monthly_reports, strict=True)},
        before,
        last=of(LATER[-1]),
        summer=of(*SUMMER),
        a_year_later=of(*A_YEAR_LATER),
        policy=load_section(DriftPolicy, policy, "drift"),
    )


def build_report(
    months: Mapping[str, Report],
    reference: Profile,
    *,
    last: Profile,
    summer: Profile,
    a_year_later: Profile,
    policy: DriftPolicy,
) -> Report:
    """Build the summary report.

    :param months: month -> its drift report, in order; the last is that of ``last``.
    :param reference: the profile of the first quarter.
    :param last: the profile of the last month.
    :param summer: the profile of the summer after it.
    :param a_year_later: the profile of the next year's first quarter.
    :param policy: the drift policy of the months.
    """
    windows = [{"partition": m, "value": largest_effect(r), "verdict": r.verdict} for m, r in months.items()]
    report = check_drift(reference, last, policy, subject=f"{SUBJECT}; in detail: {list(months)[-1]}", windows=windows)
    by_summer, by_winter = (compute_moves(check_drift(reference, side, policy)) for side in (summer, a_year_later))
    when = drift_months(months)
    rows = [
        [
            name,
            by_summer.get(name),
            by_winter.get(name),
            classify_move(by_summer.get(name), by_winter.get(name), policy.numeric_threshold),
            format_month_ranges(when.get(name, ()), list(months)) or "none",
        ]
        for name in sorted({*when, *by_winter}, key=lambda n: (-by_winter.get(n, -1.0), n))
    ]
    table = {"title": "Season or growth?", "head": list(HEAD), "rows": rows, "note": NOTE}
    return replace(report, facts={**report.facts, "tables": [table]})


def classify_move(summer: float | None, winter: float | None, threshold: float) -> str | None:
    """Classify the move of a column: ``season``, ``growth``, or ``neither``; None when its moves were not measured.

    :param summer: how far it had moved by the summer.
    :param winter: how far it had moved a year later.
    :param matters: the minimum relevant move.
    """
    if summer is None or winter is None:
        return None
    if max(summer, winter) < threshold:
        return "neither"
    return "growth" if winter >= max(threshold, GROWTH_FRACTION * summer) else "season"


def largest_effect(report: Report) -> float | None:
    """Return the largest effect of a month in thresholds, without checks of severity ``info``."""
    info_columns = {check.where for check in report.checks if check.severity == "info"}
    return next(
        (e["relative_effect"] for e in report.facts["largest_effects"] if e["column"] not in info_columns), None
    )


def drift_months(months: Mapping[str, Report]) -> dict[str, list[str]]:
    """Return the months in which each column drifted, without checks of severity ``info``."""
    months_by_column: dict[str, list[str]] = {}
    for month, report in months.items():
        for check in report.failed:
            if check.where is not None and check.severity != "info":
                months_by_column.setdefault(check.where, []).append(month)
    return dict(sorted(months_by_column.items(), key=lambda pair: (-len(pair[1]), pair[0])))


def compute_moves(report: Report) -> dict[str, float]:
    """Return the move of each numeric column in standard deviations of the reference."""
    distances = {check.where: _distance(check) for check in report.checks if check.where is not None}
    return {name: round(distance, 2) for name, distance in distances.items() if distance is not None}


def _distance(check: Check) -> float | None:
    signals = (check.observed or {}).get("signals") or {}
    return signals["wasserstein"]["effect"] if "wasserstein" in signals else None
