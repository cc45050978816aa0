"""The model card: its sections in order, and its way into the store as a report."""

from __future__ import annotations

from typing import Any

from airflow_mlops.core.evaluation.card import about, figures, judged, limits, parts
from airflow_mlops.core.evaluation.card.known import Known, mapping
from airflow_mlops.core.pages import verdicts, words
from airflow_mlops.core.pages.documents import Document, Pairs, Section, kept
from airflow_mlops.core.pages.verdicts import Tone
from airflow_mlops.core.report import Check, Report

KIND = "model_card"


def model_card(known: Known) -> Document:
    """Write the card of a version. It is pure: the same evidence gives the same card.

    :param known: what is known of the version. What is not known is named as missing; nothing is made up.
    """
    sections = (
        about.identity(known),
        figures.metrics(known),
        judged.gate(known),
        about.data(known),
        about.inputs(known),
        about.parameters(known),
        figures.overfitting(known),
        figures.calibration(known),
        parts.slices(known),
        parts.fairness(known),
        figures.importance(known),
        judged.cost(known),
        judged.self_tests(known),
        *(Section.of(title, *said) for title, said in known.owners.others),
        limits.limits(known),
        about.use(known),
    )
    tone, said, plain = _decided(known)
    return Document(
        kind=verdicts.KINDS[KIND],
        title=words.text(known, words.MOST_LABEL * 2),
        subject=words.text(_subject(known)),
        lead=words.text(said),
        tone=tone,
        plain=words.text(plain),
        figures=_figures(known),
        made=known.gate.created_at if known.gate else known.recorded_at,
        foot=f"Digest {words.text(known.digest, 64)}",
        sections=sections,
    )


def report_of(card: Document, known: Known, *, report_id: str) -> Report:
    """Give the report in which a card is kept: a check for each section says whether there was something to tell.

    :param report_id: what it is kept under; the same for each attempt of a task, so that a retry replaces it.
    """
    checks = [
        Check(section.title, "not_judged" if section.missing else "pass", "info", message=section.missing)
        for section in card.sections
    ]
    given = {"evaluation": known.evaluation, "gate": known.gate, "self_tests": known.self_tests}
    facts: dict[str, Any] = {
        "version": {"model": known.model, "version": known.version, "digest": known.digest, "run_id": known.run_id},
        "reports": {name: report.id for name, report in given.items() if report is not None},
        **kept(card),
    }
    made = Report.of(KIND, str(known), checks, decision=known.gate.decision if known.gate else None, facts=facts)
    return Report(made.kind, made.subject, made.checks, made.verdict, made.decision, made.facts, report_id)


def _decided(known: Known) -> tuple[Tone, str, str]:
    if known.gate is None:
        return "none", "No gate has judged it.", ""
    head = verdicts.headline(known.gate)
    return head.tone, f"{head.said}. {head.lead}" if head.lead else f"{head.said}.", head.plain


def _subject(known: Known) -> str:
    target = known.run.params.get("target") if known.run else None
    told = f"Predicts {words.text(target, words.MOST_LABEL)}" if target else "What it predicts is not known"
    kind = f" ({about.TASKS[known.task]})" if known.task else ""
    rows = mapping(known.data.get("train")).get("rows")
    learned = f", from {words.count_of(rows, 'training row')}" if isinstance(rows, int) else ""
    until = f" up to {words.text(known.cutoff, words.MOST_LABEL)}" if known.cutoff else ""
    return f"{told}{kind}{learned}{until}."


def _figures(known: Known) -> Pairs:
    """Give the figures for the top of the card."""
    main = known.metric.name if known.metric else ""
    cost = [(label, judged.amount(name, known.ours.get(name))) for name, label in _COST.items() if name in known.ours]
    value = mapping(known.ours.get("metrics")).get(main)
    told = [
        (main, value),
        ("95 % interval", figures.interval(known.ours, main) if value is not None else None),
        ("Gate rows", known.rows),
        ("Features", len(known.contract.features) if known.contract else None),
    ]
    return Pairs.of([*told, *cost])


_COST = {"bytes": "Size", "predict_ms_p50": "One row takes", "train_seconds": "Fitted in"}
