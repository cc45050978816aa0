"""Performance of predictions, checked once labels are available."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, field_validator

from airflow_mlops.common.errors import BadInput, NotFound
from airflow_mlops.common.policy import load_section
from airflow_mlops.common.report import Check, Report, Severity
from airflow_mlops.common.settings import Settings
from airflow_mlops.core.data.snapshots.snapshot import Snapshot
from airflow_mlops.core.metrics import canonical_name, get_metric, interval
from airflow_mlops.core.monitoring.slices import split_slices
from airflow_mlops.core.scoring import SCORE_COLUMN, VERSION_COLUMN
from airflow_mlops.core.scoring.scores import Scores
from airflow_mlops.store import reports, versions, windows
from airflow_mlops.store.database import Database

if TYPE_CHECKING:
    import pandas as pd


KIND = "performance"


class PerformancePolicy(Settings):
    """The performance section of ``policy.yaml``.

    :param metric: the monitored metric.
    :param tolerance: the accepted loss compared with the expected value, in the metric's own unit.
    :param confidence: of the two-sided interval; the check fails only when the whole interval is beyond the tolerance.
    :param min_rows: with fewer labelled predictions the check is inconclusive.
    :param min_labelled_fraction: the same when less than this fraction of the predictions has a label: early labels
        are rarely representative.
    """

    renamed: ClassVar[Mapping[str, str]] = {"min_share": "min_labelled_fraction"}

    metric: str = "roc_auc"
    tolerance: float = Field(default=0.02, ge=0)
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    min_rows: int = Field(default=200, ge=2)
    min_labelled_fraction: float = Field(default=0.5, ge=0, le=1)

    @field_validator("metric")
    @classmethod
    def _resolve_alias(cls, metric: str) -> str:
        return canonical_name(metric)


def join_labels(scores: Scores, labels: Snapshot, *, key: str, target: str) -> pd.DataFrame:
    """Join predictions with the available labels.

    :return: key, target and score, one row for each key that has both.
    :raises BadInput: when the partitions differ, or a key is not unique.
    """
    scored, labelled = scores.to_pandas([key, SCORE_COLUMN]), labels.to_pandas([key, target])
    if scores.ref.partition != labels.ref.partition:
        raise BadInput(
            f"scores of {scores.ref.partition} cannot be evaluated with labels of {labels.ref.partition}",
            where=f"{scores.ref.dataset}, {labels.ref.dataset}",
            hint="pass the labels of the same partition",
        )
    for frame, ref in ((scored, scores.ref), (labelled, labels.ref)):
        if frame[key].duplicated().any():
            where = f"{ref.dataset} {ref.partition}"
            raise BadInput(f"key column {key!r} is not unique", where=where, hint="provide one row for each key")
    return scored.merge(labelled, on=key, how="inner", validate="one_to_one")


def version_of(scores: Scores) -> int:
    """Return the version that produced the scores.

    :raises BadInput: when there is more than one.
    """
    version_numbers = sorted(set(scores.to_pandas([VERSION_COLUMN])[VERSION_COLUMN]))
    if len(version_numbers) != 1:
        raise BadInput(
            f"the scores must be of one version; got {version_numbers}",
            where=f"{scores.ref.dataset} {scores.ref.partition}",
        )
    return int(version_numbers[0])


def performance_report(
    joined: pd.DataFrame,
    policy: PerformancePolicy,
    *,
    target: str,
    expected: float | None,
    subject: str,
    scored: int | None = None,
) -> Report:
    """Compare the performance of labelled predictions with the gate's.

    :param joined: the result of :func:`join`.
    :param expected: the metric on the version's gate rows; ``None`` when unknown: the value is then only reported.
    :param scored: the number of predictions, labelled or not; default: the number of labelled ones.
    """
    result, facts = evaluate_predictions(joined, policy, target=target, expected=expected, scored=scored)
    return Report.from_checks("performance", subject, [result], facts=facts)


def evaluate_predictions(
    joined: pd.DataFrame, policy: PerformancePolicy, *, target: str, expected: float | None, scored: int | None = None
) -> tuple[Check, dict[str, Any]]:
    """Evaluate labelled predictions; return the check and its metrics."""
    m = get_metric(policy.metric)
    y, p = joined[target].to_numpy(), joined[SCORE_COLUMN].to_numpy()
    value, failure = m.value_or_reason(y, p)
    low = high = math.nan
    if not failure:
        low, high = interval(policy.metric, y, p, confidence=policy.confidence)
    observed = {"value": value, "low": low, "high": high, "rows": len(joined)}
    scored = len(joined) if scored is None else scored
    facts = {"metric": m.name, **observed, "expected": expected, "scored": scored}
    if reason := failure or _inconclusive_reason(observed, scored, policy):
        required = f">= {policy.min_rows} rows with labels of both classes"
        return Check(m.name, "inconclusive", observed=observed, expected=required, message=reason), facts
    if expected is None or not math.isfinite(expected):
        reason = "no expected value is recorded for this version"
        return Check(m.name, "inconclusive", observed=observed, message=reason), facts
    best_case = high if m.direction == "higher" else low
    worse = -float(m.gain(best_case, expected)) > policy.tolerance
    result = Check(
        m.name,
        "fail" if worse else "pass",
        observed=observed,
        expected=f"{expected:.4f} within {policy.tolerance:g}",
        message=f"{m.name} {value:.3f} ({low:.3f} to {high:.3f}), expected {expected:.3f}",
    )
    return result, facts


def _inconclusive_reason(observed: Mapping[str, Any], scored: int, policy: PerformancePolicy) -> str | None:
    """Return why labelled predictions are not sufficient yet; None when they are."""
    rows = observed["rows"]
    if rows >= policy.min_rows and not math.isfinite(observed["value"]):
        return f"{policy.metric} is not defined on {rows} labelled predictions: {observed['value']}"
    if rows < policy.min_rows or not all(math.isfinite(observed[name]) for name in ("value", "low", "high")):
        return f"{rows} labelled predictions are too few"
    if rows < policy.min_labelled_fraction * scored:
        return f"only {rows} of {scored} predictions have a label yet"
    return None


def expected_metric(database: Database, model: str, version: int, name: str) -> float | None:
    """Return a version's metric on its gate rows; ``None`` when it has no gate report."""
    report_id = versions.get(database, model, version).gate_report
    if report_id is None:
        return None
    values = reports.get(database, report_id).facts.get("values") or {}
    value = (values.get("challenger") or {}).get(name)
    return float(value) if isinstance(value, (int, float)) else None


