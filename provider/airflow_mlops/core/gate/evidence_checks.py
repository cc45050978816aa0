"""Gate checks that the evidence is valid: complete, finite, large enough, paired and unseen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from airflow_mlops.common.report import Check
from airflow_mlops.core.gate.checks import check
from airflow_mlops.core.gate.evidence import Evidence
from airflow_mlops.core.gate.policy import GatePolicy
from airflow_mlops.core.metrics import METRICS, Array, Task, get_metric


def check_evidence(champion: Evidence | None, challenger: Evidence, policy: GatePolicy) -> list[Check]:
    """Check the evidence; any failed check blocks."""
    checks = [*_evidence_checks(challenger, policy), *_policy_input_checks(challenger, policy)]
    if champion is not None:
        checks += [_pairing(champion, challenger), *_evidence_checks(champion, policy)]
    return checks


def sort_by_key(evidence: Evidence) -> Evidence:
    """Sort the rows by key, so that the decision does not depend on their order."""
    order = np.argsort(np.asarray(evidence.keys).astype(str), kind="stable")

    def sorted_columns(columns: Mapping[str, Array]) -> dict[str, Array]:
        return {name: np.asarray(columns[name]).astype(str)[order] for name in sorted(columns)}

    return replace(
        evidence,
        keys=np.asarray(evidence.keys)[order],
        target=np.asarray(evidence.target, float)[order],
        scores=np.asarray(evidence.scores, float)[order],
        clusters=None if evidence.clusters is None else np.asarray(evidence.clusters).astype(str)[order],
        slices=sorted_columns(evidence.slices),
        groups=sorted_columns(evidence.groups),
    )


def _evidence_checks(evidence: Evidence, policy: GatePolicy) -> list[Check]:
    """Check the evidence of one model."""
    target, scores = np.asarray(evidence.target, float), np.asarray(evidence.scores, float)
    task = get_metric(policy.metric).task
    return [
        _rows(evidence, len(target), policy),
        _keys(evidence, len(target)),
        _finite(evidence, target, scores, task),
        _unseen(evidence),
        *([] if task == "regression" else [_classes(evidence, target, scores, policy)]),
        *(_defined(evidence, target, scores, name) for name in _deciding_metrics(policy)),
    ]


def _deciding_metrics(policy: GatePolicy) -> list[str]:
    """Return the metrics without whose values there is no decision; an undefined built-in floor rejects instead."""
    return list(dict.fromkeys([policy.metric, *(name for name in sorted(policy.floors) if name not in METRICS)]))


def _rows(evidence: Evidence, rows: int, policy: GatePolicy) -> Check:
    message = f"too few gate rows: {rows}, at least {policy.min_rows} are required" if rows else "the test set is empty"
    return check("rows", rows >= policy.min_rows, rows, f">= {policy.min_rows}", evidence.subject, message)


def _keys(evidence: Evidence, rows: int) -> Check:
    # Duplicate rows would overstate the evidence.
    unique = len(set(map(str, evidence.keys)))
    columns = [evidence.clusters, *evidence.slices.values(), *evidence.groups.values()]
    ok = unique == rows == len(evidence.keys) and all(c is None or len(c) == rows for c in columns)
    message = "row keys are not unique, or a column of clusters, slices or groups has another length than the rows"
    return check("row keys", ok, unique, rows, evidence.subject, message)


def _finite(evidence: Evidence, target: Array, scores: Array, task: Task) -> Check:
    shape_ok = len(scores) == len(target) and scores.ndim == (2 if task == "multiclass" else 1)
    wrong = int((~np.isfinite(scores)).sum()) if scores.size else 0
    missing = int((~np.isfinite(target)).sum())
    ok = shape_ok and scores.size > 0 and wrong == 0 and missing == 0
    if wrong or missing:
        message = f"{wrong} scores and {missing} targets are missing or not finite"
    elif not scores.size:
        message = "there are no scores"
    else:
        message = f"the scores have the shape {scores.shape}, which is not that of {len(target)} rows of a {task} task"
    observed = {"scores": wrong, "targets": missing, "shape": list(scores.shape)}
    return check("scores finite", ok, observed, "one finite score and target a row", evidence.subject, message)


def _unseen(evidence: Evidence) -> Check:
    if evidence.seen_rows is None:
        message = "it is not known which rows this model was trained on"
    else:
        message = f"{evidence.seen_rows} gate rows are in this model's training, tuning or selection data"
    return check("unseen rows", evidence.seen_rows == 0, evidence.seen_rows, 0, evidence.subject, message)


def _classes(evidence: Evidence, target: Array, scores: Array, policy: GatePolicy) -> Check:
    """Check that two classes have enough rows, and that the scores cover all classes of the target."""
    binary = get_metric(policy.metric).task == "binary"
    classes = 2 if binary else (scores.shape[1] if scores.ndim == 2 else 0)
    encoded = bool(np.isin(target, np.arange(classes)).all())
    counts = sorted((int((target == c).sum()) for c in range(classes)), reverse=True)
    second = counts[1] if len(counts) > 1 else 0
    if not encoded:
        message = f"the targets are not the numbers of {classes} classes, from 0 on"
    elif second == 0:
        message = "all gate rows are of one class"
    else:
        message = f"only {second} gate rows are of the second class, at least {policy.min_positives} are required"
    expected = f">= {policy.min_positives} rows of each of 0 and 1" if binary else f"two with >= {policy.min_positives}"
    name = "both classes" if binary else "classes"
    return check(name, encoded and second >= policy.min_positives, second, expected, evidence.subject, message)


def _defined(evidence: Evidence, target: Array, scores: Array, name: str) -> Check:
    """Check that a metric has a value: the log loss of scores that are not probabilities has none."""
    value, reason = get_metric(name).value_or_reason(target, scores)
    ok = bool(np.isfinite(value))
    message = reason or f"{name} has no finite value on these rows: {value}"
    # The report has "finite", not the value: the rows are not sorted yet, and its last digits depend on their order.
    return check(f"{name} defined", ok, "finite" if ok else value, "finite", evidence.subject, message)


def _policy_input_checks(challenger: Evidence, policy: GatePolicy) -> list[Check]:
    """Check that the evidence has the slices, protected attributes and model tests that the policy needs."""
    checks = []
    if policy.slices is not None:
        missing = [c for c in policy.slices.columns if c not in challenger.slices]
        ok = not missing and bool(challenger.slices)
        message = f"the evaluation has no slices {', '.join(missing)}" if missing else "the evaluation has no slices"
        message += "; add them with EvaluateModelOperator(slices=[...])"
        expected = list(policy.slices.columns) or "some"
        checks.append(check("slices present", ok, sorted(challenger.slices), expected, challenger.subject, message))
    if policy.fairness:
        missing = sorted(policy.fairness.keys() - challenger.groups.keys())
        message = f"the evaluation has no groups of {', '.join(missing)}"
        message += "; add them with EvaluateModelOperator(groups=[...])"
        required, groups = sorted(policy.fairness), sorted(challenger.groups)
        checks.append(check("groups present", not missing, groups, required, challenger.subject, message))
    if policy.self_tests == "required":
        tests = challenger.self_tests or {}
        conclusive = any(status != "inconclusive" for status in tests.values())
        message = "the policy requires model tests, and there are none for these files"
        if tests:
            message = f"the policy requires model tests, and all {len(tests)} are inconclusive"
        expected = "model tests of these files"
        checks.append(check("model tests present", conclusive, conclusive, expected, challenger.subject, message))
    return checks


def _pairing(champion: Evidence, challenger: Evidence) -> Check:
    """Check that both models were scored on the same rows."""
    champion_target, challenger_target = (np.asarray(e.target, float) for e in (champion, challenger))
    same_classes = np.shape(champion.scores)[1:] == np.shape(challenger.scores)[1:]
    same_rows = (
        champion.snapshot == challenger.snapshot
        and np.array_equal(champion.keys, challenger.keys)
        and np.array_equal(champion_target, challenger_target)
    )
    observed = {"champion": champion.snapshot, "challenger": challenger.snapshot}
    message = "champion and challenger were scored on different rows"
    if same_rows and not same_classes:
        message = "champion and challenger give probabilities of different numbers of classes"
    ok = same_rows and same_classes
    return check("same rows", ok, observed, "one snapshot, the same rows", challenger.subject, message)
