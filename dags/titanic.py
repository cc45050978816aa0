"""The whole lifecycle in one DAG, on the data set that everybody knows."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Param, task

from airflow_mlops.operators.evaluate import EvaluateModelOperator
from airflow_mlops.operators.gate import EvaluationGateOperator
from airflow_mlops.operators.ingest import IngestDatasetOperator
from airflow_mlops.operators.leakage import CheckLeakageOperator
from airflow_mlops.operators.model_card import ModelCardOperator
from airflow_mlops.operators.promote import PromoteModelOperator
from airflow_mlops.operators.register import RegisterModelOperator
from airflow_mlops.operators.self_test import SelfTestModelOperator
from airflow_mlops.operators.serve import ServeModelOperator
from airflow_mlops.operators.split import SplitDatasetOperator
from airflow_mlops.operators.train import SelectChallengerOperator, TrainModelOperator
from airflow_mlops.operators.validate import ValidateDatasetOperator
from include.titanic.features import KEY, TARGET
from include.titanic.model import CANDIDATES

DOC = """
### Would this passenger have survived?

Press **Trigger**, describe a passenger, and follow the run from a CSV file to a prediction.

1. **find** the passenger list: the `csv` of the form, else the environment variable `TITANIC_CSV`, else the
   connection `titanic_csv` (`{"path": "..."}` in its extra). Without any of them, synthetic data is
   generated.
2. **ingest** it. From here on the rows are an immutable snapshot: the same file gives the same snapshot.
3. **validate** it against `include/titanic/contract.yaml`. A broken contract ends the run here, with a
   report.
4. **split** it by `PassengerId`, stratified by the target. A quarter of the rows is the test set of the gate.
5. **leakage**: no row in two parts, and no feature that is a proxy of the target.
6. **train** two candidates in parallel, **select** the better one on the validation rows, and
   **register** it with its data, its contract and the profile of its training rows.
7. **self_test** it: with the built-in model tests and those of `include/titanic/self_tests.py`.
8. **evaluate** it and the champion on the test set, and let the **gate** decide by
   `include/titanic/policy.yaml`. The first model must reach minimum metrics; every later one must be
   *significantly* better.
9. **promote** it, or **reject** it; its **card** is the model card.
10. **predict**: the champion predicts the passenger's probability of survival. The result is in the log and
   in XCom: `{"survives": 0.12, "version": 1}`.
11. **serve** the champion over REST in a container with its own packages, and **ask** it about the passenger. Before
   the switch its predictions on the test set must equal those of batch scoring. The first run builds an image, which
   takes minutes. Without Docker both tasks are skipped. The endpoint is `http://127.0.0.1:8800/invocations`; the DAG
   `titanic_stop_serving` removes it.

Trigger it again: the same rows give the same model, which is not better than the champion, so the gate rejects it.

A champion is only evaluated on rows that it was not trained on. Therefore each split seed has its own model, such as
`titanic_seed_7`, and synthetic data has the model `titanic_synthetic`. If the file has changed, rows can move between
the parts. The gate then blocks; use another seed.

