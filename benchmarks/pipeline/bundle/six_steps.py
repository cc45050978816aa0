"""The six steps through the provider's operators; a version is registered between training and evaluation."""

from __future__ import annotations

import os

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

from airflow_mlops.operators.evaluate import EvaluateModelOperator
from airflow_mlops.operators.gate import EvaluationGateOperator
from airflow_mlops.operators.ingest import IngestDatasetOperator
from airflow_mlops.operators.register import RegisterModelOperator
from airflow_mlops.operators.split import SplitDatasetOperator
from airflow_mlops.operators.train import TrainModelOperator
from airflow_mlops.operators.validate import ValidateDatasetOperator
from benchmarks.models import CATEGORIES, FEATURES, KEY, NUMBERS, TARGET

CONTRACT = {
    "name": "six_steps",
    "key": [KEY],
    "unknown_columns": "error",
    "columns": {
        KEY: {"type": "int", "nullable": False},
        **{name: {"type": "float", "max_missing": 0.3} for name in NUMBERS if name != "i00"},
        "i00": {"type": "int", "nullable": False, "min": 0},
        **{name: {"type": "category", "nullable": False} for name in CATEGORIES},
        TARGET: {"type": "int", "nullable": False, "values": [0, 1], "role": "label"},
    },
}

with DAG(dag_id="six_steps", schedule=None, catchup=False, max_active_runs=1):
    ingest = IngestDatasetOperator(
        task_id="ingest", dataset="six_steps", partition="{{ run_id }}", path=os.environ.get("SIX_STEPS_FILE", "")
    )
    validate = ValidateDatasetOperator(task_id="validate", snapshot=ingest.output, contract=CONTRACT)
    split = SplitDatasetOperator(task_id="split", snapshot=ingest.output, key=KEY)
    parts = {part: split.output[part] for part in ("train", "validation", "test")}
    train = TrainModelOperator(
        task_id="train",
        build="benchmarks.models:boosted",
        train=parts["train"],
        validation=parts["validation"],
        target=TARGET,
        features=FEATURES,
        input_example=False,
    )
    register = RegisterModelOperator(
        task_id="register", model="six_steps", run=train.output, data=parts, contract=CONTRACT, features=FEATURES
    )
    evaluate = EvaluateModelOperator(
        task_id="evaluate",
        challenger=register.output,
        test=parts["test"],
        target=TARGET,
        key=[KEY],
        features=FEATURES,
        importance=False,
        cost=False,
        train_sample=0,
    )
    gate = EvaluationGateOperator(
        task_id="gate", evaluation=evaluate.output, challenger=register.output, policy={}, if_promote="better"
    )
    validate >> split
    gate >> EmptyOperator(task_id="better")
