"""What a verdict is called on a page: in the words of what was judged, and always with the plain word beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from airflow_mlops.core.pages import words
from airflow_mlops.core.pages.order import ordered
from airflow_mlops.core.report import Check, Report

Tone = Literal["pass", "warn", "fail", "none"]
MOST_NAMED = 3

KINDS = {
    "freshness": "Freshness of the model",
    "validation": "Data validation",
    "drift": "Data drift",
    "prediction_drift": "Prediction drift",
    "skew": "Skew between training and serving",
    "concept": "Concept drift",
    "concept_drift": "Concept drift",
    "performance": "Performance",
    "performance_estimate": "Estimated performance",
    "evaluation": "Evaluation",
    "gate": "Gate",
    "episode": "Drift episode",
    "self_test": "Self-tests",
    "model_card": "Model card",
}
_PLAIN: dict[str, tuple[Tone, str]] = {
    "pass": ("pass", "Passed"),
    "warn": ("warn", "Passed with warnings"),
    "fail": ("fail", "Failed"),
    "not_judged": ("none", "Not judged"),
}
_OF_KIND = {
    ("validation", "pass"): "The contract is kept",
    ("validation", "warn"): "Kept, with warnings",
    ("validation", "fail"): "The contract is broken",
    ("drift", "pass"): "No drift",
    ("drift", "warn"): "Drift to look at",
    ("drift", "fail"): "Drift",
    ("skew", "pass"): "No skew",
    ("skew", "warn"): "Skew to look at",
    ("skew", "fail"): "Skew",
    ("concept", "pass"): "The relation holds",
    ("concept", "warn"): "The relation may be changing",
    ("concept", "fail"): "The relation has changed",
    ("performance", "pass"): "As good as expected",
    ("performance", "warn"): "A little worse than expected",
    ("performance", "fail"): "Worse than expected",
    ("evaluation", "pass"): "Evaluated",
    ("episode", "pass"): "No new episode",
    ("episode", "warn"): "Episode",
}
_SPEAK = {"gate", "performance", "evaluation", "episode", "freshness"}
"""The kinds whose checks are few enough that one of them speaks for the report when nothing failed."""
_DECISIONS: dict[str, tuple[Tone, str]] = {
    "promote": ("pass", "Promote"),
    "bootstrap": ("pass", "Promote the first champion"),
    "hold": ("warn", "Hold for approval"),
    "reject": ("fail", "Reject"),
    "blocked": ("fail", "Blocked"),
}


@dataclass(frozen=True, slots=True)
class Headline:
    """What stands at the top.

    :param kind: what judged, in words.
    :param tone: which colour and sign it gets.
    :param said: the verdict in words.
    :param plain: the verdict, and a gate's decision, as the store knows them.
    :param lead: one sentence of reason.
    """

    kind: str
    tone: Tone
    said: str
    plain: str
    lead: str


def headline(report: Report) -> Headline:
    """Say a report's verdict."""
    kind = str(report.kind)
    verdict = str(report.verdict)
    tone, said = _PLAIN.get(verdict, ("none", words.text(verdict)))
    said = _OF_KIND.get((family(kind), verdict), said)
    plain = words.label(verdict)
    if report.decision is not None:
        tone, said = _DECISIONS.get(str(report.decision), (tone, words.label(report.decision).capitalize()))
        plain = f"{words.label(report.decision)} · {plain}"
    return Headline(KINDS.get(kind, words.label(kind).capitalize()), tone, said, plain, lead(report))


def family(kind: str) -> str:
    """Give the kind whose words are used: drift of whatever is told as drift, of the concept in its own."""
    if kind.startswith("concept"):
        return "concept"
    return "drift" if kind.endswith("drift") else kind


def lead(report: Report) -> str:
    """Give the reason in one sentence; empty when the number of checks says all."""
    if family(report.kind) == "drift":
        return _of_drift(report)
    if report.kind == "validation":
        return _of_validation(report)
    reasons = [c.message for c in report.failed or report.checks if c.message]
    if not reasons or not (report.failed or report.kind in _SPEAK or len(report.checks) == 1):
        return ""  # the tally beside the verdict has said it
    # A gate's last check is its proof; when something failed, the first failure is the reason.
    return words.sentence(reasons[0 if report.failed or report.kind == "evaluation" else -1])


def _of_drift(report: Report) -> str:
    drifted = [c for c in ordered(report) if c.where]
    judged = {c.where for c in report.checks if c.where and c.status != "not_judged"}
    if not judged:
        return "No column could be judged."
    moved = {c.where for c in drifted}
    if not moved:
        if len(judged) == 1:
            return "The one column that was judged has not drifted."
        return f"None of the {words.count_of(len(judged), 'column')} that were judged has drifted."
    have = "has" if len(moved) == 1 else "have"
    return f"{len(moved)} of {words.count_of(len(judged), 'column')} {have} drifted: {_names(drifted)}."


def _of_validation(report: Report) -> str:
    rules = [c for c in report.checks if c.status != "not_judged"]
    rows = words.number(report.facts.get("rows"))
    among = f", over {words.count_of(int(rows), 'row')}" if rows is not None else ""
    if not rules:
        return "No rule could be judged."
    if not report.failed:
        return f"{words.count_of(len(rules), 'rule')} checked and kept{among}."
    are = "is" if len(report.failed) == 1 else "are"
    return f"{len(report.failed)} of {words.count_of(len(rules), 'rule')} {are} broken{among}."


def _names(checks: list[Check]) -> str:
    names = list(dict.fromkeys(words.text(c.where, words.MOST_LABEL) for c in checks))
    if len(names) <= MOST_NAMED + 1:
        return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
    return f"{', '.join(names[:MOST_NAMED])} and {len(names) - MOST_NAMED} more"


def tally(report: Report) -> str:
    """Count the checks by what came of them: ``2 failed, 1 not judged, 9 passed``."""
    parts = [f"{count} {name}" for name, count in counts(report) if count]
    return ", ".join(parts) or "nothing was checked"


def counts(report: Report) -> list[tuple[str, int]]:
    """Count the checks: errors, warnings and notes among the failed, then what was not judged and what passed."""
    failed = report.failed
    severities = [("failed", "error"), ("warned", "warn"), ("noted", "info")]
    told = [(name, sum(c.severity == severity for c in failed)) for name, severity in severities]
    rest = [("not judged", "not_judged"), ("passed", "pass")]
    return told + [(name, sum(c.status == status for c in report.checks)) for name, status in rest]