`airflow mlops history titanic` lists which version was champion when, and the report of each decision.
"""

CONTRACT = "include/titanic/contract.yaml"
POLICY = "include/titanic/policy.yaml"
MODEL = "{{ ti.xcom_pull(task_ids='find', key='model') }}"
PASSENGER = "The passenger"
log = logging.getLogger("titanic")

with DAG(
    dag_id="titanic",
    schedule=None,
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "titanic-team", "retries": 2, "retry_delay": timedelta(seconds=10)},
    tags=["titanic", "training", "tutorial"],
    doc_md=DOC,
    params={
        "csv": Param(
            None,
            "A path or an fsspec URI that the worker can read. Empty: TITANIC_CSV, the connection "
            "titanic_csv, or synthetic data, in this order.",
            type=["null", "string"],
            title="Passenger list (CSV)",
            section="The data",
        ),
        "seed": Param(
            0,
            "Selects the test rows. Each seed has its own model and champion.",
            type="integer",
            minimum=0,
            maximum=1_000_000,
            title="Split seed",
            section="The data",
        ),
        "passenger_class": Param(
            3,
            type="integer",
            enum=[1, 2, 3],
            values_display={1: "First", 2: "Second", 3: "Third"},
            title="Class",
            section=PASSENGER,
        ),
        "sex": Param("male", type="string", enum=["female", "male"], title="Sex", section=PASSENGER),
        "age": Param(
            28,
            "In years. Empty: unknown.",
            type=["null", "number"],
            minimum=0,
            maximum=120,
            title="Age",
            section=PASSENGER,
        ),
        "fare": Param(
            8.05,
            "In pounds of 1912: about 8 in third class, 14 in second, 60 in first. Empty: unknown.",
            type=["null", "number"],
            minimum=0,
            maximum=1000,
            title="Fare",
            section=PASSENGER,
        ),
        "siblings_spouses": Param(
            0, type="integer", minimum=0, maximum=20, title="Siblings and spouses aboard", section=PASSENGER
        ),
        "parents_children": Param(
            0, type="integer", minimum=0, maximum=20, title="Parents and children aboard", section=PASSENGER
        ),
        "embarked": Param(
            "S",
            type=["null", "string"],
            enum=["C", "Q", "S", None],
            values_display={"C": "Cherbourg", "Q": "Queenstown", "S": "Southampton"},
            title="Embarked at",
            section=PASSENGER,
        ),
        "port": Param(
            8800,
            "Port of the endpoint on the Docker host.",
            type="integer",
            minimum=1024,
            maximum=65535,
            title="Port",
            section="Serving",
        ),
        "name": Param(
            None,
            "As on the list, for example: Dawson, Mr. Jack. The title is a feature. Empty: a typical title.",
            type=["null", "string"],
            maxLength=200,
            title="Name",
            section=PASSENGER,
        ),
        "ticket": Param(
            None,
            "For example: A/5 21171.",
            type=["null", "string"],
            maxLength=50,
            title="Ticket",
            section=PASSENGER,
        ),
        "cabin": Param(
            None, "For example: C85.", type=["null", "string"], maxLength=50, title="Cabin", section=PASSENGER
        ),
    },
):

    @task
    def find(params: dict[str, Any] | None = None) -> dict[str, str]:
        """Return the data source and the model's name."""
        from include.titanic import source

        assert params is not None  # Airflow passes them
        selection = source.find_source(params["csv"], int(params["seed"]))
        log.info("Data: %s, from %s", selection["path"] or "synthetic", selection["given_by"])
        return selection

    @task(trigger_rule="none_failed", multiple_outputs=False)
    def predict(model: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Predict the survival of the passenger of the form with the champion."""
        from airflow.sdk.exceptions import AirflowSkipException

        from airflow_mlops.hooks.mlflow import MlflowHook
        from airflow_mlops.hooks.store import LifecycleStoreHook
        from include.titanic.features import passenger_row
        from include.titanic.model import predict_survival

        assert params is not None
        prediction = predict_survival(
            LifecycleStoreHook().database, MlflowHook().tracking_uri, model, passenger_row(params)
        )
        if prediction is None:
            raise AirflowSkipException(f"Skipping prediction: {model} has no champion yet")
        log.info("%s v%s: survival probability %.3f", model, prediction["version"], prediction["survives"])
        return prediction

    @task(multiple_outputs=False)
    def ask(endpoint: dict[str, Any], params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Request a prediction for the passenger of the form from the endpoint."""
        from include.titanic import serving

        assert params is not None
        prediction = serving.request_prediction(endpoint["url"], params)
        log.info("%s/invocations: survival probability %.3f", endpoint["url"], prediction["survives"])
        return prediction

    selection = find()
    ingest = IngestDatasetOperator(
        task_id="ingest",
        dataset="titanic",
        path=selection["path"],
        rows=selection["rows"],
        transform="include.titanic.source:cast_text_columns",
    )
    validate = ValidateDatasetOperator(task_id="validate", snapshot=ingest.output, contract=CONTRACT)
    split = SplitDatasetOperator(
        task_id="split",
        snapshot=ingest.output,
        key=KEY,
        test=0.25,
        validation=0.15,
        seed="{{ params.seed }}",
        stratify=TARGET,
    )
    leakage = CheckLeakageOperator(
        task_id="leakage",
        parts={part: split.output[part] for part in ("train", "validation", "test")},
        contract=CONTRACT,
    )
    train = TrainModelOperator.partial(
        task_id="train",
        train=split.output["train"],
        validation=split.output["validation"],
        target=TARGET,
        contract=CONTRACT,
        metric="roc_auc",
        map_index_template="{{ task.build.split(':')[-1] }}",
    ).expand(build=CANDIDATES)
    select = SelectChallengerOperator(task_id="select", candidates=train.output)
    register = RegisterModelOperator(
        task_id="register",
        model=MODEL,
        run=select.output,
        data={part: split.output[part] for part in ("train", "validation", "test")},
        contract=CONTRACT,
    )
    self_test = SelfTestModelOperator(
        task_id="self_test",
        version=register.output,
        rows=split.output["validation"],
        target=TARGET,
        contract=CONTRACT,
        self_tests="include.titanic.self_tests",
        when_failed="warn",  # the gate rejects it, and the card shows why
    )
    evaluate = EvaluateModelOperator(
        task_id="evaluate",
        challenger=register.output,
        test=split.output["test"],
        target=TARGET,
        key=[KEY],
        contract=CONTRACT,
        slices=["Sex", "Pclass", "Embarked"],
        groups=["Sex"],
    )
    gate = EvaluationGateOperator(
        task_id="gate",
        evaluation=evaluate.output,
        challenger=register.output,
        policy=POLICY,
        self_tests=self_test.output,
        if_promote="promote",
        if_reject="reject",
    )
    promote = PromoteModelOperator(task_id="promote", challenger=register.output, gate=gate.output)
    reject = EmptyOperator(task_id="reject")
    card = ModelCardOperator(
        task_id="card",
        version=register.output,
        evaluation=evaluate.output,
        gate=gate.output,
        self_tests=self_test.output,
        text="include/titanic/card.md",
    )
    serve = ServeModelOperator(
        task_id="serve",
        model=MODEL,
        rows=split.output["test"],
        endpoint="titanic",
        port="{{ params.port }}",
        when_absent="skip",
        trigger_rule="none_failed",
    )

    ingest >> validate >> split
    leakage >> train
    gate >> [promote, reject] >> predict(model=MODEL)
    [promote, reject] >> serve
    ask(serve.output)
    [promote, reject] >> card
