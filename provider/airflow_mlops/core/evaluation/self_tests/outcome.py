"""How a self-test ended, as a check that gets its name from whoever runs it."""

from __future__ import annotations

from typing import Any

from airflow_mlops.core.report import Check


def passed(said: str, observed: Any = None) -> Check:
    """The test found what it asks for."""
    return Check("", "pass", "error", observed, None, None, said)


def failed(said: str, observed: Any = None) -> Check:
    """The test found something else."""
    return Check("", "fail", "error", observed, None, None, said)


def not_judged(said: str, observed: Any = None) -> Check:
    """There is too little to judge by. The report is then not judged either, unless something else failed."""
    return Check("", "not_judged", "error", observed, None, None, said)


def set_aside(said: str, observed: Any = None) -> Check:
    """The test does not apply to this model, and it is known why; the report does not depend on it."""
    return Check("", "not_judged", "info", observed, None, None, said)
