"""What a model takes when it is loaded is measured in a process of its own, digest first, and never without end."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from airflow_mlops.core.evaluation import resource_usage
from airflow_mlops.core.models import artifact

ROWS = pd.DataFrame(np.random.default_rng(0).normal(size=(1200, 4)), columns=list("abcd"))
Y = (ROWS["a"] + np.random.default_rng(1).normal(size=1200) > 0).astype(int)


def written(folder: Path, model: Any) -> tuple[Path, str]:
    return folder, artifact.write(model.fit(ROWS, Y), folder, ROWS.head())


def test_a_larger_model_takes_more_and_files_that_were_changed_are_not_loaded(tmp_path: Path) -> None:
    small = written(tmp_path / "small", LogisticRegression())
    large = written(tmp_path / "large", RandomForestClassifier(200, random_state=0))
    before = dict(os.environ)
    found = resource_usage.measure_loading({"a": small, "b": large, "c": (small[0], "0" * 64)}, (), ROWS)
    assert dict(os.environ) == before
    assert set(found["a"]) == set(found["b"]) == {"load_seconds", "memory_mb"}
    assert found["b"]["memory_mb"] > found["a"]["memory_mb"] + 10
    assert set(found["c"]) == {"reason"}
    assert "do not match the registered digest" in found["c"]["reason"]


def test_a_process_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource_usage, "START_TIMEOUT_SECONDS", 0.01)
    found = resource_usage.measure_loading({"a": (Path("gone"), "0")}, (), ROWS, seconds=0)
    assert "took longer than 0.01 s" in found["a"]["reason"]


def test_a_process_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource_usage.sys, "executable", "/bin/false")
    found = resource_usage.measure_loading({"a": (Path("gone"), "0")}, (), ROWS)
    assert found["a"]["reason"].endswith("the measuring process failed: exit 1")


def test_what_the_run_has_noted_of_its_fit_is_told(mlflow_client: Any) -> None:
    run = mlflow_client.create_run(mlflow_client.get_experiment_by_name("e").experiment_id).info.run_id
    for name, value in (("train_seconds", 2.5), ("validation_roc_auc", 0.8)):
        mlflow_client.log_metric(run, name, value)

    class OfRun:
        run_id = run

    assert resource_usage.training_usage(OfRun, mlflow_client.tracking_uri) == {"train_seconds": 2.5}  # type: ignore[arg-type]
    OfRun.run_id = "0" * 32
    assert resource_usage.training_usage(OfRun, mlflow_client.tracking_uri) == {}  # type: ignore[arg-type]
