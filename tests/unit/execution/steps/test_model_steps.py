"""The entry point rejects unknown steps and unknown parameters."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from airflow_mlops.common.errors import BadInput
from airflow_mlops.execution.steps import model_steps
from airflow_mlops.execution.steps.parameters import STEP_PARAMETERS
from airflow_mlops.execution.steps.spec import StepSpec


def test_the_command_has_all_steps() -> None:
    assert list(model_steps.STEPS) == list(STEP_PARAMETERS)


def test_an_unknown_step_is_rejected_with_the_available_ones() -> None:
    with pytest.raises(BadInput, match="(?s)unknown step 'deploy'.*train, tune, evaluate, score"):
        model_steps.execute_step("deploy", StepSpec(key="k", parameters={}), None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"buld": "a:b"}, r"(?s)this ScoreDatasetOperator is not valid.*model: Field required.*buld: is not a"),
        ({"model": "m", "snapshot": "a@b", "key": "id", "k": 1}, "k: is not a known key"),
    ],
)
def test_an_unknown_parameter_is_named(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        model_steps.execute_step("score", StepSpec(key="k", parameters=parameters), None)  # type: ignore[arg-type]


def run(*arguments: str, stdin: str = "") -> tuple[int, dict[str, Any], str]:
    provider = str(Path(model_steps.__file__).parents[3])
    done = subprocess.run(
        [sys.executable, "-P", "-m", "airflow_mlops.execution.steps", *arguments],
        input=stdin, capture_output=True, text=True, check=False, timeout=300, env={"PYTHONPATH": provider},
    )  # fmt: skip
    return done.returncode, json.loads(done.stdout), done.stderr


def test_the_command_prints_one_line_of_json_without_a_message() -> None:
    code, outcome, _ = run("train", "-")
    assert code == 1
    assert outcome["error"]["what"] == "the step received no valid message"


def test_the_command_imports_no_heavy_library_at_start() -> None:
    heavy = ("pandas", "mlflow", "sklearn", "airflow")
    code = f"import sys, airflow_mlops.execution.steps.__main__; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
