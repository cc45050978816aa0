"""How good the predictions were, when the labels are there."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from airflow_mlops.core.data.snapshot import Snapshot
from airflow_mlops.core.errors import BadInput, NotFound
from airflow_mlops.core.metrics import interval, metric
from airflow_mlops.core.monitoring.scoring import SCORE, VERSION
from airflow_mlops.core.monitoring.scoring.scores import Scores
from airflow_mlops.core.monitoring.slices import parts
from airflow_mlops.core.policy import load_section
from airflow_mlops.core.report import Check, Report, Severity
from airflow_mlops.core.settings import Settings
from airflow_mlops.store import reports, versions, windows
from airflow_mlops.store.database import Database

if TYPE_CHECKING:
    import pandas as pd


KIND = "performance"


class PerformancePolicy(Settings):
    """The performance section of ``policy.yaml``.

    :param metric: the figure that is watched.
    :param tolerance: how much worse than expected is still fine, in the metric's own unit.
    :param confidence: of the two-sided interval; the alarm needs the whole interval to be beyond the tolerance.
    :param min_rows: fewer labelled predictions are not judged.
    :param min_share: nor are they when fewer than this share of the predictions have a label: what is known first is
        seldom like the rest.
    """

    metric: str = "roc_auc"
    tolerance: float = Field(default=0.02, ge=0)
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    min_rows: int = Field(default=200, ge=2)
    min_share: float = Field(default=0.5, ge=0, le=1)


def join(scores: Scores, labels: Snapshot, *, key: str, target: str) -> pd.DataFrame:
    """Join predictions with the labels that have come.

    :returns: key, target and score, one row for each key that has both.
    :raises BadInput: when the two are of different partitions, or a key repeats.
    """
    scored, known = scores.to_pandas([key, SCORE]), labels.to_pandas([key, target])
    if scores.ref.partition != labels.ref.partition:
        raise BadInput(
            f"scores of {scores.ref.partition} cannot be judged by labels of {labels.ref.partition}",
            where=f"{scores.ref.dataset}, {labels.ref.dataset}",
            mend="pass the labels of the same partition",
        )
    for frame, ref in ((scored, scores.ref), (known, labels.ref)):
        if frame[key].duplicated().any():
            raise BadInput(f"{key!r} repeats", where=f"{ref.dataset} {ref.partition}", mend="one row a key")
    return scored.merge(known, on=key, how="inner", validate="one_to_one")


def version_of(scores: Scores) -> int:
    """Give the version that made the scores.

    :raises BadInput: when they are of more than one.
    """
    made_by = sorted(set(scores.to_pandas([VERSION])[VERSION]))
    if len(made_by) != 1:
        raise BadInput(
            f"the scores are of versions {made_by}, not of one", where=f"{scores.ref.dataset} {scores.ref.partition}"
        )
    return int(made_by[0])


def check(
    joined: pd.DataFrame,
    policy: PerformancePolicy,
    *,
    target: str,
    expected: float | None,
    subject: str,
    scored: int | None = None,
) -> Report:
    """Compare what the predictions were worth with what the gate had seen.

    :param joined: what :func:`join` gave.
    :param expected: the metric on the version's gate rows; ``None`` when not known: then only the figure is told.
    :param scored: how many predictions there are, with a label or without; default: as many as are labelled.
    """
    told, facts = judged(joined, policy, target=target, expected=expected, scored=scored)
    return Report.of("performance", subject, [told], facts=facts)


def judged(
    joined: pd.DataFrame, policy: PerformancePolicy, *, target: str, expected: float | None, scored: int | None = None
) -> tuple[Check, dict[str, Any]]:
    """Judge labelled predictions: the check, and its figures."""
    m = metric(policy.metric)
    y, p = joined[target].to_numpy(), joined[SCORE].to_numpy()
    value = m.value(y, p)
    low, high = interval(policy.metric, y, p, confidence=policy.confidence)
    observed = {"value": value, "low": low, "high": high, "rows": len(joined)}
    scored = len(joined) if scored is None else scored
    facts = {"metric": m.name, **observed, "expected": expected, "scored": scored}
    if why := _too_few(observed, scored, policy):
        wanted = f">= {policy.min_rows} rows with labels of both classes"
        return Check(m.name, "not_judged", observed=observed, expected=wanted, message=why), facts
    if expected is None or not math.isfinite(expected):
        why = "no expected value is known for this version"
        return Check(m.name, "not_judged", observed=observed, message=why), facts
    best = high if m.direction == "higher" else low
    worse = -float(m.gain(best, expected)) > policy.tolerance
    told = Check(
        m.name,
        "fail" if worse else "pass",
        observed=observed,
        expected=f"{expected:.4f} within {policy.tolerance:g}",
        message=f"{m.name} {value:.3f} ({low:.3f} to {high:.3f}), expected {expected:.3f}",
    )
    return told, facts


def _too_few(observed: Mapping[str, Any], scored: int, policy: PerformancePolicy) -> str | None:
    """Say why labelled predictions cannot be judged yet; None when they can."""
    rows = observed["rows"]
    if rows < policy.min_rows or not all(math.isfinite(observed[name]) for name in ("value", "low", "high")):
        return f"{rows} labelled predictions are too few to judge"
    if rows < policy.min_share * scored:
        return f"only {rows} of {scored} predictions have a label yet"
    return None


def expected_of(database: Database, model: str, version: int, name: str) -> float | None:
    """Give a version's metric on its gate rows; ``None`` when its gate is not known."""
    report_id = versions.get(database, model, version).gate_report
    if report_id is None:
        return None
    values = reports.get(database, report_id).facts.get("values") or {}
    value = (values.get("challenger") or {}).get(name)
    return float(value) if isinstance(value, (int, float)) else None


