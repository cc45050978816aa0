"""The sections of a model card on resource usage, model tests and the gate decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_mlops.common.report import Check
from airflow_mlops.core.gate.policy import BUDGET_FACTS
from airflow_mlops.core.model_card.inputs import CardInputs, as_mapping
from airflow_mlops.core.model_card.performance import CHALLENGER_LABEL
from airflow_mlops.core.reports import formatting, headline
from airflow_mlops.core.reports.documents import DocumentBlock, DocumentSection, IntervalBlock, PairsBlock, TableBlock

COST, TESTS, GATE = "Resource usage", "Model tests", "Gate decision"
NAMES = {
    "bytes": "Size of all files",
    "predict_ms_per_1000": "All gate rows in one batch, per 1,000",
    "predict_ms_p50": "One row, median",
    "predict_ms_p95": "One row, 95th percentile",
    "batch_ms_p50": "1,000 rows, median",
    "batch_ms_p95": "1,000 rows, 95th percentile",
    "load_seconds": "Loading time",
    "memory_mb": "Memory for loading and prediction",
    "train_seconds": "Training time",
    "train_memory_mb": "Memory for training",
}
RESULTS = {"pass": "passed", "fail": "failed", "inconclusive": "inconclusive"}
MAX_OBSERVED_LENGTH = 80
_STATUS_ORDER = {"fail": 0, "inconclusive": 1, "pass": 2}


def resource_usage_section(inputs: CardInputs) -> DocumentSection:
    """Build the section that compares size, time and memory with the champion's and the gate's budgets."""
    facts = [name for name in BUDGET_FACTS if name in inputs.challenger_facts]
    if not facts:
        return DocumentSection.missing_section(COST, inputs.missing_reason("resource measurements"))
    budgets = _gate_budgets(inputs)
    head = [
        "",
        CHALLENGER_LABEL,
        *([inputs.champion_label] if inputs.champion_facts else []),
        *(["Budget", "Within budget"] if budgets else []),
    ]
    rows = []
    for name in [*facts, *(name for name in budgets if name not in facts)]:
        row = [
            NAMES.get(name, formatting.format_heading(name)),
            format_measurement(name, inputs.challenger_facts.get(name)),
        ]
        row += [format_measurement(name, inputs.champion_facts.get(name))] if inputs.champion_facts else []
        rows.append([*row, *budgets.get(name, ("none", ""))] if budgets else row)
    note = "Times were measured on the machine that ran the evaluation."
    return DocumentSection.of(
        COST, TableBlock.of(head, rows, note=note), lead="" if budgets else "The gate policy has no budgets."
    )


def format_measurement(name: str, value: Any) -> str:
    """Format a measurement with its unit: ``671 kB``, ``13.2 ms``, ``0.27 s``, ``21.3 MB``."""
    number = formatting.finite_number(value)
    if number is None:
        return formatting.format_value(value)
    if name == "bytes":
        return formatting.format_bytes(number)
    unit = "MB" if name.endswith("_mb") else "ms" if "_ms" in name else "s" if name.endswith("_seconds") else ""
    return f"{formatting.format_rounded(number)} {unit}".strip()


def _gate_budgets(inputs: CardInputs) -> dict[str, tuple[str, str]]:
    budgets = {}
    for check in inputs.gate.checks if inputs.gate else ():
        if check.name.startswith("budget "):
            name = check.name.removeprefix("budget ")
            limit = str(check.expected).removeprefix("<= ")
            within = {"pass": "yes", "fail": "no"}.get(check.status, "inconclusive")
            budgets[name] = (f"at most {format_measurement(name, _parse_number(limit))}", within)
    return budgets


def _parse_number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def model_tests_section(inputs: CardInputs) -> DocumentSection:
    """Build the section with the model tests and their results, failures first."""
    report = inputs.self_tests
    if report is None:
        return DocumentSection.missing_section(TESTS, "no model tests were run.")
    by_check = {c.name: c for c in report.checks}
    tests = {**{name: c.status for name, c in by_check.items()}, **as_mapping(report.facts.get("tests"))}
    order = sorted(tests.items(), key=lambda test: _STATUS_ORDER.get(str(test[1]), 1))
    rows = [(name, RESULTS.get(str(status), str(status)), _message(by_check.get(name))) for name, status in order]
    if not rows:
        return DocumentSection.missing_section(TESTS, "the report has no tests.")
    lead = f"{headline.format_tally(report)[:1].upper()}{headline.format_tally(report)[1:]}."
    return DocumentSection.of(TESTS, TableBlock.of(("Test", "Result", ""), rows, is_text=True), lead=lead)


def _message(check: Check | None) -> str:
    return formatting.replace_arrows(check.message) if check is not None else ""


def gate_section(inputs: CardInputs) -> DocumentSection:
    """Build the section with the gate decision, the gain with its interval, and every rule with its result."""
    report = inputs.gate
    if report is None:
        return DocumentSection.missing_section(GATE, "there is no gate decision on this version.")
    head = headline.build_headline(report)
    checks = sorted(
        report.checks, key=lambda c: (_STATUS_ORDER[c.status], c.severity == "info", c.name != "minimum gain")
    )
    passed = [c for c in checks if c.status == "pass"]
    omitted = formatting.format_count(report.omitted_checks, "more rule")
    note = f"{omitted} in the report {report.id}." if report.omitted_checks else ""
    failed = _rules_grid(checks[: len(checks) - len(passed)], note=note)
    lead = f"{head.title}. {head.lead}" if head.lead else f"{head.title}."
    return DocumentSection.of(
        GATE,
        _gain_chart(report.facts),
        failed,
        _rules_grid(passed, collapsed_title="Passed"),
        _ledger_entry(inputs.entry),
        lead=lead,
    )


def _rules_grid(checks: Sequence[Check], *, note: str = "", collapsed_title: str = "") -> DocumentBlock | None:
    """Build the grid of rules with observed and expected values; without a message it names the model."""
    rows = [
        (
            c.name,
            RESULTS[c.status],
            formatting.format_text(formatting.format_observed(c.observed), MAX_OBSERVED_LENGTH),
            _format_expected(c.expected),
            _describe(c),
        )
        for c in checks
    ]
    head = ("Rule", "Result", "Observed", "Expected", "")
    return TableBlock.of(head, rows, note=note, collapsed_title=collapsed_title, is_text=True) if rows or note else None


def _describe(check: Check) -> str:
    return formatting.replace_arrows(check.message or check.where or "")


def _format_expected(expected: Any) -> str:
    return formatting.EMPTY_VALUE if expected is None else formatting.replace_arrows(formatting.format_value(expected))


def _gain_chart(facts: Mapping[str, Any]) -> DocumentBlock | None:
    gain, name = (
        as_mapping(facts.get("gain")),
        formatting.format_text(facts.get("metric") or "the metric", formatting.MAX_LABEL_LENGTH),
    )
    value, low, high = (formatting.finite_number(gain.get(k)) for k in ("value", "low", "high"))
    if value is None or low is None or high is None:
        return None
    signed = [formatting.format_signed(number) for number in (value, low, high)]
    caption = f"Gain in {name}: {signed[0]}, between {signed[1]} and {signed[2]}"
    caption += "; the dashed line marks no gain."
    return IntervalBlock(f"Gain in {name}", value, low, high, 0.0, caption)


def _ledger_entry(entry: Mapping[str, Any] | None) -> DocumentBlock | None:
    if not entry:
        return None
    rows = [
        ("Promoted", formatting.format_timestamp(entry.get("recorded_at"))),
        ("Champion from", formatting.format_timestamp(entry.get("effective_at"))),
        ("Revision", entry.get("revision")),
        ("Approved by", entry.get("approver") or "not recorded"),
        ("Reason", entry.get("reason")),
        ("Promoted by", entry.get("actor")),
    ]
    return PairsBlock.of(rows)
