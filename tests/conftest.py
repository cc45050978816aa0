"""What all tests share."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

from tests.lifecycle_fixtures import migrated_mlflow

__all__ = ["migrated_mlflow"]

# Before anything imports Airflow: a test must never see, nor touch, the Airflow of the person who runs it.
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="mlops-tests-airflow-")
# MLflow and Evidently tell their makers what is used, and MLflow changes the environment for it.
os.environ["DO_NOT_TRACK"] = "1"

# A busy machine is no failure: no test asserts a time, hypothesis included.
settings.register_profile("ours", deadline=None)
settings.load_profile("ours")

REPO = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder with the public data sets; skips without it, or fails where CI says that it has to be there."""
    folder = Path(os.environ.get("MLOPS_TEST_DATA") or REPO.parent / "shared" / "data")
    if folder.is_dir():
        return folder
    reason = f"the public data sets are not at {folder}; set MLOPS_TEST_DATA"
    if os.environ.get("MLOPS_REQUIRE_DATA"):
        pytest.fail(reason)
    pytest.skip(reason)
