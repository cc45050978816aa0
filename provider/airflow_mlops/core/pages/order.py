"""Which of the failed checks is told first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_mlops.core.report import Check, Report

_GONE = {"column there", "type"}


def ordered(report: Report) -> list[Check]:
    """Give the failed checks: errors first, then warnings, then notes; the largest effect of each first.

    A column that is gone, or has become something else, has no effect to be measured by and stands before those that
    have only moved.
    """
    ranks = {"error": 0, "warn": 1, "info": 2}
    effects = {e: i for i, e in enumerate(_largest(report))}
    return sorted(
        (c for c in report.checks if c.status == "fail"),
        key=lambda c: (ranks.get(c.severity, 3), -1 if c.name in _GONE else effects.get(c.where, len(effects))),
    )


def _largest(report: Report) -> list[Any]:
    """Name the columns that moved most, as a drift report lists them."""
    listed = report.facts.get("largest_effects")
    rows = listed if isinstance(listed, (list, tuple)) else []
    return [str(row["column"]) for row in rows if isinstance(row, Mapping) and "column" in row]
