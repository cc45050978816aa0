"""Headline of a report: verdict and reason in the terms of its kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.reports import formatting
from airflow_mlops.core.reports.check_order import sort_failed

Tone = Literal["pass", "warn", "fail", "none"]
_MAX_NAMED = 3

KIND_LABELS = {
    "freshness": "Model freshness",
    "validation": "Data validation",
    "drift": "Data drift",
    "prediction_drift": "Prediction drift",
    "skew": "Training-serving skew",
    "concept": "Concept drift",
    "concept_drift": "Concept drift",
    "performance": "Performance",
    "performance_estimate": "Estimated performance",
    "evaluation": "Evaluation",
    "gate": "Gate",
    "episode": "Drift episode",
    "self_test": "Model tests",
    "model_card": "Model card",
}
_VERDICT_TITLES: dict[str, tuple[Tone, str]] = {
    "pass": ("pass", "Passed"),
    "warn": ("warn", "Passed with warnings"),
    "fail": ("fail", "Failed"),
    "inconclusive": ("none", "Inconclusive"),
}
_KIND_TITLES = {
    ("validation", "pass"): "Contract satisfied",
    ("validation", "warn"): "Satisfied, with warnings",
    ("validation", "fail"): "Contract violated",
    ("drift", "pass"): "No drift",
    ("drift", "warn"): "Possible drift",
    ("drift", "fail"): "Drift",
    ("skew", "pass"): "No skew",
    ("skew", "warn"): "Possible skew",
    ("skew", "fail"): "Skew",
    ("concept", "pass"): "Relation unchanged",
    ("concept", "warn"): "Relation may have changed",
    ("concept", "fail"): "Relation changed",
    ("performance", "pass"): "As good as expected",
    ("performance", "warn"): "Slightly worse than expected",
    ("performance", "fail"): "Worse than expected",
    ("evaluation", "pass"): "Evaluated",
    ("episode", "pass"): "No new episode",
    ("episode", "warn"): "Episode",
}
_SINGLE_CHECK_KINDS = {"gate", "performance", "evaluation", "episode", "freshness"}
"""Kinds with few checks, of which one explains the report when nothing failed."""
_DECISION_TITLES: dict[str, tuple[Tone, str]] = {
    "promote": ("pass", "Promote"),
    "promote_first": ("pass", "Promote the first champion"),
    "hold": ("warn", "Hold for approval"),
    "reject": ("fail", "Reject"),
    "blocked": ("fail", "Blocked"),
}


@dataclass(frozen=True, slots=True)
class Headline:
    """The headline of a report.

    :param kind: the label of the report's kind.
    :param tone: the colour and icon.
    :param title: the verdict as a title.
    :param status: the verdict, and a gate's decision, as stored.
    :param lead: the reason, one sentence.
    """

    kind: str
    tone: Tone
    title: str
    status: str
    lead: str


def build_headline(report: Report) -> Headline:
    """Return a report's headline."""
    kind = str(report.kind)
    verdict = str(report.verdict)
    tone, title = _VERDICT_TITLES.get(verdict, ("none", formatting.format_text(verdict)))
    title = _KIND_TITLES.get((kind_family(kind), verdict), title)
    status = formatting.format_label(verdict)
    if report.decision is not None:
        tone, title = _DECISION_TITLES.get(
            str(report.decision), (tone, formatting.format_label(report.decision).capitalize())
        )
        status = f"{formatting.format_label(report.decision)} · {status}"
    return Headline(
        KIND_LABELS.get(kind, formatting.format_label(kind).capitalize()), tone, title, status, reason_sentence(report)
    )


def kind_family(kind: str) -> str:
    """Return the group of kinds that share titles: every kind of drift, and every concept check."""
    if kind.startswith("concept"):
        return "concept"
    return "drift" if kind.endswith("drift") else kind


def reason_sentence(report: Report) -> str:
    """Return the reason in one sentence; empty when the tally suffices."""
    if kind_family(report.kind) == "drift":
        return _drift_lead(report)
    if report.kind == "validation":
        return _validation_lead(report)
    reasons = [c.message for c in report.failed or report.checks if c.message]
    if not reasons or not (report.failed or report.kind in _SINGLE_CHECK_KINDS or len(report.checks) == 1):
        return ""  # the tally suffices
    # A gate's last check is decisive; when something failed, the first failure is the reason.
    return formatting.format_sentence(reasons[0 if report.failed or report.kind == "evaluation" else -1])


def _drift_lead(report: Report) -> str:
    drifted = [c for c in sort_failed(report) if c.where]
    evaluated = {c.where for c in report.checks if c.where and c.status != "inconclusive"}
    if not evaluated:
        return "No column could be evaluated."
    drifted_columns = {c.where for c in drifted}
    if not drifted_columns:
        if len(evaluated) == 1:
            return "The only evaluated column has not drifted."
        return f"None of the {formatting.format_count(len(evaluated), 'evaluated column')} has drifted."
    have = "has" if len(drifted_columns) == 1 else "have"
    columns = formatting.format_count(len(evaluated), "column")
    return f"{len(drifted_columns)} of {columns} {have} drifted: {_join_names(drifted)}."


def _validation_lead(report: Report) -> str:
    rules = [c for c in report.checks if c.status != "inconclusive"]
    rows = formatting.finite_number(report.facts.get("rows"))
    among = f", over {formatting.format_count(int(rows), 'row')}" if rows is not None else ""
    if not rules:
        return "No rule could be evaluated."
    if not report.failed:
        return f"{formatting.format_count(len(rules), 'rule')} checked and satisfied{among}."
    are = "is" if len(report.failed) == 1 else "are"
    return f"{len(report.failed)} of {formatting.format_count(len(rules), 'rule')} {are} broken{among}."


def _join_names(checks: list[Check]) -> str:
    names = list(dict.fromkeys(formatting.format_text(c.where, formatting.MAX_LABEL_LENGTH) for c in checks))
    if len(names) <= _MAX_NAMED + 1:
        return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
    return f"{', '.join(names[:_MAX_NAMED])} and {len(names) - _MAX_NAMED} more"


def format_tally(report: Report) -> str:
    """Return the counts as text: ``2 failed, 1 inconclusive, 9 passed``."""
    parts = [f"{count} {name}" for name, count in count_checks(report) if count]
    return ", ".join(parts) or "nothing was checked"


def count_checks(report: Report) -> list[tuple[str, int]]:
    """Count the checks: errors, warnings and notes among the failed, then inconclusive and passed ones."""
    failed = report.failed
    severities = [("failed", "error"), ("warned", "warn"), ("noted", "info")]
    failures = [(name, sum(c.severity == severity for c in failed)) for name, severity in severities]
    others = [("inconclusive", "inconclusive"), ("passed", "pass")]
    return failures + [(name, sum(c.status == status for c in report.checks)) for name, status in others]
