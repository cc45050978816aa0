"""The performance sections of a model card: metrics, overfitting, calibration and feature importance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_mlops.core.metrics import METRICS, find_metric
from airflow_mlops.core.model_card.inputs import CHALLENGER, CardInputs, as_mapping
from airflow_mlops.core.reports import formatting
from airflow_mlops.core.reports.documents import BarsBlock, CurveBlock, DocumentSection, ProseBlock, TableBlock

CHALLENGER_LABEL = "This version"
ARROWS = {"higher": "↑", "lower": "↓"}
PERFORMANCE, OVERFITTING, CALIBRATION, IMPORTANCE = "Performance", "Overfitting", "Calibration", "Feature importance"


def metrics_section(inputs: CardInputs) -> DocumentSection:
    """Build the section that compares the metrics of this version and the champion, with intervals."""
    challenger, champion = (
        as_mapping(role.get("metrics")) for role in (inputs.challenger_facts, inputs.champion_facts)
    )
    if not challenger:
        return DocumentSection.missing_section(PERFORMANCE, inputs.missing_reason("metrics"))
    head = ["Metric", CHALLENGER_LABEL, "95 % interval"]
    head += [inputs.champion_label, "95 % interval", "Gain"] if champion else []
    rows = []
    for name in _main_metric_first(inputs, challenger):
        row = [metric_label(name), challenger[name], format_interval(inputs.challenger_facts, name)]
        if champion:
            gain = format_gain(name, challenger[name], champion.get(name))
            row += [champion.get(name), format_interval(inputs.champion_facts, name), gain]
        rows.append(row)
    note = "↑ more is better, ↓ less is better." + (" Gain: above 0 this version is better." if champion else "")
    none = None if champion else ProseBlock.of("There was no champion to compare it with.")
    return DocumentSection.of(
        PERFORMANCE, TableBlock.of(head, rows, note=note), none, lead=performance_headline(inputs)
    )


def performance_headline(inputs: CardInputs) -> str:
    """Return the main metric, the number of rows, and how many of them the model had seen."""
    if inputs.metric is None or not inputs.challenger_facts:
        return ""
    name = inputs.metric.name
    value = as_mapping(inputs.challenger_facts.get("metrics")).get(name)
    text = f"{name} {formatting.format_value(value)}{_format_interval(inputs.challenger_facts, name)}"
    if inputs.gate_row_count is None:
        return f"{text}."
    seen = inputs.challenger_facts.get("seen_rows")
    texts = {0: "that it had never seen", None: "; it is not known whether it had seen some of them"}
    novelty = texts.get(seen, f"of which it had seen {formatting.format_value(seen)}")
    return f"{text} on {formatting.format_count(inputs.gate_row_count, 'row')} {novelty}.".replace(" ;", ";")


def overfitting_section(inputs: CardInputs) -> DocumentSection:
    """Build the section that compares metrics on training rows and gate rows."""
    train, gate = (
        as_mapping(inputs.challenger_facts.get("train_metrics")),
        as_mapping(inputs.challenger_facts.get("metrics")),
    )
    checks = [c for c in inputs.checks if c.name == "overfitting" and c.where == CHALLENGER]
    message = f"{formatting.replace_arrows(checks[0].message)}." if checks and checks[0].message else ""
    if not train:
        reason = message if checks else inputs.missing_reason("metrics on training rows")
        return DocumentSection.missing_section(OVERFITTING, reason)
    verdict = {"fail": "Large: ", "pass": "Small: "}.get(checks[0].status, "Inconclusive: ") if checks else ""
    rows = [[metric_label(name), train[name], gate.get(name)] for name in _main_metric_first(inputs, train)]
    note = "Training rows are a sample. A model that memorises its training rows can still be the better one."
    grid = TableBlock.of(("Metric", "Training rows", "Gate rows"), rows, note=note)
    return DocumentSection.of(OVERFITTING, grid, lead=verdict + message)


def calibration_section(inputs: CardInputs) -> DocumentSection:
    """Build the section with the calibration curve."""
    if inputs.task in ("regression", "multiclass"):
        return DocumentSection.of(
            CALIBRATION, lead="Calibration is measured in binary tasks; this model has another task."
        )
    series = {
        CHALLENGER_LABEL: inputs.challenger_facts.get("calibration"),
        inputs.champion_label if inputs.champion_facts else "": inputs.champion_facts.get("calibration"),
    }
    curve = CurveBlock.of(("mean score", "positives"), {k: v for k, v in series.items() if v})
    if not curve.series:
        return DocumentSection.missing_section(CALIBRATION, inputs.missing_reason("calibration"))
    error = as_mapping(inputs.challenger_facts.get("metrics")).get("calibration_error")
    difference = formatting.format_value(error)
    lead = f"On average, the mean score of a bin differs from its fraction of positives by {difference}."
    return DocumentSection.of(CALIBRATION, curve, lead=lead if formatting.finite_number(error) is not None else "")


def importance_section(inputs: CardInputs) -> DocumentSection:
    """Build the section with the permutation importance of the features."""
    rows = inputs.challenger_facts.get("importance")
    unit = f"Loss of {inputs.metric.name}" if inputs.metric else "Loss"
    note = "Loss of the metric when the column is shuffled, with a 95 % interval. Correlated columns share importance."
    bars = BarsBlock.of(("Column", unit), rows if isinstance(rows, (list, tuple)) else [], note)
    if not bars.rows:
        return DocumentSection.missing_section(IMPORTANCE, inputs.missing_reason("importance"))
    return DocumentSection.of(IMPORTANCE, bars, lead="Features that the model uses; they need not cause the outcome.")


def metric_label(name: str) -> str:
    """Return the label of a metric, with its direction."""
    metric = find_metric(name)
    return f"{name} {ARROWS[metric.direction]}" if metric else name


def format_gain(name: str, challenger: Any, champion: Any) -> str:
    """Format the gain of this version over the champion; below 0 it is worse."""
    metric, challenger, champion = (
        find_metric(name),
        formatting.finite_number(challenger),
        formatting.finite_number(champion),
    )
    if metric is None or challenger is None or champion is None:
        return formatting.EMPTY_VALUE
    return formatting.format_signed(float(f"{float(metric.gain(challenger, champion)):.3g}"))


def format_interval(role: Mapping[str, Any], name: str) -> str:
    """Format the interval of a metric."""
    return _format_interval(role, name).strip(" ()") or formatting.EMPTY_VALUE


def _format_interval(role: Mapping[str, Any], name: str) -> str:
    ends = as_mapping(role.get("intervals")).get(name)
    return formatting.format_interval(*ends) if isinstance(ends, (list, tuple)) and len(ends) == 2 else ""


def _main_metric_first(inputs: CardInputs, metrics: Mapping[str, Any]) -> list[str]:
    main = inputs.metric.name if inputs.metric else None
    order = list(METRICS)  # stored reports have them in alphabetical order
    ranks = {name: order.index(name) if name in order else len(order) for name in metrics}
    return sorted(metrics, key=lambda name: (name != main, ranks[name]))
