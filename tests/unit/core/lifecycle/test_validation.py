"""Missing or inconsistent references of a lifecycle are found before a task runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from airflow_mlops.core.lifecycle import Lifecycle
from airflow_mlops.core.lifecycle.validation import find_spec_errors

REPO = Path(__file__).parents[4]
CHURN: dict[str, Any] = yaml.safe_load((REPO / "include" / "churn" / "lifecycle.yaml").read_text())


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPO)


def errors(**changes: Any) -> list[str]:
    return find_spec_errors(Lifecycle.load({**CHURN, **changes}))


def training(**changes: Any) -> list[str]:
    return errors(training={**CHURN["training"], **changes})


def test_the_lifecycle_of_churn_is_valid() -> None:
    assert errors() == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": {**CHURN["features"], "sql": "include/churn/sql/feature.sql"}}, "features.sql: there is no file"),
        ({"features": {**CHURN["features"], "transform": "include.churn.features:tenure"}}, "features.transform: "),
        (
            {"features": {"source": "include.churn.features:Crm"}},
            "features.source: 'include.churn.features' has no",
        ),
        ({"features": {"source": {"kind": "acme"}}}, "features.source: 'acme' is not a known row source"),
        ({"labels": {**CHURN["labels"], "binds": "include.churn.feature:label_binds"}}, "labels.binds: cannot import"),
        ({"contract": "include/churn/contact.yaml"}, "contract: there is no file include/churn/contact.yaml"),
        ({"environment": "served"}, "environment: 'served' is not among the contract's environments; did you mean"),
        ({"key": "customer"}, "key: 'customer' is not among the contract's columns; did you mean 'customer_id'?"),
        ({"target": "left"}, "target: 'left', but the contract's label is 'churned'"),
        ({"policy": "include/churn/none.yaml"}, "policy, gate: there is no file include/churn/none.yaml"),
    ],
)
def test_a_missing_reference_is_reported_with_its_key(changes: dict[str, Any], message: str) -> None:
    messages = errors(**changes)
    assert any(error.startswith(message) for error in messages), messages


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"candidates": ["include.churn.model:liner"]}, "training.candidates.0: 'include.churn.model' has no 'liner'"),
        ({"self_tests": "include.churn.tests"}, "training.self_tests: "),
        ({"about": "include/churn/about.md"}, "training.about: there is no file"),
        ({"slices": ["plan", "segment", "region", "city"]}, "training.slices: 'city' is not among"),
        ({"slices": ["plan"]}, "training.slices: the gate requires ['segment', 'region']"),
        ({"groups": []}, "training.groups: the gate requires ['region']"),
        ({"metric": "roc_auk"}, "training.metric: 'roc_auk' is not a known metric; did you mean 'roc_auc'?"),
        ({"metric": "mae"}, "training.metric: mae is for a regression task"),
    ],
)
def test_references_of_training_are_checked(changes: dict[str, Any], message: str) -> None:
    messages = training(**changes)
    assert any(error.startswith(message) for error in messages), messages


def test_a_policy_that_may_hold_requires_an_approval(tmp_path: Path) -> None:
    policy = yaml.safe_load((REPO / "include" / "churn" / "policy.yaml").read_text())
    policy["gate"]["approval"] = "always"
    (tmp_path / "policy.yaml").write_text(yaml.safe_dump(policy))
    changed = {"policy": str(tmp_path / "policy.yaml")}
    assert errors(**changed) == []
    (error,) = errors(**changed, training={**CHURN["training"], "approval": None})
    assert error.startswith("training.approval: null, but the gate may hold")


def test_a_policy_that_starts_from_tuning_requires_a_space(tmp_path: Path) -> None:
    policy = yaml.safe_load((REPO / "include" / "churn" / "policy.yaml").read_text())
    policy["episode"]["retraining"] = {"start_from": "tuning"}
    (tmp_path / "policy.yaml").write_text(yaml.safe_dump(policy))
    changed = {"policy": str(tmp_path / "policy.yaml")}
    (error,) = errors(**changed)
    assert error.startswith("training.tune: null, but the policy's episode starts a retraining from a new tuning")
    tuned = {**CHURN["training"], "tune": {"space": {"depth": [2, 4]}}}
    assert errors(**changed, training=tuned) == []


def test_an_environment_with_the_label_is_reported(tmp_path: Path) -> None:
    contract = yaml.safe_load((REPO / "include" / "churn" / "contract.yaml").read_text())
    contract["environments"]["serving"]["without"] = ["partition"]
    (tmp_path / "contract.yaml").write_text(yaml.safe_dump(contract))
    (error,) = errors(contract=str(tmp_path / "contract.yaml"))
    assert error.startswith("environment: 'serving' still has the label 'churned'")


def test_an_unknown_key_in_the_policy_is_reported_with_its_section(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("gate: {metrik: roc_auc}\n")
    (error,) = [m for m in errors(policy=str(tmp_path / "policy.yaml")) if m.startswith("policy")]
    assert "metrik: is not a known key; did you mean 'metric'?" in error


def test_a_lifecycle_without_training_needs_no_candidates() -> None:
    assert errors(training=None) == []
