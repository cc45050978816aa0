"""The Report: what everything that judges returns.

One shape for contract validation, drift, evaluation, gate and performance, so that one page, one table in the
store and one notifier serve them all.
"""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Self

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.refs import ReportRef

FORMAT = 1
MAX_CHECKS = 500
MAX_TEXT = 400

Status = Literal["pass", "fail", "not_judged"]
Severity = Literal["error", "warn", "info"]
Verdict = Literal["pass", "warn", "fail", "not_judged"]


def bounded(value: Any) -> Any:
    """Make a value fit for JSON and for a page: finite numbers, short strings, short lists.

    A number that is not finite becomes its name (``"nan"``, ``"inf"``): JSON has no word for it, and a report
    has to say so rather than lose it.
    """
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(k)[:MAX_TEXT]: bounded(v) for k, v in list(value.items())[:50]}
    if isinstance(value, (set, frozenset)):
        value = sorted(value, key=str)  # a set's own order changes from process to process
    if isinstance(value, (list, tuple)):
        return [bounded(v) for v in value[:50]]
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        return bounded(value.item())
    text = str(value)
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


@dataclass(frozen=True, slots=True)
class Check:
    """One rule, and what was seen.

    :param name: the rule, such as ``range`` or ``minimum gain``.
    :param status: ``pass``, ``fail`` or ``not_judged`` (too little evidence; never a silent pass).
    :param severity: what a failure means: ``error`` fails the report, ``warn`` warns, ``info`` only tells.
    :param observed: what was seen.
    :param expected: what the rule asks for.
    :param where: the column, slice or file it is about.
    :param message: one sentence for a person.
    """

    name: str
    status: Status
    severity: Severity = "error"
    observed: Any = None
    expected: Any = None
    where: str | None = None
    message: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Give the bounded, JSON-ready form."""
        return {
            "name": self.name,
            "status": self.status,
            "severity": self.severity,
            "observed": bounded(self.observed),
            "expected": bounded(self.expected),
            "where": bounded(self.where),
            "message": bounded(self.message),
        }


def verdict_of(checks: Iterable[Check]) -> Verdict:
    """Fold checks into one verdict.

    Any failed ``error`` check fails; else a failed ``warn`` check warns; else, when an ``error`` check could not be
    judged or nothing was judged at all, ``not_judged``; else ``pass``.
    """
    checks = list(checks)
    if any(c.status == "fail" and c.severity == "error" for c in checks):
        return "fail"
    if any(c.status == "fail" and c.severity == "warn" for c in checks):
        return "warn"
    if any(c.status == "not_judged" and c.severity == "error" for c in checks):
        return "not_judged"
    if not any(c.status == "pass" for c in checks):
        return "not_judged"
    return "pass"


@dataclass(frozen=True, slots=True)
class Report:
    """A verdict with its evidence.

    :param kind: what judged: ``validation``, ``drift``, ``evaluation``, ``gate``, ``performance``.
    :param subject: what was judged, such as ``churn_features 2026-04-06``.
    :param checks: the rules and what was seen.
    :param verdict: ``pass``, ``warn``, ``fail`` or ``not_judged``; :meth:`of` derives it from the checks.
    :param decision: a gate's decision.
    :param facts: figures that belong to the report as a whole: rows, metrics, references.
    :param checks_left_out: how many checks a report that was read back had more; the verdict counts them, too.
    """

    kind: str
    subject: str
    checks: tuple[Check, ...]
    verdict: Verdict
    decision: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    created_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    checks_left_out: int = 0

    @classmethod
    def of(
        cls,
        kind: str,
        subject: str,
        checks: Iterable[Check],
        *,
        decision: str | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> Self:
        """Make a report whose verdict follows from its checks."""
        checks = tuple(checks)
        return cls(kind, subject, checks, verdict_of(checks), decision, dict(facts or {}))

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that failed, errors first."""
        return tuple(sorted((c for c in self.checks if c.status == "fail"), key=lambda c: c.severity != "error"))

    def ref(self) -> ReportRef:
        """Give the reference that travels between tasks."""
        return ReportRef(self.id, self.kind, self.subject, self.verdict, self.decision)

    def to_dict(self) -> dict[str, Any]:
        """Give the versioned, bounded JSON form. Failures come first, so the bound never hides one behind passes."""
        order = {"fail": 0, "not_judged": 1, "pass": 2}
        checks = sorted(self.checks, key=lambda c: order[c.status])
        return {
            "format": FORMAT,
            "id": self.id,
            "kind": self.kind,
            "subject": bounded(self.subject),
            "verdict": self.verdict,
            "decision": self.decision,
            "created_at": self.created_at,
            "facts": bounded(self.facts),
            "checks": [c.to_dict() for c in checks[:MAX_CHECKS]],
            "checks_left_out": self.checks_left_out + max(0, len(checks) - MAX_CHECKS),
        }

    def to_json(self) -> str:
        """Give the JSON text: keys sorted, no number that is not finite."""
        return json.dumps(self.to_dict(), sort_keys=True, allow_nan=False, ensure_ascii=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read a report back.

        :raises BadInput: when the format is not one that this version reads.
        """
        if data.get("format") != FORMAT:
            raise BadInput(
                f"report format {data.get('format')!r} is not readable here (this version reads {FORMAT})",
                mend="read it with the airflow-provider-mlops that wrote it, or upgrade",
            )
        return cls(
            kind=data["kind"],
            subject=data["subject"],
            checks=tuple(Check(**c) for c in data["checks"]),
            verdict=data["verdict"],
            decision=data["decision"],
            facts=data["facts"],
            id=data["id"],
            created_at=data["created_at"],
            checks_left_out=int(data.get("checks_left_out", 0)),
        )

    def summary(self, limit: int = 8) -> str:
        """Say the verdict and the first failures in at most ``limit`` lines and a head."""
        head = f"{self.kind} of {self.subject}: {self.decision or self.verdict}"
        told = self.failed or tuple(c for c in self.checks if c.status == "not_judged")
        lines = [f"  - {c.where + ': ' if c.where else ''}{c.name}: {c.message or c.status}" for c in told[:limit]]
        if len(told) > limit:
            lines.append(f"  - … and {len(told) - limit} more")
        return "\n".join([head, *lines])
