"""Outcomes of model tests as checks; the runner adds the name."""

from __future__ import annotations

from typing import Any

from airflow_mlops.common.report import Check


def passed(message: str, observed: Any = None) -> Check:
    """Return the check of a passed test."""
    return Check("", "pass", "error", observed, None, None, message)


def failed(message: str, observed: Any = None) -> Check:
    """Return the check of a failed test."""
    return Check("", "fail", "error", observed, None, None, message)


def inconclusive(message: str, observed: Any = None) -> Check:
    """Return the check of an inconclusive test. It makes the report inconclusive, unless another test failed."""
    return Check("", "inconclusive", "error", observed, None, None, message)


def not_applicable(message: str, observed: Any = None) -> Check:
    """Return the check of a test that does not apply to the model; it does not affect the report."""
    return Check("", "inconclusive", "info", observed, None, None, message)
