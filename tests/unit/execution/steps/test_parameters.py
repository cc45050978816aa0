"""One model names a step's parameters: operators, the decorator and processes have the same, with its defaults."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.evaluation.options import EvaluationOptions
from airflow_mlops.decorators.train_model import TrainModelDecoratedOperator
from airflow_mlops.execution.steps.json_codec import decode_value, encode_value
from airflow_mlops.execution.steps.parameters import (
    EvaluateParameters,
    ScoreParameters,
    StepParameters,
    TrainingParameters,
    TrainParameters,
    TuneParameters,
)
from airflow_mlops.operators.evaluate import EvaluateModelOperator
from airflow_mlops.operators.score import ScoreDatasetOperator
from airflow_mlops.operators.train import TrainModelOperator
from airflow_mlops.operators.tune import TuneModelOperator

# Operator, model, and the parameters that only the operator has.
OPERATORS: list[tuple[Any, type[StepParameters], set[str]]] = [
    (TrainModelOperator, TrainParameters, {"runtime"}),
    (TuneModelOperator, TuneParameters, {"runtime"}),
    (EvaluateModelOperator, EvaluateParameters, {"runtime"}),
    (ScoreDatasetOperator, ScoreParameters, {"runtime"}),
    (TrainModelDecoratedOperator, TrainingParameters, {"python_callable", "op_args", "op_kwargs"}),
]
LEAST: dict[type[StepParameters], dict[str, Any]] = {
    TrainParameters: {"build": "a.b:c", "train": "a@b", "validation": "a@b", "target": "y", "features": ["x"]},
    EvaluateParameters: {"challenger": {}, "test": "a@b", "target": "y", "key": "id", "features": ["x"]},
    ScoreParameters: {"model": "m", "snapshot": "a@b", "key": ["id", "week"]},
}
each_operator = pytest.mark.parametrize(
    ("operator", "model", "own"), OPERATORS, ids=lambda v: getattr(v, "__name__", "")
)


def load(model: type[StepParameters], **values: Any) -> Any:
    return model.load({**LEAST[model], **values}, where="d/r/t/-1")


@each_operator
def test_an_operator_has_the_parameters_of_its_model_with_the_same_defaults(
    operator: Any, model: type[StepParameters], own: set[str]
) -> None:
    signature = {p.name: p.default for p in inspect.signature(operator.__init__).parameters.values()}
    fields = {n: inspect.Parameter.empty if f.is_required() else f.default for n, f in model.model_fields.items()}
    assert {name: default for name, default in signature.items() if name not in {"self", "kwargs", *own}} == fields


@each_operator
def test_an_operator_templates_the_parameters_of_its_model_and_explains_each(
    operator: Any, model: type[StepParameters], own: set[str]
) -> None:
    assert set(operator.template_fields) == {*model.model_fields, *own} - {"python_callable"}
    assert [name for name in model.model_fields if f":param {name}:" not in operator.__doc__] == []
    assert model.model_config["title"] in (
        operator.__name__,
        getattr(operator, "custom_operator_name", None),
    )  # what errors name


@each_operator
def test_an_operator_passes_on_each_parameter_of_its_model(
    operator: Any, model: type[StepParameters], own: set[str]
) -> None:
    values = {name: f"value of {name}" for name in model.model_fields}
    rows = {"train": "a@b", "validation": "a@b"}
    function = {"python_callable": lambda train, validation: None, "op_kwargs": rows} if "op_kwargs" in own else {}
    assert operator(task_id="t", **values, **function).rendered_parameters(model) == values


def test_text_of_a_template_has_the_type_of_its_parameter() -> None:
    found = load(TrainParameters, seed=" 7 ", input_example="False", features="x", model_params={"layers": (1, 2)})
    assert (found.seed, found.input_example, found.features) == (7, False, ("x",))
    assert found.to_candidate().params == {"layers": (1, 2)}
    assert load(TrainParameters, seed=np.int64(3)).seed == 3
    evaluation = load(
        EvaluateParameters, slices="region", groups=["sex"], threshold="0.3", cost="true", train_sample="7"
    )
    assert evaluation.to_options() == EvaluationOptions(("region",), ("sex",), 0.3, True, True, 7)
    assert (load(ScoreParameters, batch_rows="10").batch_rows, load(ScoreParameters).key) == (10, ("id", "week"))


@pytest.mark.parametrize("empty", [None, "", "None", " "])
def test_what_a_template_has_rendered_to_nothing_is_the_default(empty: str | None) -> None:
    optional = {name: empty for name, field in TrainParameters.model_fields.items() if not field.is_required()}
    assert load(TrainParameters, **{**optional, "features": ["x"]}) == load(TrainParameters)
    assert load(EvaluateParameters, slices=empty, split_key=empty) == load(EvaluateParameters)


@pytest.mark.parametrize(
    ("model", "values", "message"),
    [
        (TrainParameters, {"seed": "seven"}, r"seed: Input should be a valid integer.*got 'seven'"),
        (TrainParameters, {"target": ""}, "target: String should have at least 1 character"),
        (TrainParameters, {"train": None}, "train: has to be a mapping or text; None usually means that the task"),
        (EvaluateParameters, {"challenger": None}, "challenger: has to be a mapping; None usually means that the task"),
        (TrainParameters, {"build": 5}, "build: has to be a function or its import path"),
        (TrainParameters, {"metrics": 5}, "metrics: is not a known key; did you mean 'metric'"),
        (TrainParameters, {"class_weight": 5}, "class_weight: has to be a mapping or text"),
        (TrainParameters, {"input_example": "maybe"}, "input_example: Input should be a valid boolean"),
        (EvaluateParameters, {"threshold": 1.5}, "threshold: Input should be less than 1"),
        (EvaluateParameters, {"train_sample": -1}, "train_sample: Input should be greater than or equal to 0"),
        (EvaluateParameters, {"key": []}, "key: .* should have at least 1 item"),
        (ScoreParameters, {"batch_rows": 0}, "batch_rows: Input should be greater than or equal to 1"),
    ],
)
def test_a_mistake_names_the_operator_and_the_parameter(
    model: type[StepParameters], values: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadInput, match=f"this {model.model_config['title']} is not valid:\n    {message}") as error:
        load(model, **values)
    assert error.value.where == "d/r/t/-1"


def test_references_and_paths_may_be_objects() -> None:
    reference = SimpleNamespace(to_dict=lambda: {"kind": "snapshot"})
    found = load(TrainParameters, train=reference, contract=Path("contract.yaml"), build=dict)
    assert (found.train, found.contract, found.build) == ({"kind": "snapshot"}, "contract.yaml", dict)


def test_the_parameters_survive_the_way_to_another_process() -> None:
    values = {**LEAST[TrainParameters], "class_weight": {0: 1, 1: 3}, "model_params": {"layers": (1, 2)}}
    assert TrainParameters.load(decode_value(encode_value(values))) == TrainParameters.load(values)


def test_the_models_import_no_heavy_library() -> None:
    heavy = ("pandas", "numpy", "mlflow", "sklearn", "airflow", "sqlalchemy", "polars")
    code = f"import sys, airflow_mlops.execution.steps.parameters; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
