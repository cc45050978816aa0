"""The story of the two years: one report that shows all months, and the last one closely.

It is the drift report of the last month, with a window for each month before it, and three kinds of figures more: in
which months each column drifted, and how far the first quarter had moved a year later. The latter tells growth from
season: it is winter both times.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

from airflow_mlops.core.data import DriftPolicy, Profile, check_drift, profile
from airflow_mlops.core.data.profiles import storage
from airflow_mlops.core.data.snapshot import SnapshotRoot
from airflow_mlops.core.policy import load_section
from airflow_mlops.core.refs import ProfileRef
from airflow_mlops.core.report import Check, Report
from airflow_mlops.store import catalogue, reports
from airflow_mlops.store.database import Database
from include.bike_sharing.calendar import A_YEAR_LATER, DATASET, LATER, spans

SUBJECT = "two years of bike rentals, month by month"


def collect(
    database: Database,
    root: SnapshotRoot,
    judged: Sequence[Mapping[str, Any]],
    reference: Mapping[str, Any],
    policy: str,
) -> Report:
    """Read what the tasks before have left, and tell the story.

    :param database: the lifecycle store, with the reports and the catalogue.
    :param root: where snapshots and profiles are.
    :param judged: the ``ReportRef`` of each later month, in order.
    :param reference: the ``ProfileRef`` of the first quarter.
    :param policy: the path of the policy by which the months were judged.
    """
    before = storage.get(root, ProfileRef.from_dict(reference))

    def of(month: str) -> Profile:
        return profile(root.open(catalogue.current(database, DATASET, month)), like=before)

    return tell(
        {month: reports.get(database, ref["id"]) for month, ref in zip(LATER, judged, strict=True)},
        before,
        of(LATER[-1]),
        reduce(lambda a, b: a.merge(b), map(of, A_YEAR_LATER)),
        load_section(DriftPolicy, policy, "drift"),
    )


def tell(
    months: Mapping[str, Report], reference: Profile, last: Profile, a_year_later: Profile, policy: DriftPolicy
) -> Report:
    """Tell the story.

    :param months: month -> its drift report, in order; the last is that of ``last``.
    :param reference: the profile of the first quarter.
    :param last: the profile of the last month.
    :param a_year_later: the profile of the next year's first quarter.
    :param policy: by which the months were judged.
    """
    windows = [{"partition": m, "value": strongest(r), "verdict": r.verdict} for m, r in months.items()]
    report = check_drift(reference, last, policy, subject=f"{SUBJECT}; closely: {list(months)[-1]}", windows=windows)
    when = {f"{column}_drifted_in": spans(found, list(months)) for column, found in drifted(months).items()}
    moved = check_drift(reference, a_year_later, policy)
    return replace(report, facts={**report.facts, **when, "first_quarter_a_year_later_in_sd": moves(moved)})


def strongest(report: Report) -> float | None:
    """Give the largest effect of a month in thresholds; what is only told (``info``) does not count."""
    told = {check.where for check in report.checks if check.severity == "info"}
    return next((e["thresholds"] for e in report.facts["largest_effects"] if e["column"] not in told), None)


def drifted(months: Mapping[str, Report]) -> dict[str, list[str]]:
    """Give column -> the months in which it drifted; what is only told does not count."""
    found: dict[str, list[str]] = {}
    for month, report in months.items():
        for check in report.failed:
            if check.where is not None and check.severity != "info":
                found.setdefault(check.where, []).append(month)
    return dict(sorted(found.items(), key=lambda pair: (-len(pair[1]), pair[0])))


def moves(report: Report) -> dict[str, float]:
    """Give number -> by how many standard deviations of the reference it moved, the largest first."""
    found = {check.where: _distance(check) for check in report.checks if check.where is not None}
    known = {name: round(far, 2) for name, far in found.items() if far is not None}
    return dict(sorted(known.items(), key=lambda pair: -pair[1]))


def _distance(check: Check) -> float | None:
    signals = (check.observed or {}).get("signals") or {}
    return signals["wasserstein"]["effect"] if "wasserstein" in signals else None
