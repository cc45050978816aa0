"""Does the evidence allow a judgement at all? What is missing, not finite, too small or seen before does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from airflow_mlops.core.evaluation.gate.checks import check
from airflow_mlops.core.evaluation.gate.evidence import Evidence
from airflow_mlops.core.evaluation.gate.policy import GatePolicy
from airflow_mlops.core.metrics import Array, Task, metric
from airflow_mlops.core.report import Check


def soundness(champion: Evidence | None, challenger: Evidence, policy: GatePolicy) -> list[Check]:
    """Give the checks any of which blocks when it fails."""
    checks = [*_of_one(challenger, policy), *_asked_for(challenger, policy)]
    if champion is not None:
        checks += [*_pairing(champion, challenger), *_of_one(champion, policy)]
    return checks


def in_order(evidence: Evidence) -> Evidence:
    """Put the rows into the order of their keys: the decision depends on the rows, not on how they came."""
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


def _of_one(evidence: Evidence, policy: GatePolicy) -> list[Check]:
    """Is there enough sound evidence on one model?"""
    target, scores = np.asarray(evidence.target, float), np.asarray(evidence.scores, float)
    task = metric(policy.metric).task
    return [
        _rows(evidence, len(target), policy),
        _keys(evidence, len(target)),
        _finite(evidence, target, scores, task),
        _unseen(evidence),
        *([] if task == "regression" else [_classes(evidence, target, scores, policy)]),
        _defined(evidence, target, scores, policy),
    ]


def _rows(evidence: Evidence, rows: int, policy: GatePolicy) -> Check:
    said = f"too few gate rows: {rows}, at least {policy.min_rows} are asked for" if rows else "the test set is empty"
    return check("rows", rows >= policy.min_rows, rows, f">= {policy.min_rows}", evidence.subject, said)


def _keys(evidence: Evidence, rows: int) -> Check:
    # A row that is there twice would make the evidence look stronger than it is.
    different = len(set(map(str, evidence.keys)))
    columns = [evidence.clusters, *evidence.slices.values(), *evidence.groups.values()]
    good = different == rows == len(evidence.keys) and all(c is None or len(c) == rows for c in columns)
    said = "not one key of its own, and one cluster, slice and group where there are any, for each row"
    return check("row keys", good, different, rows, evidence.subject, said)


def _finite(evidence: Evidence, target: Array, scores: Array, task: Task) -> Check:
    shaped = len(scores) == len(target) and scores.ndim == (2 if task == "multiclass" else 1)
    wrong = int((~np.isfinite(scores)).sum()) if scores.size else 0
    missing = int((~np.isfinite(target)).sum())
    good = shaped and scores.size > 0 and wrong == 0 and missing == 0
    if wrong or missing:
        said = f"{wrong} scores and {missing} targets are missing or not finite"
    elif not scores.size:
        said = "there are no scores"
    else:
        said = f"the scores have the shape {scores.shape}, which is not that of {len(target)} rows of a {task} task"
    observed = {"scores": wrong, "targets": missing, "shape": list(scores.shape)}
    return check("scores finite", good, observed, "one finite score and target a row", evidence.subject, said)


def _unseen(evidence: Evidence) -> Check:
    if evidence.seen_rows is None:
        said = "it is not known which rows this model was trained on"
    else:
        said = f"{evidence.seen_rows} gate rows are in this model's training, tuning or selection data"
    return check("unseen rows", evidence.seen_rows == 0, evidence.seen_rows, 0, evidence.subject, said)


def _classes(evidence: Evidence, target: Array, scores: Array, policy: GatePolicy) -> Check:
    """Are there two classes with enough rows, and does the target name classes that the scores have?"""
    binary = metric(policy.metric).task == "binary"
    known = 2 if binary else (scores.shape[1] if scores.ndim == 2 else 0)
    coded = bool(np.isin(target, np.arange(known)).all())
    counts = sorted((int((target == c).sum()) for c in range(known)), reverse=True)
    smaller = counts[1] if len(counts) > 1 else 0
    if not coded:
        said = f"the targets are not the numbers of {known} classes, from 0 on"
    elif smaller == 0:
        said = "all gate rows are of one class: nothing can be told apart"
    else:
        said = f"only {smaller} gate rows are of the second class, at least {policy.min_positives} are asked for"
    expected = f">= {policy.min_positives} rows of each of 0 and 1" if binary else f"two with >= {policy.min_positives}"
    name = "both classes" if binary else "classes"
    return check(name, coded and smaller >= policy.min_positives, smaller, expected, evidence.subject, said)


def _defined(evidence: Evidence, target: Array, scores: Array, policy: GatePolicy) -> Check:
    """Does the metric that decides have a value? A score that is no probability has no log loss."""
    value = metric(policy.metric).value(target, scores)
    good = bool(np.isfinite(value))
    said = f"{policy.metric} has no finite value on these rows"
    # Not the figure itself: the rows are not in order yet, and its last digits would tell how they came.
    return check(f"{policy.metric} defined", good, "finite" if good else value, "finite", evidence.subject, said)


def _asked_for(challenger: Evidence, policy: GatePolicy) -> list[Check]:
    """Does the evidence have what the policy's rules judge: slices, protected attributes, self-tests?"""
    checks = []
    if policy.slices is not None:
        missing = [c for c in policy.slices.columns if c not in challenger.slices]
        good = not missing and bool(challenger.slices)
        said = f"the evaluation has no slices {', '.join(missing)}" if missing else "the evaluation has no slices"
        mend = f"{said}; EvaluateModelOperator(slices=[...]) makes them"
        expected = list(policy.slices.columns) or "some"
        checks.append(check("slices there", good, sorted(challenger.slices), expected, challenger.subject, mend))
    if policy.fairness:
        missing = sorted(policy.fairness.keys() - challenger.groups.keys())
        said = f"the evaluation has no groups of {', '.join(missing)}; EvaluateModelOperator(groups=[...]) makes them"
        wanted = sorted(policy.fairness)
        checks.append(check("groups there", not missing, sorted(challenger.groups), wanted, challenger.subject, said))
    if policy.self_tests == "required":
        tests = challenger.self_tests or {}
        judged = sum(status != "not_judged" for status in tests.values())
        said = "the policy asks for self-tests, and there are none of these files"
        if tests:
            said = f"the policy asks for self-tests, and none of the {len(tests)} could be judged"
        expected = "self-tests of these files"
        checks.append(check("self-tests there", judged > 0, judged > 0, expected, challenger.subject, said))
    return checks


def _pairing(champion: Evidence, challenger: Evidence) -> list[Check]:
    """Were both models scored on the very same rows?"""
    theirs, ours = (np.asarray(e.target, float) for e in (champion, challenger))
    alike = np.shape(champion.scores)[1:] == np.shape(challenger.scores)[1:]
    same = (
        champion.snapshot == challenger.snapshot
        and np.array_equal(champion.keys, challenger.keys)
        and np.array_equal(theirs, ours)
    )
    observed = {"champion": champion.snapshot, "challenger": challenger.snapshot}
    said = "champion and challenger were scored on different rows"
    if same and not alike:
        said = "champion and challenger give probabilities of different numbers of classes"
    return [check("same rows", same and alike, observed, "one snapshot, the same rows", challenger.subject, said)]
