"""The gate on a published evaluation: what it reads, and what it refuses because it is of something else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from airflow_mlops.core.errors import NotFound
from airflow_mlops.core.evaluation import GatePolicy
from airflow_mlops.core.evaluation.gate.policy import FACTS
from airflow_mlops.core.refs import ModelVersionRef
from airflow_mlops.core.registry import gating
from airflow_mlops.core.report import Check, Report

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
    known = {"evidence": rows.to_dict(), "champion_epoch": None, "metric": "roc_auc", "task": "binary"}
    known |= {"roles": {"challenger": of}, **facts}
    return Report.of("evaluation", str(CHALLENGER), [Check("roc_auc", "pass", "info")], facts=known)


def checked(status: str = "pass", digest: str = "d" * 64, subject: str = str(CHALLENGER)) -> Report:
    facts = {"digest": digest, "tests": {"reload": status}}
    return Report.of("self_test", subject, [Check("reload", status)], facts=facts)  # type: ignore[arg-type]


@pytest.fixture
def gate(database: Any, root: Any) -> Any:
    def run(evaluation: Report, policy: GatePolicy = POLICY, **how: Any) -> Report:
        return gating.gate(database, root, evaluation=evaluation, challenger=CHALLENGER, policy=policy, **how)

    return run


def test_slices_groups_and_every_fact_that_a_budget_can_name_reach_the_gate(gate: Any, rows: Any) -> None:
    policy = GatePolicy(
        min_rows=100,
        budgets=dict.fromkeys(FACTS, 5.0),
        fairness={"sex": {"demographic_parity": 1.0}},
        slices={"columns": ["region"]},
    )
    report = gate(evaluation(rows, of=dict.fromkeys(FACTS, 4.0)), policy)
    assert report.decision == "bootstrap"
    assert {f"budget {name}" for name in FACTS} < {c.name for c in report.checks}


@pytest.mark.parametrize(
    ("self_tests", "asked", "decision"),
    [
        (None, "if_given", "bootstrap"),
        (None, "required", "blocked"),
        (checked(), "required", "bootstrap"),
        (checked("fail"), "if_given", "reject"),
        (checked("not_judged"), "if_given", "bootstrap"),
        (checked("not_judged"), "required", "blocked"),
        (checked(digest="e" * 64), "if_given", "blocked"),
        (checked(digest="e" * 64), "required", "blocked"),
        (checked(subject="m v1"), "if_given", "blocked"),
        (replace(checked(), kind="drift"), "if_given", "blocked"),
        (replace(checked(), facts={}), "if_given", "blocked"),
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
    report = Report.of("self_test", "m", [Check("t079", "fail")], facts={"tests": many | {"t079": "fail"}})
    stored = Report.from_dict(report.to_dict())
    assert "t079" not in stored.facts["tests"]
    assert gating.statuses(stored)["t079"] == "fail"
    assert "fail" in gating.statuses(replace(stored, checks=())).values()


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"of": {"metrics": {"log_loss": 0.3}}}, "the evaluation has no roc_auc of the challenger"),
        ({"of": {"metrics": None}}, "the evaluation has no roc_auc of the challenger"),
        ({"of": {"metrics": {"roc_auc": "nan"}}}, "roc_auc of the challenger is nan, not a figure"),
        ({"of": {"digest": "e" * 64}}, "the evaluation is of files with the digest eeeeeeeeeeee"),
        ({"of": {"seen_rows": None}}, "it is not known which rows"),
        ({"task": "regression"}, "roc_auc judges a binary task, the evaluation is of a regression one"),
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
    with pytest.raises(NotFound, match="has no epoch 7"):
        gate(evaluation(rows, champion_epoch=7, roles=roles))


def test_the_report_that_is_stored_is_the_one_that_was_made(gate: Any, rows: Any) -> None:
    report = gate(evaluation(rows))
    again = Report.from_dict(report.to_dict())
    assert again.to_json() == report.to_json()
