"""Formats of other packages: an entry point or a trusted import path stores and loads a model."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from airflow_mlops.common.errors import BadInput, Refused
from airflow_mlops.common.imports import import_object
from airflow_mlops.core.models import artifact
from airflow_mlops.core.models.isolated.client import ModelProcess
from airflow_mlops.core.models.native import FORMATS, find_format
from airflow_mlops.core.models.prediction import predict
from tests.remote_steps.environment import RemoteStepEnvironment, project, world
from tests.remote_steps.steps import execute_task, training_task

__all__ = ["project", "world"]

SOURCE = """
import json

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin


class Step(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.classes_, self.cut = np.unique(y), float(np.median(np.asarray(X)[:, 0]))
        return self

    def predict_proba(self, X):
        high = np.where(np.asarray(X)[:, 0] > self.cut, 0.75, 0.25)
        return np.column_stack([1 - high, high])

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class JsonFormat:
    packages = ("acme",)
    loads = []

    def recognises(self, model):
        return isinstance(model, Step)

    def classes(self, model):
        return model.classes_

    def save(self, model, trusted):
        return {"step.json": json.dumps(model if isinstance(model, float) else model.cut).encode()}

    def load(self, files, trusted):
        self.loads.append(files)
        return json.loads(files["step.json"])

    def predict(self, model, rows):
        cut = model if isinstance(model, float) else model.cut
        return np.where(np.asarray(rows)[:, 0] > cut, 0.75, 0.25)


class Forgetful(JsonFormat):
    def save(self, model, trusted):
        return {"step.json": b"1e9"}


class Escaping(JsonFormat):
    def save(self, model, trusted):
        return {"../step.json": b"0.0"}


class Unfinished:
    packages = ()
"""
ROWS = pd.DataFrame({"x": [0.0, 1.0, 2.0, 3.0], "z": 0.0})
Install = Callable[..., str]


@pytest.fixture
def path(installed_entry_point: Install) -> str:
    """The import path of a format that an entry point names ``acme_json``."""
    return installed_entry_point(FORMATS, "acme_json", "JsonFormat", SOURCE)


def fitted() -> Any:
    return import_object("acme_extension:Step")().fit(ROWS, [0, 0, 1, 1])


def test_an_installed_format_stores_a_pipeline_that_predicts_the_same_in_an_isolated_process(
    tmp_path: Path, path: str
) -> None:
    model = make_pipeline(StandardScaler(), import_object("acme_extension:Step")()).fit(ROWS, [0, 0, 1, 1])
    digest = artifact.write(model, tmp_path / "m", ROWS)
    assert (tmp_path / "m" / "native" / "step.json").is_file()
    assert '"format": "acme_json"' in (tmp_path / "m" / "native.json").read_text()
    assert "acme==1.0" in (tmp_path / "m" / "requirements.txt").read_text()
    loaded = ModelProcess(tmp_path / "m", digest)
    assert predict(loaded, ROWS[["z", "x"]]).tolist() == predict(model, ROWS).tolist() == [0.25, 0.25, 0.75, 0.75]
    assert loaded.classes_.tolist() == [0, 1]


def test_a_format_of_an_import_path_is_used_only_where_it_is_trusted(tmp_path: Path, path: str) -> None:
    digest = artifact.write(fitted(), tmp_path / "m", ROWS, trusted=[path])
    assert f'"format": "{path}"' in (tmp_path / "m" / "native.json").read_text()
    import_object(path).loads.clear()
    with pytest.raises(Refused, match=f"(?s)format is not trusted: {path}.*trusted_types"):
        artifact.load_model(tmp_path / "m", digest)
    assert import_object(path).loads == []
    assert predict(artifact.load_model(tmp_path / "m", digest, trusted=[path]), ROWS).tolist() == [
        0.25,
        0.25,
        0.75,
        0.75,
    ]


def test_a_changed_byte_is_refused_before_the_format_gets_it(tmp_path: Path, path: str) -> None:
    digest = artifact.write(fitted(), tmp_path / "m", ROWS)
    (tmp_path / "m" / "native" / "step.json").write_text("0.0")
    import_object(path).loads.clear()
    with pytest.raises(Refused, match="do not match the registered digest"):
        artifact.load_model(tmp_path / "m", digest)
    assert import_object(path).loads == []


def test_a_model_of_a_format_that_is_not_installed_names_the_format_and_the_remedy(tmp_path: Path, path: str) -> None:
    digest = artifact.write(fitted(), tmp_path / "m", ROWS)
    shutil.rmtree(tmp_path / "site-packages" / "acme-1.0.dist-info")
    FORMATS._loaded.clear()
    del FORMATS.__dict__["_entry_points"]
    for load in (artifact.load_model, ModelProcess):
        with pytest.raises(Refused, match="'acme_json' is not an installed model format") as refused:
            load(tmp_path / "m", digest)
        assert str(tmp_path / "m") in str(refused.value.where)
        assert "install the package" in str(refused.value.hint)


@pytest.mark.parametrize(
    ("name", "message"),
    [("Forgetful", "different predictions after saving"), ("Escaping", r"invalid file: '\.\./step\.json'")],
)
def test_a_format_that_does_not_keep_the_model_is_refused_when_saving(
    tmp_path: Path, path: str, name: str, message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        artifact.write(fitted(), tmp_path / "m", ROWS, trusted=[f"acme_extension:{name}"])
    assert not (tmp_path / "m").exists()


def test_an_installed_format_is_not_asked_for_scikit_learn_s_models_and_a_trusted_one_is(path: str) -> None:
    import_object(path).recognises = lambda self, model: True
    assert find_format(LogisticRegression()) is None
    assert find_format(LogisticRegression(), [path]) == path
    assert find_format(object()) == "acme_json"


def test_an_unfinished_format_is_logged_and_skipped(
    installed_entry_point: Install, caplog: pytest.LogCaptureFixture
) -> None:
    installed_entry_point(FORMATS, "acme_json", "Unfinished", SOURCE)
    assert find_format(fitted()) is None
    assert "it has no recognises, classes, save, load, predict" in caplog.text


@pytest.mark.parametrize("trusted", [False, True], ids=["entry point", "import path"])
def test_the_training_operator_stores_the_model_in_the_format(
    world: RemoteStepEnvironment, path: str, trusted: bool
) -> None:
    types = [path] if trusted else []
    ref = execute_task(training_task(world.parts, "t", build="acme_extension:Step", trusted_types=types))
    folder = world.client.download_artifacts(ref["run_id"], ref["artifact"])
    model = ModelProcess(folder, ref["digest"], trusted=types)
    assert repr(model) == "<NativeClassifier in an isolated process>"
    assert set(predict(model, ROWS)) <= {0.25, 0.75}
