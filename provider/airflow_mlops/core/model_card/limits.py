"""The limitations section of a model card: inconclusive checks, missing evidence, gaps in the contract."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.model_card.inputs import CardInputs, as_mapping
from airflow_mlops.core.model_card.overview import format_column_rules
from airflow_mlops.core.model_card.owner_notes import LIMITS, MAX_CHARACTERS
from airflow_mlops.core.reports import formatting
from airflow_mlops.core.reports.documents import DocumentSection, ProseBlock

MAX_LISTED = 12


def limits_section(inputs: CardInputs) -> DocumentSection:
    """Build the section, with the owners' own text first."""
    own = inputs.owners.prose_for(LIMITS)
    if inputs.owners.truncated:
        own.append(
            ProseBlock.of(f"The owners' text is cut after {formatting.format_value(MAX_CHARACTERS)} characters.")
        )
    points = [*_report_limits(inputs), *_evidence_limits(inputs), *_contract_limits(inputs)]
    lead = "" if own else "The model's owners have documented no limits."
    return DocumentSection.of(
        "Limitations", *own, ProseBlock.of(*dict.fromkeys(points), is_list=True) if points else None, lead=lead
    )


def _report_limits(inputs: CardInputs) -> Iterator[str]:
    """Yield the missing reports and the inconclusive checks."""
    for what, report in (("evaluation", inputs.evaluation), ("gate", inputs.gate), ("model tests", inputs.self_tests)):
        if report is None:
            yield f"This card has no report of the {what}."
            continue
        inconclusive = [c for c in report.checks if c.status == "inconclusive"]
        if inconclusive:
            more = f" and {len(inconclusive) - MAX_LISTED} more" if len(inconclusive) > MAX_LISTED else ""
            yield f"Inconclusive in the {what}: {'; '.join(map(_describe, inconclusive[:MAX_LISTED]))}{more}."
        yield from _warnings(what, report)
        if report.omitted_checks:
            omitted = formatting.format_count(report.omitted_checks, "check")
            yield f"{omitted} of the {what} were too many to store and are not on this card."


def _describe(check: Check) -> str:
    return ": ".join(formatting.format_text(part, 120) for part in (check.where or check.name, check.message) if part)


def _warnings(what: str, report: Report) -> Iterator[str]:
    for check in report.failed:
        if check.severity == "warn" and check.message:
            yield f"The {what} warns: {formatting.format_sentence(check.message)}"


def _evidence_limits(inputs: CardInputs) -> Iterator[str]:
    """Yield what the evaluation did not cover."""
    if not inputs.challenger_facts:
        return
    if inputs.challenger_facts.get("seen_rows") != 0:
        seen = inputs.challenger_facts.get("seen_rows")
        count = "An unknown number" if seen is None else formatting.format_value(seen)
        yield f"{count} of the gate rows were in its training or selection data: the metrics may be too optimistic."
    partition = as_mapping(inputs.evaluation_fact("evidence")).get("partition")
    if inputs.gate_row_count is not None:
        of_when = f" of {formatting.format_text(partition)}" if partition else ""
        yield f"All metrics are from {formatting.format_count(inputs.gate_row_count, 'gate row')}{of_when}."
    if not inputs.evaluation_fact("slices"):
        yield "No slice columns were configured."
    if not inputs.evaluation_fact("groups"):
        yield "No protected attributes were configured: fairness was not evaluated."


def _contract_limits(inputs: CardInputs) -> Iterator[str]:
    """Yield the gaps in the contract."""
    if inputs.contract is None:
        yield "It has no contract: its inputs are not validated."
        return
    columns = inputs.contract.columns
    bare = [name for name in inputs.contract.features if not format_column_rules(columns[name])]
    if bare:
        more = f" and {len(bare) - MAX_LISTED} more" if len(bare) > MAX_LISTED else ""
        names = ", ".join(formatting.format_text(name, formatting.MAX_LABEL_LENGTH) for name in bare[:MAX_LISTED])
        yield f"The contract constrains only the type of {names}{more}: any value of that type passes."
    if not inputs.contract.checks:
        yield "The contract has no rules across columns."
    if inputs.contract.freshness is None:
        yield "The contract does not limit the age of the data."
