"""Order of the failed checks in a report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_mlops.common.report import Check, Report

_STRUCTURAL_CHECKS = {"column present", "type"}


def sort_failed(report: Report) -> list[Check]:
    """Return the failed checks: errors first, then warnings, then notes; the largest effect of each first.

    A missing column or one of another type has no effect size, and comes before columns that drifted.
    """
    ranks = {"error": 0, "warn": 1, "info": 2}
    effects = {e: i for i, e in enumerate(_columns_by_effect(report))}
    return sorted(
        (c for c in report.checks if c.status == "fail"),
        key=lambda c: (
            ranks.get(c.severity, 3),
            -1 if c.name in _STRUCTURAL_CHECKS else effects.get(c.where, len(effects)),
        ),
    )


def _columns_by_effect(report: Report) -> list[Any]:
    """Return the columns with the largest drift, as a drift report lists them."""
    listed = report.facts.get("largest_effects")
    rows = listed if isinstance(listed, (list, tuple)) else []
    return [str(row["column"]) for row in rows if isinstance(row, Mapping) and "column" in row]
