"""Is the challenger worse than the champion in some slice of the rows, however good it is on all of them?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from airflow_mlops.core.data.drift.statistics import holm
from airflow_mlops.core.evaluation.gate.checks import unjudged
from airflow_mlops.core.evaluation.gate.evidence import Evidence
from airflow_mlops.core.evaluation.gate.gain import ROUNDING, gain_of
from airflow_mlops.core.evaluation.gate.jackknife import Jackknife
from airflow_mlops.core.evaluation.gate.policy import GatePolicy, SlicePolicy
from airflow_mlops.core.metrics import Array, metric
from airflow_mlops.core.metrics.estimate import Estimate
from airflow_mlops.core.report import Check


@dataclass(frozen=True, slots=True)
class Slice:
    """How both models did in one slice.

    :param name: ``column=value``.
    :param rows: how many rows.
    :param champion: its metric there.
    :param challenger: its metric there.
    :param gain: the challenger's gain; of an unknown error when the slice is too small to be judged.
    :param why: why it is not judged; empty when it is.
    """

    name: str
    rows: int
    champion: float
    challenger: float
    gain: Estimate
    why: str = ""


def slice_checks(champion: Evidence, challenger: Evidence, policy: GatePolicy) -> list[Check]:
    """Judge every slice, and say which could not be.

    A slice is refused when the gain there is below ``-maximum_loss`` beyond chance: one-sided p-values of the paired
    jackknife, adjusted over all slices of all columns (Holm 1979), so that an equal challenger is refused at all
    in no more than ``1 - confidence`` of cases.

    :param champion: sound, on the challenger's rows in the same order.
    """
    rules = policy.slices or SlicePolicy()
    found = [
        measured(name, rows, champion, challenger, policy, rules)
        for column in sorted(challenger.slices)
        for name, rows in parts_of(column, challenger.slices[column])
    ]
    judged = [s for s in found if not s.why]
    chances = [s.gain.chance_below(-rules.maximum_loss - ROUNDING * abs(s.champion)) for s in judged]
    checks = [
        _check(s, p, adjusted, len(judged), policy, rules)
        for s, p, adjusted in zip(judged, chances, holm(chances), strict=True)
    ]
    small = [s for s in found if s.why]
    checks += [Check(f"slice {s.name}", "not_judged", "info", _seen(s, policy), None, None, s.why) for s in small]
    return checks + unjudged("slices judged", [f"{s.name} ({s.why})" for s in small], rules.not_judged)


def parts_of(column: str, values: Array) -> list[tuple[str, Array]]:
    """Give the slices of a column as the numbers of their rows, named ``column=value``."""
    names, which = np.unique(np.asarray(values).astype(str), return_inverse=True)
    order, counts = np.argsort(which, kind="stable"), np.bincount(which, minlength=len(names))
    rows = np.split(order, np.cumsum(counts)[:-1]) if len(names) else []
    return [(f"{column}={name}", part) for name, part in zip(names, rows, strict=True)]


def measured(
    name: str, rows: Array, champion: Evidence, challenger: Evidence, policy: GatePolicy, rules: SlicePolicy
) -> Slice:
    """Compare both models on some of the rows, if these are enough."""
    m, target = metric(policy.metric), np.asarray(challenger.target, float)[rows]
    theirs, ours = (np.asarray(e.scores, float)[rows] for e in (champion, challenger))
    values = m.value(target, theirs), m.value(target, ours)
    why = too_small(target, m.task != "regression", rules.min_rows, rules.min_positives)
    if not why and not np.isfinite(values).all():
        why = f"{policy.metric} is not defined"
    gain = Estimate(float(m.gain(values[1], values[0])), float("nan"), float("nan"))
    if not why:
        clusters = None if challenger.clusters is None else np.asarray(challenger.clusters)[rows]
        parts = Jackknife(len(rows), clusters, parts=policy.resamples, seed=policy.seed)
        gain = gain_of(m.name, target, theirs, ours, parts)
        why = "" if gain.known else f"{policy.metric} hangs on too few rows"
    return Slice(name, len(rows), *values, gain, why)


def too_small(target: Array, classes: bool, min_rows: int, min_positives: int) -> str:
    """Say why some rows are too few to judge by; nothing when they are enough.

    :param classes: whether the target is a class, of which two need ``min_positives`` rows.
    """
    if len(target) < min_rows:
        return f"{len(target)} rows"
    if not classes:
        return ""
    counts = sorted(np.unique(target, return_counts=True)[1].tolist(), reverse=True)
    if len(counts) < 2:
        return "one class"
    return f"{counts[1]} rows of the second class" if counts[1] < min_positives else ""


def _seen(s: Slice, policy: GatePolicy) -> dict[str, float | int]:
    low, high = s.gain.bounds(policy.confidence)
    both = {"challenger": s.challenger, "champion": s.champion}
    return {"rows": s.rows, **both, "gain": s.gain.value, "low": low, "high": high}


def _check(s: Slice, p: float, adjusted: float, among: int, policy: GatePolicy, rules: SlicePolicy) -> Check:
    good = adjusted > 1 - rules.confidence
    said = (
        f"{policy.metric} {s.challenger:.4f}, the champion's {s.champion:.4f}, on {s.rows} rows: worse "
        f"(p = {adjusted:.2g} after Holm over {among} slices)"
    )
    return Check(
        f"slice {s.name}",
        "pass" if good else "fail",
        "error",
        _seen(s, policy) | {"p_value": p, "p_adjusted": adjusted},
        f"gain not below {0 - rules.maximum_loss:g}",
        None,
        "" if good else said,
    )
