"""Whatever a lifecycle names and is not there, or does not fit, is found before a task finds it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from airflow_mlops.core.lifecycle import Lifecycle
from airflow_mlops.core.lifecycle.check import check

REPO = Path(__file__).parents[4]
CHURN: dict[str, Any] = yaml.safe_load((REPO / "include" / "churn" / "lifecycle.yaml").read_text())


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPO)


def mistakes(**changes: Any) -> list[str]:
    return check(Lifecycle.load({**CHURN, **changes}))


def training(**changes: Any) -> list[str]:
    return mistakes(training={**CHURN["training"], **changes})


def test_the_lifecycle_of_churn_holds() -> None:
    assert mistakes() == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"features": {**CHURN["features"], "sql": "include/churn/sql/feature.sql"}}, "features.sql: there is no file"),
        ({"features": {**CHURN["features"], "transform": "include.churn.features:tenure"}}, "features.transform: "),
        ({"labels": {**CHURN["labels"], "binds": "include.churn.feature:label_binds"}}, "labels.binds: cannot import"),
        ({"contract": "include/churn/contact.yaml"}, "contract: there is no file include/churn/contact.yaml"),
        ({"environment": "served"}, "environment: 'served' is not among the contract's environments; did you mean"),
        ({"key": "customer"}, "key: 'customer' is not among the contract's columns; did you mean 'customer_id'?"),
        ({"target": "left"}, "target: 'left', but the contract's label is 'churned'"),
        ({"policy": "include/churn/none.yaml"}, "policy, gate: there is no file include/churn/none.yaml"),
    ],
)
def test_what_is_not_there_is_named_by_its_key(changes: dict[str, Any], said: str) -> None:
    found = mistakes(**changes)
    assert any(mistake.startswith(said) for mistake in found), found


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"candidates": ["include.churn.model:liner"]}, "training.candidates.0: 'include.churn.model' has no 'liner'"),
        ({"self_tests": "include.churn.tests"}, "training.self_tests: "),
        ({"about": "include/churn/about.md"}, "training.about: there is no file"),
        ({"slices": ["plan", "segment", "region", "city"]}, "training.slices: 'city' is not among"),
        ({"slices": ["plan"]}, "training.slices: the gate judges ['segment', 'region']"),
        ({"groups": []}, "training.groups: the gate judges ['region']"),
        ({"metric": "roc_auk"}, "training.metric: 'roc_auk' is not among the metrics; did you mean 'roc_auc'?"),
        ({"metric": "mae"}, "training.metric: mae is for a regression task"),
    ],
)
def test_what_training_names_is_looked_for(changes: dict[str, Any], said: str) -> None:
    found = training(**changes)
    assert any(mistake.startswith(said) for mistake in found), found


def test_a_policy_that_may_hold_needs_somebody_to_ask(tmp_path: Path) -> None:
    policy = yaml.safe_load((REPO / "include" / "churn" / "policy.yaml").read_text())
    policy["gate"]["approval"] = "always"
    (tmp_path / "policy.yaml").write_text(yaml.safe_dump(policy))
    changed = {"policy": str(tmp_path / "policy.yaml")}
    assert mistakes(**changed) == []
    (found,) = mistakes(**changed, training={**CHURN["training"], "approval": None})
    assert found.startswith("training.approval: null, but the gate may hold")


def test_a_policy_that_asks_for_a_new_tuning_needs_a_space(tmp_path: Path) -> None:
    policy = yaml.safe_load((REPO / "include" / "churn" / "policy.yaml").read_text())
    policy["episode"]["retraining"] = {"start_from": "tuning"}
    (tmp_path / "policy.yaml").write_text(yaml.safe_dump(policy))
    changed = {"policy": str(tmp_path / "policy.yaml")}
    (found,) = mistakes(**changed)
    assert found.startswith("training.tune: null, but the policy's episode starts a retraining from a new tuning")
    tuned = {**CHURN["training"], "tune": {"space": {"depth": [2, 4]}}}
    assert mistakes(**changed, training=tuned) == []


def test_an_environment_that_keeps_the_label_is_found(tmp_path: Path) -> None:
    contract = yaml.safe_load((REPO / "include" / "churn" / "contract.yaml").read_text())
    contract["environments"]["serving"]["without"] = ["partition"]
    (tmp_path / "contract.yaml").write_text(yaml.safe_dump(contract))
    (found,) = mistakes(contract=str(tmp_path / "contract.yaml"))
    assert found.startswith("environment: 'serving' still has the label 'churned'")


def test_a_wrong_key_in_the_policy_is_told_with_its_section(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("gate: {metrik: roc_auc}\n")
    (found,) = [m for m in mistakes(policy=str(tmp_path / "policy.yaml")) if m.startswith("policy")]
    assert "metrik: is not a known key; did you mean 'metric'?" in found


def test_a_model_that_is_trained_elsewhere_needs_no_candidates() -> None:
    assert mistakes(training=None) == []
