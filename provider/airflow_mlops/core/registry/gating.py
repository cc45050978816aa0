"""The gate on a published evaluation, bound to the files it judged and the champion it compared them with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from airflow_mlops.core.data.snapshot import SnapshotRoot
from airflow_mlops.core.errors import BadInput, NotFound
from airflow_mlops.core.evaluation import GatePolicy, decide, evidence
from airflow_mlops.core.evaluation.gate.bounds import measured
from airflow_mlops.core.evaluation.gate.checks import check
from airflow_mlops.core.evaluation.gate.decision import blocked
from airflow_mlops.core.evaluation.gate.policy import FACTS
from airflow_mlops.core.metrics import metric
from airflow_mlops.core.refs import ModelVersionRef, SnapshotRef
from airflow_mlops.core.registry.promotion import bind
from airflow_mlops.core.report import Report
from airflow_mlops.store import ledger
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import LedgerEntry


def gate(
    database: Database,
    root: SnapshotRoot,
    *,
    evaluation: Report,
    challenger: ModelVersionRef,
    policy: GatePolicy,
    self_tests: Report | None = None,
) -> Report:
    """Decide on the evidence of an evaluation, and bind the decision to the challenger's files and the champion.

    An evaluation that came to nothing blocks, in its own words.

    :param self_tests: the report of the challenger's self-tests; of other files it blocks.
    :raises BadInput: when the evaluation is of another version.
    :raises NotFound: when the ledger does not know the champion that the evaluation compared with.
    """
    if evaluation.kind != "evaluation" or evaluation.subject != str(challenger):
        raise BadInput(
            f"the report is the {evaluation.kind} of {evaluation.subject}, not the evaluation of {challenger}",
            mend="pass the output of the EvaluateModelOperator that judged this version",
        )
    facts = evaluation.facts
    if "evidence" not in facts:
        return bind(_came_to_nothing(evaluation), challenger, None)
    scored = root.open(SnapshotRef.from_dict(facts["evidence"]))
    sides = {
        role: evidence.read(
            scored,
            role,
            subject=f"{challenger.model} v{of['version']} ({role})",
            seen_rows=of["seen_rows"],
            facts={k: of[k] for k in FACTS if of.get(k) is not None},
        )
        for role, of in facts["roles"].items()
    }
    judged = sides.get("challenger")
    epoch = facts["champion_epoch"]
    if judged is None or (epoch is not None and sides.get("champion") is None):
        raise BadInput("the evidence has no scores of both models", where=str(challenger), mend="evaluate again")
    champion = None if epoch is None else ledger.at_epoch(database, challenger.model, epoch)
    if epoch is not None and champion is None:
        raise NotFound(
            f"the ledger has no epoch {epoch} of {challenger.model!r}, with which the evaluation compared",
            where=database.address,
            mend="evaluate again, on the lifecycle store that the gate uses",
        )
    judged = replace(judged, self_tests=None if self_tests is None else statuses(self_tests))
    report = decide(sides.get("champion"), judged, policy)
    others = [*_of_other_files(facts, self_tests, challenger), *_of_another_champion(facts, champion)]
    for name, said in (*_not_evaluated(facts, policy), *others):
        report = blocked(report, name, said)
    return bind(report, challenger, champion)


def statuses(self_tests: Report) -> dict[str, str]:
    """Give what came of each self-test. A report that failed has a failed test, even where its facts name none."""
    tests = self_tests.facts.get("tests")
    found = {str(name): str(status) for name, status in tests.items()} if isinstance(tests, Mapping) else {}
    found |= {c.name: "fail" for c in self_tests.failed if c.severity == "error"}
    if self_tests.verdict == "fail" and "fail" not in found.values():
        found["all"] = "fail"
    return found


def _came_to_nothing(evaluation: Report) -> Report:
    """Block because of an evaluation without evidence: a model, or the rows, could not be judged at all."""
    wrong = [c for c in evaluation.checks if c.status != "pass"] or list(evaluation.checks)
    said = "; ".join(f"{c.where}: {c.message}" if c.where else c.message for c in wrong[:3]) or evaluation.verdict
    found = check("evaluated", False, evaluation.verdict, "evidence", evaluation.subject, f"it was not judged: {said}")
    return Report.of("gate", evaluation.subject, [found], decision="blocked")


def _not_evaluated(facts: Mapping[str, Any], policy: GatePolicy) -> list[tuple[str, str]]:
    """Say whether the evaluation lacks what decides: another task, or a metric that it has no figure of."""
    task, wanted = facts.get("task"), metric(policy.metric).task
    if task is not None and task != wanted:
        return [("evaluated task", f"{policy.metric} judges a {wanted} task, the evaluation is of a {task} one")]
    lacking = []
    for role, of in facts["roles"].items():
        figures = of.get("metrics")
        if not isinstance(figures, Mapping) or policy.metric not in figures:
            lacking.append(f"the evaluation has no {policy.metric} of the {role}")
        elif measured(figures[policy.metric]) is None:
            lacking.append(f"{policy.metric} of the {role} is {figures[policy.metric]}, not a figure")
    return [(f"evaluated {policy.metric}", said) for said in lacking]


def _of_other_files(
    facts: Mapping[str, Any], self_tests: Report | None, challenger: ModelVersionRef
) -> list[tuple[str, str]]:
    """Say whether the evaluation or the self-tests judged other files than those that are to be promoted."""
    found = []
    evaluated = facts["roles"]["challenger"].get("digest")
    if evaluated != challenger.digest:
        found.append(("evaluated files", f"the evaluation is of files with the digest {str(evaluated)[:12]}…"))
    if self_tests is not None:
        tested = self_tests.facts.get("digest")
        if self_tests.kind != "self_test" or self_tests.subject != str(challenger) or tested != challenger.digest:
            said = f"the report is the {self_tests.kind} of {self_tests.subject}, digest {str(tested)[:12]}…"
            found.append(("self-tests of these files", f"{said}, not the self-tests of {challenger}"))
    return found


def _of_another_champion(facts: Mapping[str, Any], champion: LedgerEntry | None) -> list[tuple[str, str]]:
    """Say whether the ledger's champion of that epoch is not the one that was scored."""
    if champion is None:
        return []
    of = facts["roles"]["champion"]
    if (of.get("version"), of.get("digest")) == (champion.version, champion.digest):
        return []
    said = f"the ledger's champion of epoch {champion.epoch} is v{champion.version}, v{of.get('version')} was scored"
    return [("evaluated champion", said)]
