"""The story of the two years: one report that shows all months, and the last one closely.

It is the drift report of the last month, with a window for each month, and one table more: how far each column had
moved by the summer, how far a year later, and in which months it drifted. A year later it is winter again: what came
back with it was the season, what did not has grown.
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
from include.bike_sharing.calendar import A_YEAR_LATER, DATASET, LATER, SUMMER, spans

SUBJECT = "two years of bike rentals, month by month against the first quarter"
HEAD = ("Column", "Summer 2011", "Winter 2012", "Mostly", "Months with drift")
NOTE = (
    "How far July to September 2011, and January to March 2012, lie from January to March 2011, in standard deviations "
    "of that first quarter. A year later it is winter again: what came back is told as season, what stayed as growth."
)
STAYED = 0.75
"""The part of a move that has to be there a year later for it to be growth."""


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

    def of(*months: str) -> Profile:
        refs = [catalogue.current(database, DATASET, month) for month in months]
        return reduce(lambda a, b: a.merge(b), [profile(root.open(ref), like=before) for ref in refs])

    return tell(
        {month: reports.get(database, ref["id"]) for month, ref in zip(LATER, judged, strict=True)},
        before,
        last=of(LATER[-1]),
        summer=of(*SUMMER),
        a_year_later=of(*A_YEAR_LATER),
        policy=load_section(DriftPolicy, policy, "drift"),
    )


def tell(
    months: Mapping[str, Report],
    reference: Profile,
    *,
    last: Profile,
    summer: Profile,
    a_year_later: Profile,
    policy: DriftPolicy,
) -> Report:
    """Tell the story.

    :param months: month -> its drift report, in order; the last is that of ``last``.
    :param reference: the profile of the first quarter.
    :param last: the profile of the last month.
    :param summer: the profile of the summer after it.
    :param a_year_later: the profile of the next year's first quarter.
    :param policy: by which the months were judged.
    """
    windows = [{"partition": m, "value": strongest(r), "verdict": r.verdict} for m, r in months.items()]
    report = check_drift(reference, last, policy, subject=f"{SUBJECT}; closely: {list(months)[-1]}", windows=windows)
    by_summer, by_winter = (moves(check_drift(reference, side, policy)) for side in (summer, a_year_later))
    when = drifted(months)
    rows = [
        [
            name,
            by_summer.get(name),
            by_winter.get(name),
            mostly(by_summer.get(name), by_winter.get(name), policy.numeric),
            spans(when.get(name, ()), list(months)) or "none",
        ]
        for name in sorted({*when, *by_winter}, key=lambda n: (-by_winter.get(n, -1.0), n))
    ]
    table = {"title": "Season or growth?", "head": list(HEAD), "rows": rows, "note": NOTE}
    return replace(report, facts={**report.facts, "tables": [table]})


def mostly(summer: float | None, winter: float | None, matters: float) -> str | None:
    """Say what moved a column: ``season``, ``growth``, or ``neither``; None when its moves have no measure.

    :param summer: how far it had moved by the summer.
    :param winter: how far it had moved a year later.
    :param matters: the least move that matters.
    """
    if summer is None or winter is None:
        return None
    if max(summer, winter) < matters:
        return "neither"
    return "growth" if winter >= max(matters, STAYED * summer) else "season"


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
    """Give number -> by how many standard deviations of the reference it moved."""
    found = {check.where: _distance(check) for check in report.checks if check.where is not None}
    return {name: round(far, 2) for name, far in found.items() if far is not None}


def _distance(check: Check) -> float | None:
    signals = (check.observed or {}).get("signals") or {}
    return signals["wasserstein"]["effect"] if "wasserstein" in signals else None
