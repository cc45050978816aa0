"""What the training operators make of their parameters; how they run is shown by ``dag.test``."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from sklearn.linear_model import LogisticRegression

from airflow_mlops.execution.steps.parameters import candidate_name, resolve_features
from airflow_mlops.operators.train import run_tags


@pytest.mark.parametrize(
    ("build", "name"),
    [
        ("include.churn.model:boosted", "boosted"),
        ("include.churn.model.boosted", "boosted"),
        (LogisticRegression, "LogisticRegression"),
        (partial(partial(resolve_features), features=["x"]), "resolve_features"),
    ],
)
def test_a_candidate_is_named_after_the_function_that_builds_it(build: Any, name: str) -> None:
    assert candidate_name(build) == name


def test_the_tags_lead_back_to_the_dag_run_and_the_code() -> None:
    ti = SimpleNamespace(dag_id="d", run_id="r", bundle_instance=SimpleNamespace(name="b", version="v1"))
    assert run_tags({"ti": ti}, resolve_features) == {"mlops.dag_run": "d/r", "mlops.code_version": "bundle:b@v1"}  # type: ignore[typeddict-item]


def test_a_bundle_without_versions_and_an_estimator_of_a_library_are_named_by_the_dag_s_repository() -> None:
    ti = SimpleNamespace(dag_id="d", run_id="r", bundle_instance=SimpleNamespace(name="b", version=None))
    context: Any = {"ti": ti, "dag": SimpleNamespace(fileloc=__file__)}
    assert run_tags(context, LogisticRegression)["mlops.code_version"].startswith(("git:", "package:sklearn=="))
