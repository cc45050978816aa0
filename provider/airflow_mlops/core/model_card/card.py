"""Assembles the model card document and its report."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.model_card import decisions, limits, overview, performance, subgroups
from airflow_mlops.core.model_card.inputs import CardInputs, as_mapping
from airflow_mlops.core.reports import formatting, headline
from airflow_mlops.core.reports.documents import DocumentSection, PairsBlock, ReportDocument, document_facts
from airflow_mlops.core.reports.headline import Tone

KIND = "model_card"


def build_model_card(inputs: CardInputs) -> ReportDocument:
    """Build the card of a version. It is a pure function: the same evidence gives the same card.

    :param inputs: the facts about the version; the card names missing ones.
    """
    sections = (
        overview.identity_section(inputs),
        performance.metrics_section(inputs),
        decisions.gate_section(inputs),
        overview.data_section(inputs),
        overview.inputs_section(inputs),
        overview.parameters_section(inputs),
        performance.overfitting_section(inputs),
        performance.calibration_section(inputs),
        subgroups.slices_section(inputs),
        subgroups.fairness_section(inputs),
        performance.importance_section(inputs),
        decisions.resource_usage_section(inputs),
        decisions.model_tests_section(inputs),
        *(DocumentSection.of(title, *prose) for title, prose in inputs.owners.other_sections),
        limits.limits_section(inputs),
        overview.usage_section(inputs),
    )
    tone, lead, plain = _decision(inputs)
    return ReportDocument(
        kind=headline.KIND_LABELS[KIND],
        title=formatting.format_text(inputs, formatting.MAX_LABEL_LENGTH * 2),
        subject=formatting.format_text(_subject(inputs)),
        lead=formatting.format_text(lead),
        tone=tone,
        status=formatting.format_text(plain),
        key_values=_key_values(inputs),
        created_at=inputs.gate.created_at if inputs.gate else inputs.recorded_at,
        footer=f"Digest {formatting.format_text(inputs.digest, 64)}",
        sections=sections,
    )


def build_card_report(card: ReportDocument, inputs: CardInputs, *, report_id: str) -> Report:
    """Build the report that stores a card; it has a check for each section, inconclusive when the section is missing.

    :param report_id: the id of the report, the same for each attempt of a task, so that a retry replaces it.
    """
    checks = [
        Check(section.title, "inconclusive" if section.missing else "pass", "info", message=section.missing)
        for section in card.sections
    ]
    reports = {"evaluation": inputs.evaluation, "gate": inputs.gate, "self_tests": inputs.self_tests}
    facts: dict[str, Any] = {
        "version": {"model": inputs.model, "version": inputs.version, "digest": inputs.digest, "run_id": inputs.run_id},
        "reports": {name: report.id for name, report in reports.items() if report is not None},
        **document_facts(card),
    }
    report = Report.from_checks(
        KIND, str(inputs), checks, decision=inputs.gate.decision if inputs.gate else None, facts=facts
    )
    return replace(report, id=report_id)


def _decision(inputs: CardInputs) -> tuple[Tone, str, str]:
    if inputs.gate is None:
        return "none", "There is no gate decision.", ""
    head = headline.build_headline(inputs.gate)
    return head.tone, f"{head.title}. {head.lead}" if head.lead else f"{head.title}.", head.status


def _subject(inputs: CardInputs) -> str:
    target = inputs.run.params.get("target") if inputs.run else None
    prediction = (
        f"Predicts {formatting.format_text(target, formatting.MAX_LABEL_LENGTH)}"
        if target
        else "Its target is not known"
    )
    kind = f" ({overview.TASKS[inputs.task]})" if inputs.task else ""
    rows = as_mapping(inputs.data.get("train")).get("rows")
    training = f", trained on {formatting.format_count(rows, 'row')}" if isinstance(rows, int) else ""
    cutoff = f" up to {formatting.format_text(inputs.cutoff, formatting.MAX_LABEL_LENGTH)}" if inputs.cutoff else ""
    return f"{prediction}{kind}{training}{cutoff}."


def _key_values(inputs: CardInputs) -> PairsBlock:
    """Return the key values for the top of the card."""
    main = inputs.metric.name if inputs.metric else ""
    usage = [
        (label, decisions.format_measurement(name, inputs.challenger_facts.get(name)))
        for name, label in _USAGE.items()
        if name in inputs.challenger_facts
    ]
    value = as_mapping(inputs.challenger_facts.get("metrics")).get(main)
    rows = [
        (main, value),
        ("95 % interval", performance.format_interval(inputs.challenger_facts, main) if value is not None else None),
        ("Gate rows", inputs.gate_row_count),
        ("Features", len(inputs.contract.features) if inputs.contract else None),
    ]
    return PairsBlock.of([*rows, *usage])


_USAGE = {"bytes": "Size", "predict_ms_p50": "Latency of one row", "train_seconds": "Training time"}
