"""Helpers that build and summarise the checks of the gate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from airflow_mlops.common.report import Check, Severity
from airflow_mlops.core.gate.policy import InconclusiveAction

MAX_LISTED = 12


def check(name: str, ok: bool, observed: Any, expected: Any, where: str | None, message: str) -> Check:
    """Build a check; only a failed one has a message."""
    return Check(name, "pass" if ok else "fail", "error", observed, expected, where, "" if ok else message)


def all_pass(checks: Iterable[Check]) -> bool:
    """Check whether every check of severity ``error`` passed."""
    return all(c.status == "pass" for c in checks if c.severity == "error")


def inconclusive_check(name: str, parts: Sequence[str], action: InconclusiveAction) -> list[Check]:
    """Report inconclusive parts in a failed check, so that they do not look as if they had passed.

    :param name: the rule, such as ``slices conclusive``.
    :param parts: descriptions of the inconclusive parts.
    :param action: ``warn`` warns, ``reject`` fails, and ``hold`` requires approval (see :func:`requires_approval`).
    """
    if not parts:
        return []
    more = f" and {len(parts) - MAX_LISTED} more" if len(parts) > MAX_LISTED else ""
    message = f"too little evidence on {', '.join(parts[:MAX_LISTED])}{more}"
    severity: Severity = "error" if action == "reject" else "warn"
    return [
        Check(name, "fail", severity, {"inconclusive": len(parts), "action": action}, "all conclusive", None, message)
    ]


def requires_approval(checks: Iterable[Check]) -> bool:
    """Check whether a part is inconclusive and the policy requires approval for it."""
    return any(isinstance(c.observed, dict) and c.observed.get("action") == "hold" for c in checks)
