"""Run operators in the environment of `make test-extensions`: the wheel, the package ``acme`` and pytest."""

from __future__ import annotations

import os
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import pytest

os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="mlops-tests-airflow-")  # before Airflow is imported
os.environ["DO_NOT_TRACK"] = "1"

from tests.integration.conftest import airflow_home, bundle_dag, lifecycle, run_dag
from tests.lifecycle_fixtures import migrated_mlflow

__all__ = ["airflow_home", "bundle_dag", "lifecycle", "migrated_mlflow", "run_dag"]

# Elsewhere acme is not installed.
collect_ignore_glob = [] if find_spec("acme_mlops") else ["test_*.py"]


@pytest.fixture(scope="session", autouse=True)
def _installed() -> None:
    """The wheel is used, not the repository."""
    for name in ("airflow_mlops", "acme_mlops"):
        spec = find_spec(name)
        assert spec is not None
        assert Path(str(spec.origin)).is_relative_to(sys.prefix), f"{spec.origin} is not installed"
