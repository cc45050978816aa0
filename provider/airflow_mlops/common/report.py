"""Reports and checks: the common result of validation, drift, evaluation, gate and performance.

One schema for all of them, so that one page, one store table and one notifier are enough.
"""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Self

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.refs import ReportRef

FORMAT = 1
MAX_CHECKS = 500
MAX_TEXT = 400

Status = Literal["pass", "fail", "inconclusive"]
Severity = Literal["error", "warn", "info"]
Verdict = Literal["pass", "warn", "fail", "inconclusive"]


def to_bounded_json(value: Any) -> Any:
    """Convert a value to bounded JSON: finite numbers, short strings, short lists.

    A non-finite number becomes its name (``"nan"``, ``"inf"``), because JSON cannot represent it.
    """
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(k)[:MAX_TEXT]: to_bounded_json(v) for k, v in list(value.items())[:50]}
    if isinstance(value, (set, frozenset)):
        value = sorted(value, key=str)  # the order of a set differs between processes
    if isinstance(value, (list, tuple)):
        return [to_bounded_json(v) for v in value[:50]]
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        return to_bounded_json(value.item())
    text = str(value)
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one rule.

    :param name: the rule, such as ``range`` or ``minimum gain``.
    :param status: ``pass``, ``fail`` or ``inconclusive`` (inconclusive: too little evidence).
    :param severity: the effect of a failure: ``error`` fails the report, ``warn`` warns, ``info`` has no effect.
    :param observed: the observed value.
    :param expected: the value that the rule requires.
    :param where: the column, slice or file.
    :param message: one sentence for the reader.
    """

    name: str
    status: Status
    severity: Severity = "error"
    observed: Any = None
    expected: Any = None
    where: str | None = None
    message: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the bounded, JSON-serialisable form."""
        return {
            "name": self.name,
            "status": self.status,
            "severity": self.severity,
            "observed": to_bounded_json(self.observed),
            "expected": to_bounded_json(self.expected),
            "where": to_bounded_json(self.where),
            "message": to_bounded_json(self.message),
        }


def verdict_of(checks: Iterable[Check]) -> Verdict:
    """Combine checks into one verdict.

    In this order: a failed ``error`` check gives ``fail``; a failed ``warn`` check gives ``warn``; an inconclusive
    ``error`` check, or no passed check at all, gives ``inconclusive``. Otherwise the verdict is ``pass``.
    """
    checks = list(checks)
    if any(c.status == "fail" and c.severity == "error" for c in checks):
        return "fail"
    if any(c.status == "fail" and c.severity == "warn" for c in checks):
        return "warn"
    if any(c.status == "inconclusive" and c.severity == "error" for c in checks):
        return "inconclusive"
    if not any(c.status == "pass" for c in checks):
        return "inconclusive"
    return "pass"


@dataclass(frozen=True, slots=True)
class Report:
    """A verdict with its evidence.

    :param kind: the evaluator: ``validation``, ``drift``, ``evaluation``, ``gate``, ``performance``.
    :param subject: what was evaluated, such as ``churn_features 2026-04-06``.
    :param checks: the results of the rules.
    :param verdict: ``pass``, ``warn``, ``fail`` or ``inconclusive``; :meth:`of` derives it from the checks.
    :param decision: the gate's decision.
    :param facts: values of the report itself: rows, metrics, references.
    :param omitted_checks: the number of checks that the stored report omitted; the verdict includes them.
    """

    kind: str
    subject: str
    checks: tuple[Check, ...]
    verdict: Verdict
    decision: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    created_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    omitted_checks: int = 0

    @classmethod
    def from_checks(
        cls,
        kind: str,
        subject: str,
        checks: Iterable[Check],
        *,
        decision: str | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> Self:
        """Create a report with the verdict of its checks."""
        checks = tuple(checks)
        return cls(kind, subject, checks, verdict_of(checks), decision, dict(facts or {}))

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that failed, errors first."""
        return tuple(sorted((c for c in self.checks if c.status == "fail"), key=lambda c: c.severity != "error"))

    def ref(self) -> ReportRef:
        """Return the reference that tasks exchange."""
        return ReportRef(self.id, self.kind, self.subject, self.verdict, self.decision)

    def to_dict(self) -> dict[str, Any]:
        """Return the versioned, bounded JSON form. Failures come first, so that the limit never drops them."""
        order = {"fail": 0, "inconclusive": 1, "pass": 2}
        checks = sorted(self.checks, key=lambda c: order[c.status])
        return {
            "format": FORMAT,
            "id": self.id,
            "kind": self.kind,
            "subject": to_bounded_json(self.subject),
            "verdict": self.verdict,
            "decision": self.decision,
            "created_at": self.created_at,
            "facts": to_bounded_json(self.facts),
            "checks": [c.to_dict() for c in checks[:MAX_CHECKS]],
            "omitted_checks": self.omitted_checks + max(0, len(checks) - MAX_CHECKS),
        }

    def to_json(self) -> str:
        """Return the JSON text: sorted keys, finite numbers only."""
        return json.dumps(self.to_dict(), sort_keys=True, allow_nan=False, ensure_ascii=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Parse a report.

        :raises BadInput: when this version cannot read the format.
        """
        if data.get("format") != FORMAT:
            raise BadInput(
                f"report format {data.get('format')!r} is not readable here (this version reads {FORMAT})",
                hint="read it with the airflow-provider-mlops that wrote it, or upgrade",
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
            omitted_checks=int(data.get("omitted_checks", 0)),
        )

    def summary(self, limit: int = 8) -> str:
        """Return the verdict and at most ``limit`` failed checks, one per line."""
        head = f"{self.kind} of {self.subject}: {self.decision or self.verdict}"
        shown = self.failed or tuple(c for c in self.checks if c.status == "inconclusive")
        lines = [f"  - {c.where + ': ' if c.where else ''}{c.name}: {c.message or c.status}" for c in shown[:limit]]
        if len(shown) > limit:
            lines.append(f"  - … and {len(shown) - limit} more")
        return "\n".join([head, *lines])