def expected_in(database: Database, model: str, version: int, name: str, slice_: str) -> float | None:
    """Give a version's metric in a slice of its gate rows; ``None`` when its gate did not look at that slice."""
    report_id = versions.get(database, model, version).gate_report
    gate = None if report_id is None else reports.get(database, report_id)
    if gate is None or gate.facts.get("metric") != name:
        return None
    found = [c.observed for c in gate.checks if c.name == f"slice {slice_}" and isinstance(c.observed, Mapping)]
    value = found[0].get("challenger") if found else None
    return float(value) if isinstance(value, (int, float)) else None


def before(database: Database, model: str, version: int, partition: str, name: str) -> float | None:
    """Give what may be expected by the window before: the worse end of its interval; ``None`` without one."""
    earlier = [
        w
        for w in windows.of_model(database, model, KIND, version=version)
        if w.partition < partition and w.verdict != "not_judged" and w.value is not None
    ]
    if not earlier:
        return None
    try:
        facts = reports.get(database, str(earlier[-1].report)).facts
    except NotFound:
        return earlier[-1].value
    end = facts.get("low" if metric(name).direction == "higher" else "high")
    return float(end) if isinstance(end, (int, float)) and facts.get("metric") == name else None


@dataclass(frozen=True, slots=True)
class Closely:
    """How closely a window is looked at.

    :param against: ``baseline``: what the version's gate had seen; ``previous``: the window before.
    :param slices: columns of ``rows`` of which each value is looked at for itself, too; it only warns.
    :param rows: what was scored, with those columns.
    """

    against: Literal["baseline", "previous"] = "baseline"
    slices: Sequence[str] = ()
    rows: Snapshot | None = None


def check_scores(
    database: Database,
    scores: Scores,
    labels: Snapshot,
    *,
    model: str,
    key: str,
    target: str,
    policy: str | Mapping[str, Any] | None = None,
    closely: Closely | None = None,
) -> Report:
    """Judge a partition's scores by its labels, and keep the window of the version that made them.

    Labels that come late are judged with the others when it is called again: the same window is written anew, and no
    other.

    :param scores: a snapshot of them, or those in a prediction log.
    :raises BadInput: when the scores are of more than one version.
    """
    rules, closely = load_section(PerformancePolicy, policy, "performance"), closely or Closely()
    version, partition = version_of(scores), scores.ref.partition or scores.ref.id
    joined = join(scores, labels, key=key, target=target)
    kept = Kept(database, model, version, partition, closely.against)
    if closely.against == "previous":
        expected = before(database, model, version, partition, rules.metric)
    else:
        expected = expected_of(database, model, version, rules.metric)
    subject = f"{model} v{version} {partition}"
    report = check(joined, rules, target=target, expected=expected, subject=subject, scored=scores.ref.rows)
    beside = {} if closely.rows is None else {"rows": closely.rows}
    inputs = inputs_of(scores=scores, labels=labels, **beside)
    kept.window(report.verdict, report.facts, report.id, inputs)
    if closely.slices:
        told = list(_slices(joined, rules, target, key, closely, kept, report.id, inputs))
        whole = Report.of(KIND, subject, [*report.checks, *told])
        report = replace(report, checks=whole.checks, verdict=whole.verdict)
    return report


@dataclass(frozen=True, slots=True)
class Kept:
    """Where a window of performance is kept."""

    database: Database
    model: str
    version: int
    partition: str
    against: str

    def window(
        self, verdict: str, facts: Mapping[str, Any], report: str, inputs: Mapping[str, str], slice_: str = ""
    ) -> None:
        """Keep it."""
        windows.record(
            self.database,
            model=self.model,
            version=self.version,
            kind=KIND,
            partition=self.partition,
            verdict=verdict,
            value=facts["value"] if math.isfinite(facts["value"]) else None,
            rows=facts["rows"],
            report=report,
            slice_=slice_,
            against=self.against,
            inputs=inputs,
        )


def _slices(
    joined: pd.DataFrame,
    policy: PerformancePolicy,
    target: str,
    key: str,
    closely: Closely,
    kept: Kept,
    report: str,
    inputs: Mapping[str, str],
) -> Iterator[Check]:
    """Judge each slice for itself, and keep its window; it warns, and what the gate had not seen is only told."""
    if closely.rows is None:
        raise BadInput("nothing says which slice a prediction is in", mend="give rows=..., what was scored")
    beside = closely.rows.to_pandas(list(dict.fromkeys([key, *closely.slices])))
    frame = joined.merge(beside, on=key, how="left", validate="one_to_one")
    for name, rows in parts(frame, closely.slices):
        expected = expected_in(kept.database, kept.model, kept.version, policy.metric, name)
        told, facts = judged(rows, policy, target=target, expected=expected)
        severity: Severity = "info" if told.status == "not_judged" else "warn"
        kept.window(told.status, facts, report, inputs, slice_=name)
        yield replace(told, severity=severity, where=name)


def inputs_of(**snapshots: Scores) -> dict[str, str]:
    """Give by which snapshots a window is known again."""
    return {name: snapshot.ref.id for name, snapshot in snapshots.items()}
