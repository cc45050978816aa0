"""How the gate says what it has seen: one form of check for all of its parts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from airflow_mlops.core.evaluation.gate.policy import Told
from airflow_mlops.core.report import Check, Severity

MOST_NAMED = 12


def check(name: str, good: bool, observed: Any, expected: Any, where: str | None, message: str) -> Check:
    """Give a check that passes without words, or fails with them."""
    return Check(name, "pass" if good else "fail", "error", observed, expected, where, "" if good else message)


def all_pass(checks: Iterable[Check]) -> bool:
    """Say whether each check passed, or only tells or warns."""
    return all(c.status == "pass" for c in checks if c.severity == "error")


def unjudged(name: str, what: Sequence[str], means: Told) -> list[Check]:
    """Say aloud what was too small to be judged, so that it never looks as if it had passed.

    :param name: the rule that could not be applied, such as ``slices judged``.
    :param what: what was not judged, each in words.
    :param means: ``tell`` warns, ``reject`` refuses, and ``hold`` is for a person (see :func:`waits`).
    """
    if not what:
        return []
    more = f" and {len(what) - MOST_NAMED} more" if len(what) > MOST_NAMED else ""
    said = f"too little evidence to judge {', '.join(what[:MOST_NAMED])}{more}"
    severity: Severity = "error" if means == "reject" else "warn"
    return [Check(name, "fail", severity, {"not_judged": len(what), "means": means}, "all judged", None, said)]


def waits(checks: Iterable[Check]) -> bool:
    """Say whether something was too small to be judged and the policy wants a person to look at it."""
    return any(isinstance(c.observed, dict) and c.observed.get("means") == "hold" for c in checks)
