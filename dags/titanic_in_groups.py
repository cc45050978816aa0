"""The lifecycle of `titanic`, built from the provider's task groups."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Param

from airflow_mlops.operators.ingest import IngestDatasetOperator
from airflow_mlops.task_groups import scoring_task_group, training_task_group
from include.titanic.features import KEY, TARGET
from include.titanic.model import CANDIDATES

DOC = """
### From a passenger list to scores, in two task groups

The steps of `titanic` are here the task group **training**: validate, split, leakage, train, select, register,
self_test, evaluate, gate, then promote, hold or reject, and the card. Then the champion **scores** the full list.

Each step of a group can be omitted (`approval=None`) or configured (`split={"test": 0.25}`). The results are outputs of
the group: `training.version`, `training.decision`. The model is `titanic_in_groups`.
"""

CONTRACT = "include/titanic/contract.yaml"
MODEL = "titanic_in_groups"

with DAG(
    dag_id="titanic_in_groups",
    schedule=None,
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "titanic-team", "retries": 2, "retry_delay": timedelta(seconds=10)},
    tags=["titanic", "training", "tutorial"],
    doc_md=DOC,
    params={
        "csv": Param(
            None,
            "A path or an fsspec URI that the worker can read. Empty: synthetic data is generated.",
            type=["null", "string"],
            title="Passenger list (CSV)",
        ),
    },
):
    ingest = IngestDatasetOperator(
        task_id="ingest",
        dataset=MODEL,
        path="{{ params.csv or '' }}",
        rows="{{ '' if params.csv else 'include.titanic.source:synthetic_rows' }}",
        transform="include.titanic.source:cast_text_columns",
    )
    training = training_task_group(
        "training",
        model=MODEL,
        rows=ingest.output,
        target=TARGET,
        key=KEY,
        candidates=CANDIDATES,
        contract=CONTRACT,
        policy="include/titanic/policy.yaml",
        slices=["Sex", "Pclass", "Embarked"],
        groups=["Sex"],
        self_tests="include.titanic.self_tests",
        about="include/titanic/card.md",
        split={"stratify": TARGET},
        approval=None,
    )
    scoring = scoring_task_group("scoring", model=MODEL, rows=ingest.output, key=KEY, contract=CONTRACT)

    training >> scoring
