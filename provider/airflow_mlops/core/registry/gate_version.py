"""Gate decision on a published evaluation, bound to the evaluated files and the champion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from airflow_mlops.common.errors import BadInput, NotFound
from airflow_mlops.common.refs import ModelVersionRef, SnapshotRef
from airflow_mlops.common.report import Report
from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
from airflow_mlops.core.evaluation import evidence_snapshot
from airflow_mlops.core.gate import GatePolicy, decide
from airflow_mlops.core.gate.bounds import finite_or_none
from airflow_mlops.core.gate.checks import check
from airflow_mlops.core.gate.decision import block
from airflow_mlops.core.gate.policy import BUDGET_FACTS
from airflow_mlops.core.metrics import METRICS, get_metric
from airflow_mlops.core.registry.promotion import bind
from airflow_mlops.store import ledger
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import LedgerEntry


def gate_version(
    database: Database,
    root: SnapshotRoot,
    *,
    evaluation: Report,
    challenger: ModelVersionRef,
    policy: GatePolicy,
    self_tests: Report | None = None,
) -> Report:
    """Decide on the evidence of an evaluation, and bind the decision to the challenger's files and the champion.

    An evaluation without evidence blocks, with its own messages.

    :param self_tests: the report of the challenger's model tests; one of other files blocks.
    :raises BadInput: when the evaluation is of another version.
    :raises NotFound: when the ledger does not have the champion that the evaluation compared with.
    """
    if evaluation.kind != "evaluation" or evaluation.subject != str(challenger):
        raise BadInput(
            f"the report is the {evaluation.kind} of {evaluation.subject}, not the evaluation of {challenger}",
            hint="pass the output of the EvaluateModelOperator that evaluated this version",
        )
    facts = evaluation.facts
    if "evidence" not in facts:
        return bind(_block_without_evidence(evaluation), challenger, None)
    scores = root.open(SnapshotRef.from_dict(facts["evidence"]))
    sides = {
        role: evidence_snapshot.read_evidence(
            scores,
            role,
            subject=f"{challenger.model} v{of['version']} ({role})",
            seen_rows=of["seen_rows"],
            facts={k: of[k] for k in BUDGET_FACTS if of.get(k) is not None},
        )
        for role, of in facts["roles"].items()
    }
    side = sides.get("challenger")
    revision = facts["champion_revision"]
    if side is None or (revision is not None and sides.get("champion") is None):
        raise BadInput("the evidence has no scores of both models", where=str(challenger), hint="evaluate again")
    champion = None if revision is None else ledger.at_revision(database, challenger.model, revision)
    if revision is not None and champion is None:
        raise NotFound(
            f"the ledger has no revision {revision} of {challenger.model!r}, with which the evaluation compared",
            where=database.address,
            hint="evaluate again, on the lifecycle store that the gate uses",
        )
    side = replace(side, self_tests=None if self_tests is None else model_test_statuses(self_tests))
    report = decide(sides.get("champion"), side, policy)
    problems = [
        *_missing_metrics(facts, policy),
        *_other_files(facts, self_tests, challenger),
        *_other_champion(facts, champion),
    ]
    for name, message in problems:
        report = block(report, name, message)
    return bind(report, challenger, champion)


def model_test_statuses(self_tests: Report) -> dict[str, str]:
    """Return the status of each model test. A failed report has a failed test, even where its facts name none."""
    tests = self_tests.facts.get("tests")
    by_name = {str(name): str(status) for name, status in tests.items()} if isinstance(tests, Mapping) else {}
    by_name |= {c.name: "fail" for c in self_tests.failed if c.severity == "error"}
    if self_tests.verdict == "fail" and "fail" not in by_name.values():
        by_name["all"] = "fail"
    return by_name


def _block_without_evidence(evaluation: Report) -> Report:
    """Return a blocked gate report for an evaluation that could not evaluate a model or the rows at all."""
    wrong = [c for c in evaluation.checks if c.status != "pass"] or list(evaluation.checks)
    reason = "; ".join(f"{c.where}: {c.message}" if c.where else c.message for c in wrong[:3]) or evaluation.verdict
    message = f"it was not evaluated: {reason}"
    failed = check("evaluated", False, evaluation.verdict, "evidence", evaluation.subject, message)
    return Report.from_checks("gate", evaluation.subject, [failed], decision="blocked")


def _missing_metrics(facts: Mapping[str, Any], policy: GatePolicy) -> list[tuple[str, str]]:
    """Return a problem if the evaluation is of another task, or has no value of the deciding metric."""
    task, expected = facts.get("task"), get_metric(policy.metric).task
    if task is not None and task != expected:
        return [("evaluated task", f"{policy.metric} is for a {expected} task, the evaluation is of a {task} one")]
    if policy.metric not in METRICS and policy.metric != facts.get("metric"):
        return []  # an evaluation has no other metric of one's own; the gate computes it from the evidence
    messages = []
    for role, of in facts["roles"].items():
        metrics = of.get("metrics")
        if not isinstance(metrics, Mapping) or policy.metric not in metrics:
            messages.append(f"the evaluation has no {policy.metric} of the {role}")
        elif finite_or_none(metrics[policy.metric]) is None:
            messages.append(f"{policy.metric} of the {role} is {metrics[policy.metric]}, not a number")
    return [(f"evaluated {policy.metric}", message) for message in messages]


def _other_files(
    facts: Mapping[str, Any], self_tests: Report | None, challenger: ModelVersionRef
) -> list[tuple[str, str]]:
    """Return a problem if the evaluation or the model tests are of other files than those to promote."""
    problems = []
    evaluated = facts["roles"]["challenger"].get("digest")
    if evaluated != challenger.digest:
        problems.append(("evaluated files", f"the evaluation is of files with the digest {str(evaluated)[:12]}…"))
    if self_tests is not None:
        tested = self_tests.facts.get("digest")
        if self_tests.kind != "self_test" or self_tests.subject != str(challenger) or tested != challenger.digest:
            report = f"the report is the {self_tests.kind} of {self_tests.subject}, digest {str(tested)[:12]}…"
            problems.append(("model tests of these files", f"{report}, not the model tests of {challenger}"))
    return problems


def _other_champion(facts: Mapping[str, Any], champion: LedgerEntry | None) -> list[tuple[str, str]]:
    """Return a problem if the ledger's champion of that revision is not the one that was scored."""
    if champion is None:
        return []
    of = facts["roles"]["champion"]
    if (of.get("version"), of.get("digest")) == (champion.version, champion.digest):
        return []
    message = (
        f"the ledger's champion of revision {champion.revision} is v{champion.version}, v{of.get('version')} was scored"
    )
    return [("evaluated champion", message)]
