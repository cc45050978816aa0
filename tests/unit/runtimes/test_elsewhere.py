"""What a step elsewhere is told: import paths for functions, the project's folder, variables by name."""

from __future__ import annotations

import os
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from sklearn.linear_model import LogisticRegression

from airflow_mlops.core.errors import BadInput
from airflow_mlops.run.places import Told
from airflow_mlops.run.spec import Spec
from airflow_mlops.runtimes.elsewhere import importable, message_of, path_of, project_of
from airflow_mlops.runtimes.settings import Docker, ExternalPython

PLACES = Told.load({"store": {"url": "sqlite:////s.db", "snapshots": "/s"}, "mlflow": {"access": {"uri": "https://m"}}})
SPEC = Spec(key="d/r/t/-1", parameters={"build": "a.b:c"}, tags={"kept": "yes"})


def test_a_class_or_a_function_of_a_module_is_named_by_its_import_path() -> None:
    found = importable({"build": LogisticRegression, "function": path_of, "seed": 3, "text": "a.b:c"})
    assert found == {
        "build": "sklearn.linear_model._logistic:LogisticRegression",
        "function": "airflow_mlops.runtimes.elsewhere:path_of",
        "seed": 3,
        "text": "a.b:c",
    }


def of_a_dag() -> None: ...


of_a_dag.__module__ = "unusual_prefix_0123_training"


@pytest.mark.parametrize(
    "function", [lambda: 1, partial(path_of, parameter="x"), of_a_dag], ids=["lambda", "partial", "of a DAG's file"]
)
def test_a_function_without_an_import_path_is_refused_in_words(function: Any) -> None:
    with pytest.raises(
        BadInput, match="(?s)build is a function that other processes cannot import.*put it into a module"
    ):
        importable({"build": function})


def test_variables_are_passed_by_name_and_what_the_operator_sets_beats_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {"A": "1", "B": "2", "C": "3"})
    where = ExternalPython(python="/p", pass_environment=("A", "B"), environment={"B": "of the operator"})
    assert message_of(where, SPEC, PLACES, project=None).environment == {"A": "1", "B": "of the operator"}


def test_a_variable_that_the_worker_does_not_have_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {})
    with pytest.raises(BadInput, match="no variable TOKEN"):
        message_of(ExternalPython(python="/p", pass_environment=("TOKEN",)), SPEC, PLACES, project=None)


def test_the_run_is_marked_with_where_it_was_made() -> None:
    sent = message_of(Docker(image="team/training:3"), SPEC, PLACES, project="/bundle")
    assert sent.spec.tags == {"kept": "yes", "mlops.runtime": "docker team/training:3"}
    assert sent.path == ["/bundle"]


def test_the_operator_says_where_the_code_is_in_the_image() -> None:
    assert message_of(Docker(image="i", project="/code"), SPEC, PLACES, project="/bundle").path == ["/code"]


def test_the_project_is_the_bundle_or_what_is_above_the_dag_s_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend("/team/project")
    assert project_of(SimpleNamespace(path="/bundle"), "/team/project/dags/a.py") == "/bundle"
    assert project_of(None, "/team/project/dags/a.py") == "/team/project"
    assert project_of(None, "/elsewhere/dags/a.py") is None
    assert project_of(None, None) is None
