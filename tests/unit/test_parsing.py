"""Parsing a DAG file imports no heavy library beyond those of Airflow itself."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
DAGS = sorted((REPO / "dags").glob("*.py"))
# By decreasing cost; sqlalchemy, numpy and pandas are allowed only where Airflow itself imports them.
HEAVY = ("pandas", "sklearn", "mlflow", "evidently", "polars", "numpy", "scipy", "pyarrow", "skops", "sqlalchemy")
BARE = """
import airflow.sdk
import airflow.sdk.definitions.asset
import airflow.providers.standard.operators.empty
import airflow.providers.standard.operators.hitl
import airflow.triggers.base
"""
REPORT = f"""
import json, sys
heavy = sorted(m for m in sys.modules if m.partition(".")[0] in {HEAVY!r})
print(json.dumps(heavy))
"""


def modules_after(code: str, tmp_path: Path) -> set[str]:
    """Run code in a new interpreter, and return the heavy modules that it imported."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "AIRFLOW_HOME": str(tmp_path)}
    environment["PYTHONPATH"] = f"{REPO}:{REPO / 'provider'}"
    done = subprocess.run(
        [sys.executable, "-c", code + REPORT], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return set(json.loads(done.stdout.strip().splitlines()[-1]))


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    return modules_after(BARE, tmp_path_factory.mktemp("bare"))


@pytest.mark.parametrize("path", DAGS, ids=lambda p: p.stem)
def test_parsing_a_dag_file_imports_no_heavy_library(path: Path, bare: set[str], tmp_path: Path) -> None:
    code = f"""
import gc, runpy
namespace = runpy.run_path({str(path)!r})
from airflow.sdk import DAG
assert [d.dag_id for d in gc.get_objects() if isinstance(d, DAG)] == [{path.stem!r}]
"""
    assert modules_after(code, tmp_path) - bare == set()


def test_the_provider_s_own_modules_import_no_heavy_library(bare: set[str], tmp_path: Path) -> None:
    root = REPO / "provider" / "airflow_mlops"
    folders = (
        "operators",
        "sensors",
        "triggers",
        "hooks",
        "links",
        "notifications",
        "task_groups",
        "dag_factory",
        "execution.runtimes",
        "execution.steps",
    )
    names = [
        ".".join(("airflow_mlops", folder, file.stem))
        for folder in folders
        for file in sorted((root / folder.replace(".", "/")).glob("*.py"))
        if file.stem != "__init__"
    ]
    assert len(names) > 15
    names += ["airflow_mlops.get_provider_info", "airflow_mlops.preload", "airflow_mlops.plugin.reports"]
    code = "\n".join(f"import {name}" for name in names)
    assert modules_after(code, tmp_path) - bare == set()


def test_dags_from_a_lifecycle_file_import_no_heavy_library(bare: set[str], tmp_path: Path) -> None:
    code = f"""
import os
os.chdir({str(REPO)!r})
from airflow_mlops.dag_factory import lifecycle_dags
assert len(lifecycle_dags("include/churn/lifecycle.yaml")) == 4
"""
    assert modules_after(code, tmp_path) - bare == set()


def test_the_check_detects_a_heavy_import(bare: set[str], tmp_path: Path) -> None:
    assert "pandas" in modules_after("import pandas", tmp_path) - bare
