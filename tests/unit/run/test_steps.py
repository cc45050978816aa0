"""The entry point refuses what is no step, and what a step does not take."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from airflow_mlops.core.errors import BadInput
from airflow_mlops.operators.evaluate import EvaluateModelOperator
from airflow_mlops.operators.score import ScoreDatasetOperator
from airflow_mlops.operators.train import TrainModelOperator
from airflow_mlops.operators.tune import TuneModelOperator
from airflow_mlops.run import __main__ as program
from airflow_mlops.run import steps
from airflow_mlops.run.spec import Spec

OPERATORS = {
    "train": TrainModelOperator,
    "tune": TuneModelOperator,
    "evaluate": EvaluateModelOperator,
    "score": ScoreDatasetOperator,
}


def test_the_command_knows_the_steps() -> None:
    assert tuple(steps.STEPS) == program.STEPS


@pytest.mark.parametrize("step", OPERATORS)
def test_a_step_takes_what_its_operator_takes_with_the_same_defaults(step: str) -> None:
    taken = inspect.signature(steps.STEPS[step]).parameters
    given = inspect.signature(OPERATORS[step].__init__).parameters
    named = [name for name, p in taken.items() if p.kind is p.KEYWORD_ONLY]
    assert set(named) <= set(OPERATORS[step].template_fields)
    assert {name: taken[name].default for name in named} == {name: given[name].default for name in named}
    if not any(p.kind is p.VAR_KEYWORD for p in taken.values()):
        assert set(named) == set(OPERATORS[step].template_fields) - {"runtime"}


def test_what_is_no_step_is_refused_and_those_that_are_are_named() -> None:
    with pytest.raises(BadInput, match="(?s)there is no step 'deploy'.*train, tune, evaluate, score"):
        steps.execute("deploy", Spec(key="k", parameters={}), None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("parameters", "words"),
    [({"buld": "a:b"}, "missing a required argument"), ({"model": "m", "snapshot": "a@b", "key": "id", "k": 1}, "'k'")],
)
def test_a_parameter_that_a_step_does_not_take_is_named(parameters: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        steps.execute("score", Spec(key="k", parameters=parameters), None)  # type: ignore[arg-type]


def run(*arguments: str, told: str = "") -> tuple[int, dict[str, Any], str]:
    provider = str(Path(steps.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-P", "-m", "airflow_mlops.run", *arguments],
        input=told, capture_output=True, text=True, check=False, timeout=300, env={"PYTHONPATH": provider},
    )  # fmt: skip
    return done.returncode, json.loads(done.stdout), done.stderr


def test_the_command_answers_in_one_line_of_json_also_when_it_was_told_nothing() -> None:
    code, answer, _ = run("train", "-")
    assert code == 1
    assert answer["error"]["what"] == "the step was told nothing that it understands"


def test_the_command_imports_nothing_heavy_before_it_knows_that_it_has_to() -> None:
    heavy = ("pandas", "mlflow", "sklearn", "airflow")
    code = f"import sys, airflow_mlops.run.__main__; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