def expected_slice_metric(database: Database, model: str, version: int, name: str, slice_: str) -> float | None:
    """Return a version's metric in a slice of its gate rows; ``None`` when the gate did not check that slice."""
    report_id = versions.get(database, model, version).gate_report
    gate = None if report_id is None else reports.get(database, report_id)
    if gate is None or gate.facts.get("metric") != name:
        return None
    observed = [c.observed for c in gate.checks if c.name == f"slice {slice_}" and isinstance(c.observed, Mapping)]
    value = observed[0].get("challenger") if observed else None
    return float(value) if isinstance(value, (int, float)) else None


def previous_bound(database: Database, model: str, version: int, partition: str, name: str) -> float | None:
    """Return the worse end of the previous window's interval; ``None`` without a previous window."""
    earlier = [
        w
        for w in windows.of_model(database, model, KIND, version=version)
        if w.partition < partition and w.verdict != "inconclusive" and w.value is not None
    ]
    if not earlier:
        return None
    try:
        facts = reports.get(database, str(earlier[-1].report)).facts
    except NotFound:
        return earlier[-1].value
    end = facts.get("low" if get_metric(name).direction == "higher" else "high")
    return float(end) if isinstance(end, (int, float)) and facts.get("metric") == name else None


@dataclass(frozen=True, slots=True)
class PerformanceOptions:
    """Options of a performance check.

    :param against: ``baseline``: the gate's metric; ``previous``: the previous window.
    :param slices: columns of ``rows`` whose values are also checked one by one; slices only warn.
    :param rows: the scored rows, with those columns.
    """

    against: Literal["baseline", "previous"] = "baseline"
    slices: Sequence[str] = ()
    rows: Snapshot | None = None


def check_performance(
    database: Database,
    scores: Scores,
    labels: Snapshot,
    *,
    model: str,
    key: str,
    target: str,
    policy: str | Mapping[str, Any] | None = None,
    options: PerformanceOptions | None = None,
) -> Report:
    """Evaluate a partition's scores with its labels, and record the window of the version that produced them.

    A later call with late labels overwrites the same window and no other.

    :param scores: a snapshot of scores, or those in a prediction log.
    :raises BadInput: when the scores are of more than one version.
    """
    rules, options = load_section(PerformancePolicy, policy, "performance"), options or PerformanceOptions()
    version, partition = version_of(scores), scores.ref.partition or scores.ref.id
    joined = join_labels(scores, labels, key=key, target=target)
    if options.against == "previous":
        expected = previous_bound(database, model, version, partition, rules.metric)
    else:
        expected = expected_metric(database, model, version, rules.metric)
    subject = f"{model} v{version} {partition}"
    report = performance_report(
        joined, rules, target=target, expected=expected, subject=subject, scored=scores.ref.rows
    )
    extra_inputs = {} if options.rows is None else {"rows": options.rows}
    inputs = input_ids(scores=scores, labels=labels, **extra_inputs)
    window = windows.WindowResult(
        model=model,
        version=version,
        kind=KIND,
        partition=partition,
        verdict=report.verdict,
        value=_finite(report.facts["value"]),
        rows=report.facts["rows"],
        against=options.against,
        inputs=inputs,
    )
    slices = list(_check_slices(database, joined, rules, window, target, key, options)) if options.slices else []
    if slices:
        combined = Report.from_checks(KIND, subject, [*report.checks, *(check for check, _ in slices)])
        report = replace(report, checks=combined.checks, verdict=combined.verdict)
    windows.record(database, [window, *(result for _, result in slices)], report)
    return report


def _check_slices(
    database: Database,
    joined: pd.DataFrame,
    policy: PerformancePolicy,
    window: windows.WindowResult,
    target: str,
    key: str,
    options: PerformanceOptions,
) -> Iterator[tuple[Check, windows.WindowResult]]:
    """Evaluate each slice; failures only warn, slices unknown to the gate are inconclusive.

    :param window: the window over all rows.
    """
    if options.rows is None:
        raise BadInput("slices require the scored rows", hint="pass rows=..., the scored rows with the slice columns")
    slice_columns = options.rows.to_pandas(list(dict.fromkeys([key, *options.slices])))
    frame = joined.merge(slice_columns, on=key, how="left", validate="one_to_one")
    for name, rows in split_slices(frame, options.slices):
        expected = expected_slice_metric(database, window.model, window.version, policy.metric, name)
        check, facts = evaluate_predictions(rows, policy, target=target, expected=expected)
        severity: Severity = "info" if check.status == "inconclusive" else "warn"
        result = replace(window, slice_=name, verdict=check.status, value=_finite(facts["value"]), rows=facts["rows"])
        yield replace(check, severity=severity, where=name), result


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def input_ids(**snapshots: Scores) -> dict[str, str]:
    """Return the snapshot ids that identify the inputs of a window."""
    return {name: snapshot.ref.id for name, snapshot in snapshots.items()}
