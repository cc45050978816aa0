"""Messages to remote steps: import paths of functions, the project's folder, environment variables."""

from __future__ import annotations

import os
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from sklearn.linear_model import LogisticRegression

from airflow_mlops.common.errors import BadInput
from airflow_mlops.execution.runtimes import Docker, ExternalPython
from airflow_mlops.execution.runtimes.dispatch import (
    build_message,
    find_project_root,
    import_path_of,
    to_import_paths,
)
from airflow_mlops.execution.steps.resources import ResourceConfig
from airflow_mlops.execution.steps.spec import StepSpec

RESOURCES = ResourceConfig.load(
    {"store": {"url": "sqlite:////s.db", "snapshots": "/s"}, "mlflow": {"access": {"uri": "https://m"}}}
)
SPEC = StepSpec(key="d/r/t/-1", parameters={"build": "a.b:c"}, tags={"team": "a"})


def test_a_class_or_function_is_replaced_with_its_import_path() -> None:
    parameters = to_import_paths({"build": LogisticRegression, "function": import_path_of, "seed": 3, "text": "a.b:c"})
    assert parameters == {
        "build": "sklearn.linear_model._logistic:LogisticRegression",
        "function": f"{import_path_of.__module__}:{import_path_of.__name__}",
        "seed": 3,
        "text": "a.b:c",
    }


def dag_function() -> None: ...


dag_function.__module__ = "unusual_prefix_0123_training"


@pytest.mark.parametrize(
    "function",
    [lambda: 1, partial(import_path_of, parameter="x"), dag_function],
    ids=["lambda", "partial", "of a DAG's file"],
)
def test_a_function_without_an_import_path_is_rejected(function: Any) -> None:
    with pytest.raises(BadInput, match="(?s)build cannot be imported by another process.*move it to a module"):
        to_import_paths({"build": function})


def test_variables_of_the_operator_override_those_of_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {"A": "1", "B": "2", "C": "3"})
    where = ExternalPython(python="/p", pass_environment=("A", "B"), environment={"B": "of the operator"})
    assert build_message(where, SPEC, RESOURCES, project=None).environment == {"A": "1", "B": "of the operator"}


def test_a_variable_missing_on_the_worker_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {})
    with pytest.raises(BadInput, match="no environment variable TOKEN, SECRET"):
        build_message(ExternalPython(python="/p", pass_environment=("TOKEN", "SECRET")), SPEC, RESOURCES, project=None)


def test_the_run_is_tagged_with_its_runtime() -> None:
    sent = build_message(Docker(image="team/training:3"), SPEC, RESOURCES, project="/bundle")
    assert sent.spec.tags == {"team": "a", "mlops.runtime": "docker team/training:3"}
    assert sent.path == ["/bundle"]


def test_the_operator_sets_the_project_folder_of_the_image() -> None:
    assert build_message(Docker(image="i", project="/code"), SPEC, RESOURCES, project="/bundle").path == ["/code"]


def test_the_project_is_the_bundle_or_a_parent_of_the_dag_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend("/team/project")
    assert find_project_root(SimpleNamespace(path="/bundle"), "/team/project/dags/a.py") == "/bundle"
    assert find_project_root(None, "/team/project/dags/a.py") == "/team/project"
    assert find_project_root(None, "/other/dags/a.py") is None
    assert find_project_root(None, None) is None
