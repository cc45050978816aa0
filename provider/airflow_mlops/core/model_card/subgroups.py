"""The slice and fairness sections of a model card."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from airflow_mlops.common.report import Check
from airflow_mlops.core.evaluation.worst_slice import WORST_SLICE as WORST
from airflow_mlops.core.model_card.inputs import CardInputs, as_mapping
from airflow_mlops.core.model_card.performance import CHALLENGER_LABEL
from airflow_mlops.core.reports import formatting
from airflow_mlops.core.reports.documents import DocumentSection, ProseBlock, TableBlock

SLICES, FAIRNESS = "Slices", "Fairness"
MAX_GROUPS = 8


def slices_section(inputs: CardInputs) -> DocumentSection:
    """Build the section with the slices, the worst first, and the result of the worst-slice search."""
    if not inputs.challenger_facts:
        return DocumentSection.missing_section(SLICES, inputs.missing_reason("slices"))
    checks = [c for c in checks_for(inputs, "slice ") if c.name != WORST]
    searches = [c for c in inputs.checks if c.name == WORST]
    prose = [
        ProseBlock.of(f"The search for the worst slice: {formatting.replace_arrows(c.message)}.")
        for c in searches
        if c.message
    ]
    if not checks:
        lead = "No slice columns were configured."
        return DocumentSection.of(SLICES, *prose, lead=lead) if prose else DocumentSection.missing_section(SLICES, lead)
    few = sum(c.status == "inconclusive" for c in checks)
    lead = f"{formatting.format_count(len(checks), 'slice')} of the gate rows, the worst first."
    lead += f" {formatting.format_count(few, 'slice')} had too few rows." if few else ""
    champion = [inputs.champion_label, "Gain"] if inputs.champion_facts else []
    head = ["Slice", "Rows", CHALLENGER_LABEL, *champion, "95 % interval"]
    rows = [
        _slice_row(c, compared=bool(inputs.champion_facts))
        for c in sorted(checks, key=lambda c: _slice_order(inputs, c))
    ]
    note = f"Metric: {inputs.metric.name}." if inputs.metric else ""
    return DocumentSection.of(SLICES, TableBlock.of(head, rows, note=note), *prose, lead=lead)


def checks_for(inputs: CardInputs, prefix: str) -> list[Check]:
    """Return the checks of the evaluation whose location starts with ``prefix``."""
    return [c for c in inputs.checks if str(c.where or "").startswith(prefix)]


def _slice_order(inputs: CardInputs, check: Check) -> tuple[bool, float]:
    """Return the sort key of slices: conclusive before inconclusive, the worst first."""
    value = formatting.finite_number(as_mapping(check.observed).get("challenger"))
    if value is None:
        return True, math.inf
    higher = inputs.metric is None or inputs.metric.direction == "higher"
    return check.status == "inconclusive", value if higher else -value


def _slice_row(check: Check, *, compared: bool) -> list[Any]:
    observed = as_mapping(check.observed)
    name = str(check.where).removeprefix("slice ")
    conclusive = check.status != "inconclusive"
    row = [name, observed.get("rows"), observed.get("challenger") if conclusive else "inconclusive"]
    gain = formatting.finite_number(observed.get("gain"))
    ends = formatting.format_interval(observed.get("low"), observed.get("high")).strip(" ()") or formatting.EMPTY_VALUE
    if compared:
        row += [
            observed.get("champion"),
            formatting.EMPTY_VALUE if gain is None else formatting.format_signed(float(f"{gain:.3g}")),
        ]
    return [*row, ends]


def fairness_section(inputs: CardInputs) -> DocumentSection:
    """Build the section with the differences of decisions between groups."""
    checks = [c for c in checks_for(inputs, "group ") if c.name != "fairness"]
    if not checks:
        reason = (
            inputs.missing_reason("groups")
            if not inputs.challenger_facts
            else "no protected attributes were configured."
        )
        return DocumentSection.missing_section(FAIRNESS, reason)
    bounds = _gate_bounds(inputs)
    head = ["Attribute", "Measure", "Largest gap", "95 % interval", "Bound", "By group"]
    rows = [_gap_row(c, bounds) for c in checks]
    note = "Even for a true gap of zero, the interval lies above zero. Bounds are from the gate policy; –: no bound."
    return DocumentSection.of(FAIRNESS, TableBlock.of(head, rows, note=note, is_text=True), lead=_fairness_lead(checks))


def _fairness_lead(checks: list[Check]) -> str:
    thresholds = {formatting.format_value(as_mapping(c.expected).get("threshold")) for c in checks} - {
        formatting.EMPTY_VALUE
    }
    threshold = f" A score from {thresholds.pop()} on is a positive decision." if len(thresholds) == 1 else ""
    return f"Differences of decisions between groups.{threshold}"


def _gate_bounds(inputs: CardInputs) -> dict[tuple[str, str], str]:
    """Return the bounds of the gate: (attribute, measure) -> the bound and its result."""
    bounds: dict[tuple[str, str], str] = {}
    for check in inputs.gate.checks if inputs.gate else ():
        rule, at_most, bound = str(check.expected or "").partition(" <= ")
        if check.name.startswith("fairness ") and at_most:
            result = {"pass": "passed", "fail": "failed"}.get(check.status, "inconclusive")
            bounds[check.name.removeprefix("fairness "), rule] = f"{bound}, {result}"
    return bounds


def _gap_row(check: Check, bounds: Mapping[tuple[str, str], str]) -> list[Any]:
    observed, attribute = as_mapping(check.observed), str(check.where).removeprefix("group ")
    bound = bounds.get((attribute, check.name), formatting.EMPTY_VALUE)
    gap = observed.get("gap") if check.status != "inconclusive" else f"inconclusive: {check.message}"
    ends = formatting.format_interval(observed.get("low"), observed.get("high")).strip(" ()") or formatting.EMPTY_VALUE
    return [attribute, check.name, gap, ends, bound, _format_rates(as_mapping(observed.get("rates")))]


def _format_rates(rates: Mapping[str, Any]) -> str:
    """Format the rates of each group, without the row counts."""
    texts = []
    for group, group_rates in list(rates.items())[:MAX_GROUPS]:
        values = {k: formatting.format_percent(v) for k, v in as_mapping(group_rates).items() if k != "rows"}
        labelled = (
            [f"{formatting.format_label(k)} {v}" for k, v in values.items()]
            if len(values) > 1
            else list(values.values())
        )
        texts.append(f"{formatting.format_text(group, 24)} {', '.join(labelled)}")
    more = len(rates) - MAX_GROUPS
    return "; ".join(texts + ([f"… {more} more"] if more > 0 else [])) or formatting.EMPTY_VALUE
