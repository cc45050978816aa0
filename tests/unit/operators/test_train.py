"""What the training operators make of their parameters; how they run is shown by ``dag.test``."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from sklearn.linear_model import LogisticRegression

from airflow_mlops.core.errors import BadInput
from airflow_mlops.operators.train import contract_of, name_of, run_tags, whole


@pytest.mark.parametrize(
    ("build", "name"),
    [
        ("include.churn.model:boosted", "boosted"),
        ("include.churn.model.boosted", "boosted"),
        (LogisticRegression, "LogisticRegression"),
        (partial(partial(whole), seed=1), "whole"),
    ],
)
def test_a_candidate_is_named_after_the_function_that_builds_it(build: Any, name: str) -> None:
    assert name_of(build) == name


@pytest.mark.parametrize(("given", "seed"), [(None, None), ("", None), ("None", None), (0, 0), ("7", 7), (" 7 ", 7)])
def test_a_seed_may_come_out_of_a_template(given: Any, seed: int | None) -> None:
    assert whole(given) == seed


def test_a_seed_that_is_no_number_is_told() -> None:
    with pytest.raises(BadInput, match="seed='seven' is no whole number"):
        whole("seven")


def test_the_tags_lead_back_to_the_dag_run_and_the_code() -> None:
    ti = SimpleNamespace(dag_id="d", run_id="r", bundle_instance=SimpleNamespace(name="b", version="v1"))
    assert run_tags({"ti": ti}, whole) == {"mlops.dag_run": "d/r", "mlops.code_version": "bundle:b@v1"}  # type: ignore[typeddict-item]


def test_a_bundle_without_versions_and_an_estimator_of_a_library_are_named_by_the_dag_s_repository() -> None:
    ti = SimpleNamespace(dag_id="d", run_id="r", bundle_instance=SimpleNamespace(name="b", version=None))
    context: Any = {"ti": ti, "dag": SimpleNamespace(fileloc=__file__)}
    assert run_tags(context, LogisticRegression)["mlops.code_version"].startswith(("git:", "package:sklearn=="))


def test_no_contract_is_none() -> None:
    assert contract_of(None) is None


def logistic(seed: int = 0) -> LogisticRegression:
    return LogisticRegression(random_state=seed)
