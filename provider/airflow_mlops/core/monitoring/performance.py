"""How good the predictions were, when the labels are there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import Field

from airflow_mlops.core.data.snapshot import Snapshot
from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.metrics import interval, metric
from airflow_mlops.core.monitoring.scoring import SCORE, VERSION
from airflow_mlops.core.policy import load_section
from airflow_mlops.core.report import Check, Report
from airflow_mlops.core.settings import Settings
from airflow_mlops.store import reports, versions, windows
from airflow_mlops.store.database import Database

if TYPE_CHECKING:
    import pandas as pd


class PerformancePolicy(Settings):
    """The performance section of ``policy.yaml``.

    :param metric: the figure that is watched.
    :param tolerance: how much worse than expected is still fine, in the metric's own unit.
    :param confidence: of the two-sided interval; the alarm needs the whole interval to be beyond the tolerance.
    :param min_rows: fewer labelled predictions are not judged.
    """

    metric: str = "roc_auc"
    tolerance: float = Field(default=0.02, ge=0)
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    min_rows: int = Field(default=200, ge=2)


def join(scores: Snapshot, labels: Snapshot, *, key: str, target: str) -> pd.DataFrame:
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


def version_of(scores: Snapshot) -> int:
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
    joined: pd.DataFrame, policy: PerformancePolicy, *, target: str, expected: float | None, subject: str
) -> Report:
    """Compare what the predictions were worth with what the gate had seen.

    :param joined: what :func:`join` gave.
    :param expected: the metric on the version's gate rows; ``None`` when not known: then only the figure is told.
    """
    m = metric(policy.metric)
    y, p = joined[target].to_numpy(), joined[SCORE].to_numpy()
    value = m.value(y, p)
    low, high = interval(policy.metric, y, p, confidence=policy.confidence)
    facts = {"metric": m.name, "value": value, "low": low, "high": high, "expected": expected, "rows": len(joined)}
    observed = {"value": value, "low": low, "high": high, "rows": len(joined)}
    if len(joined) < policy.min_rows or not all(map(math.isfinite, (value, low, high))):
        check = Check(
            m.name,
            "not_judged",
            observed=observed,
            expected=f">= {policy.min_rows} rows with labels of both classes",
            message=f"{len(joined)} labelled predictions are too few to judge",
        )
        return Report.of("performance", subject, [check], facts=facts)
    if expected is None or not math.isfinite(expected):
        told = Check(m.name, "not_judged", observed=observed, message="no expected value is known for this version")
        return Report.of("performance", subject, [told], facts=facts)
    best = high if m.direction == "higher" else low
    worse = -float(m.gain(best, expected)) > policy.tolerance
    check = Check(
        m.name,
        "fail" if worse else "pass",
        observed=observed,
        expected=f"{expected:.4f} within {policy.tolerance:g}",
        message=f"{m.name} {value:.3f} ({low:.3f} to {high:.3f}), expected {expected:.3f}",
    )
    return Report.of("performance", subject, [check], facts=facts)


def expected_of(database: Database, model: str, version: int, name: str) -> float | None:
    """Give a version's metric on its gate rows; ``None`` when its gate is not known."""
    report_id = versions.get(database, model, version).gate_report
    if report_id is None:
        return None
    values = reports.get(database, report_id).facts.get("values") or {}
    value = (values.get("challenger") or {}).get(name)
    return float(value) if isinstance(value, (int, float)) else None


def check_scores(
    database: Database,
    scores: Snapshot,
    labels: Snapshot,
    *,
    model: str,
    key: str,
    target: str,
    policy: str | Mapping[str, Any] | None = None,
) -> Report:
    """Judge a partition's scores by its labels, and keep the window of the version that made them.

    :raises BadInput: when the scores are of more than one version.
    """
    rules = load_section(PerformancePolicy, policy, "performance")
    version = version_of(scores)
    joined = join(scores, labels, key=key, target=target)
    partition = scores.ref.partition or scores.ref.id
    report = check(
        joined,
        rules,
        target=target,
        expected=expected_of(database, model, version, rules.metric),
        subject=f"{model} v{version} {partition}",
    )
    windows.record(
        database,
        model=model,
        version=version,
        kind="performance",
        partition=partition,
        verdict=report.verdict,
        value=report.facts["value"] if math.isfinite(report.facts["value"]) else None,
        rows=len(joined),
        report=report.id,
    )
    return report
