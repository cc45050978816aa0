"""The gate on a published evaluation: what it reads, and what it refuses because it is of something else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from airflow_mlops.common.errors import NotFound
from airflow_mlops.common.refs import ModelVersionRef
from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.gate import GatePolicy
from airflow_mlops.core.gate.policy import BUDGET_FACTS
from airflow_mlops.core.registry import gate_version

CHALLENGER = ModelVersionRef("m", 2, "d" * 64, "run", "2026-04-06")
POLICY = GatePolicy(min_rows=100)


@pytest.fixture
def rows(root: Any) -> Any:
    """Evidence of two models, of which the challenger is far better, with a slice and a group."""
    rng = np.random.default_rng(0)
    target = (rng.random(600) < 0.4).astype(float)
    bad, good = (np.clip(0.5 + s * (target - 0.5) + 0.2 * rng.normal(size=600), 0.01, 0.99) for s in (0.1, 0.9))
    frame = pd.DataFrame(
        {
            "row_key": [f"r{i}" for i in range(600)],
            "cluster": [f"c{i}" for i in range(600)],
            "target": target,
            "score_champion": bad,
            "score_challenger": good,
            "slice_region": np.where(np.arange(600) % 2, "north", "south"),
            "group_sex": np.where(np.arange(600) % 3, "f", "m"),
        }
    )
    return root.write("evidence", frame)


def evaluation(rows: Any, **facts: Any) -> Report:
    """An evaluation without a champion; facts of the challenger by ``of``."""
    of = {"version": 2, "digest": "d" * 64, "seen_rows": 0, "bytes": 100, "metrics": {"roc_auc": 0.9}}
    of |= facts.pop("of", {})
    known = {"evidence": rows.to_dict(), "champion_revision": None, "metric": "roc_auc", "task": "binary"}
    known |= {"roles": {"challenger": of}, **facts}
    return Report.from_checks("evaluation", str(CHALLENGER), [Check("roc_auc", "pass", "info")], facts=known)


def checked(status: str = "pass", digest: str = "d" * 64, subject: str = str(CHALLENGER)) -> Report:
    facts = {"digest": digest, "tests": {"reload": status}}
    return Report.from_checks("self_test", subject, [Check("reload", status)], facts=facts)  # type: ignore[arg-type]


@pytest.fixture
def gate(database: Any, root: Any) -> Any:
    def run(evaluation: Report, policy: GatePolicy = POLICY, **how: Any) -> Report:
        return gate_version.gate_version(
            database, root, evaluation=evaluation, challenger=CHALLENGER, policy=policy, **how
        )

    return run


def test_slices_groups_and_every_fact_that_a_budget_can_name_reach_the_gate(gate: Any, rows: Any) -> None:
    policy = GatePolicy(
        min_rows=100,
        budgets=dict.fromkeys(BUDGET_FACTS, 5.0),
        fairness={"sex": {"demographic_parity": 1.0}},
        slices={"columns": ["region"]},
    )
    report = gate(evaluation(rows, of=dict.fromkeys(BUDGET_FACTS, 4.0)), policy)
    assert report.decision == "promote_first"
    assert {f"budget {name}" for name in BUDGET_FACTS} < {c.name for c in report.checks}


@pytest.mark.parametrize(
    ("self_tests", "asked", "decision"),
    [
        (None, "if_present", "promote_first"),
        (None, "required", "blocked"),
        (checked(), "required", "promote_first"),
        (checked("fail"), "if_present", "reject"),
        (checked("inconclusive"), "if_present", "promote_first"),
        (checked("inconclusive"), "required", "blocked"),
        (checked(digest="e" * 64), "if_present", "blocked"),
        (checked(digest="e" * 64), "required", "blocked"),
        (checked(subject="m v1"), "if_present", "blocked"),
        (replace(checked(), kind="drift"), "if_present", "blocked"),
        (replace(checked(), facts={}), "if_present", "blocked"),
    ],
)
def test_self_tests_count_if_they_are_of_the_same_files(
    gate: Any, rows: Any, self_tests: Any, asked: Any, decision: str
) -> None:
    report = gate(evaluation(rows), POLICY.model_copy(update={"self_tests": asked}), self_tests=self_tests)
    assert report.decision == decision
    assert report.facts["binding"]["digest"] == "d" * 64


def test_a_failed_self_test_beyond_what_facts_can_hold_is_not_lost() -> None:
    many = {f"t{i:03}": "pass" for i in range(80)}
    report = Report.from_checks("self_test", "m", [Check("t079", "fail")], facts={"tests": many | {"t079": "fail"}})
    stored = Report.from_dict(report.to_dict())
    assert "t079" not in stored.facts["tests"]
    assert gate_version.model_test_statuses(stored)["t079"] == "fail"
    assert "fail" in gate_version.model_test_statuses(replace(stored, checks=())).values()


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"of": {"metrics": {"log_loss": 0.3}}}, "the evaluation has no roc_auc of the challenger"),
        ({"of": {"metrics": None}}, "the evaluation has no roc_auc of the challenger"),
        ({"of": {"metrics": {"roc_auc": "nan"}}}, "roc_auc of the challenger is nan, not a number"),
        ({"of": {"digest": "e" * 64}}, "the evaluation is of files with the digest eeeeeeeeeeee"),
        ({"of": {"seen_rows": None}}, "it is not known which rows"),
        ({"task": "regression"}, "roc_auc is for a binary task, the evaluation is of a regression one"),
    ],
)
def test_an_evaluation_that_lacks_something_blocks_in_words_of_its_own(
    gate: Any, rows: Any, facts: Any, said: str
) -> None:
    report = gate(evaluation(rows, **facts))
    assert report.decision == "blocked"
    assert said in report.summary()


def test_a_champion_that_the_ledger_does_not_know_is_an_error(gate: Any, rows: Any) -> None:
    roles = {role: evaluation(rows).facts["roles"]["challenger"] for role in ("challenger", "champion")}
    with pytest.raises(NotFound, match="has no revision 7"):
        gate(evaluation(rows, champion_revision=7, roles=roles))


def test_the_report_that_is_stored_is_the_one_that_was_made(gate: Any, rows: Any) -> None:
    report = gate(evaluation(rows))
    again = Report.from_dict(report.to_dict())
    assert again.to_json() == report.to_json()
