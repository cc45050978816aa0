"""Forecast of bike rentals per hour: a count regression with a temporal split, retrained each month."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, CronDataIntervalTimetable, Param, task

from airflow_mlops.operators.evaluate import EvaluateModelOperator
from airflow_mlops.operators.gate import EvaluationGateOperator
from airflow_mlops.operators.ingest import IngestDatasetOperator
from airflow_mlops.operators.leakage import CheckLeakageOperator
from airflow_mlops.operators.model_card import ModelCardOperator
from airflow_mlops.operators.promote import PromoteModelOperator
from airflow_mlops.operators.register import RegisterModelOperator
from airflow_mlops.operators.self_test import SelfTestModelOperator
from airflow_mlops.operators.split import SplitDatasetOperator
from airflow_mlops.operators.train import SelectChallengerOperator, TrainModelOperator
from airflow_mlops.operators.validate import ValidateDatasetOperator
from include.bike_demand.features import CANDIDATES, KEY, MIN_MONTHS, TARGET, TEST, TIME, VALIDATION

DOC = """
### How many bikes will be rented?

A new model is trained each month on the hours up to that month. Press **Trigger**, or backfill the two years.

| run type | training data |
|---|---|
| **scheduled** | all months up to the month of the run; skipped after the last month of the file |
| **backfill** | the same; it registers and gates, but never promotes |
| **manual** | all months up to the `month` of the form, or all months |

1. **find** the file: the `csv` of the form, else the environment variable `BIKE_SHARING_CSV`, else
   `bike_sharing_hour.csv` in the folder `MLOPS_TEST_DATA`. Without any of them, synthetic data is generated.
2. **ingest** the month as a partition and **validate** it, together with earlier months that are missing.
3. **history**: all months up to the cut-off as one snapshot. With fewer than seven months the run
   ends here without an error.
4. **split** it by time: the last three months are the test set of the gate, the month before is the validation set.
5. **leakage**: casual and registered riders add up to the target. This task fails if they are used as features. It
   also checks the temporal order, the cut-off, and rows that appear in two parts.
6. **train** two candidates, **select** the better one, and **refit** it on all rows before the test set:
   demand grows, so one more month matters. The refitted model has seen the validation rows, but not the test rows.
7. **register**, **self_test**, **evaluate**, **gate**, and **promote** or **reject**. The **card** is the model
   card. The gate compares full days, because the hours of a day are correlated.

Today's test rows become training rows in three months. The gate verifies that no test row is in the training data of
the challenger or of the champion.
"""

CONTRACT = "include/bike_demand/contract.yaml"
POLICY = "include/bike_demand/policy.yaml"
MODEL = "{{ ti.xcom_pull(task_ids='find', key='model') }}"
log = logging.getLogger("bike_demand")

with DAG(
    dag_id="bike_demand",
    schedule=CronDataIntervalTimetable("0 0 1 * *", timezone="UTC"),
    start_date=datetime(2011, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "bike-demand-team", "retries": 2, "retry_delay": timedelta(seconds=10)},
    tags=["bike-demand", "training", "regression"],
    doc_md=DOC,
    params={
        "csv": Param(
            None,
            "A path or an fsspec URI that the worker can read. Empty: BIKE_SHARING_CSV, bike_sharing_hour.csv in the "
            "folder MLOPS_TEST_DATA, or synthetic data, in this order.",
            type=["null", "string"],
            title="Hourly rentals (CSV)",
        ),
        "month": Param(
            None,
            "The last month to train on, such as 2012-06. Empty: the month of the run, or the last one.",
            type=["null", "string"],
            pattern=r"^\d{4}-\d{2}$",
            title="Month",
        ),
    },
):

    @task(multiple_outputs=True)
    def find(params: dict[str, Any] | None = None, **context: Any) -> dict[str, str]:
        """Return the data source and the last month."""
        from airflow_mlops.task_keys import run_type
        from include.bike_demand import source

        assert params is not None  # Airflow passes them
        by_calendar = run_type(context) in ("scheduled", "backfill")
        selection = source.find_source(
            params["csv"], params["month"], context["data_interval_start"] if by_calendar else None
        )
        log.info("Months up to %s, from %s", selection["month"], selection["path"] or "synthetic data")
        return selection

    @task
    def months(dataset: str, month: str) -> list[str]:
        """List the months to ingest."""
        from airflow_mlops.hooks.store import LifecycleStoreHook
        from include.bike_demand.history import months_to_ingest

        return months_to_ingest(LifecycleStoreHook().database, dataset, month)

    @task.short_circuit
    def enough(month: str) -> bool:
        """Continue if there are enough months for training and evaluation."""
        from include.bike_demand.source import months_up_to

        return len(months_up_to(month)) >= MIN_MONTHS

    @task(multiple_outputs=False)
    def history(dataset: str, month: str) -> Mapping[str, Any]:
        """Combine all months up to the cut-off into one snapshot."""
        from airflow_mlops.hooks.store import LifecycleStoreHook
        from include.bike_demand.history import build_history

        store = LifecycleStoreHook()
        return build_history(store.database, store.snapshots, dataset, month).to_dict()

    selection = find()
    ingest = IngestDatasetOperator.partial(
        task_id="ingest",
        dataset=MODEL,
        path=selection["path"],
        rows=selection["rows"],
        transform="include.bike_sharing.source:filter_month",
        map_index_template="{{ task.partition }}",
    ).expand(partition=months(selection["model"], selection["month"]))
    validate = ValidateDatasetOperator.partial(
        task_id="validate", contract=CONTRACT, map_index_template="{{ task.snapshot['partition'] }}"
    ).expand(snapshot=ingest.output)
    all_months = history(selection["model"], selection["month"])
    split = SplitDatasetOperator(
        task_id="split", snapshot=all_months, method="temporal", time=TIME, test=TEST, validation=VALIDATION
    )
    older = SplitDatasetOperator(
        task_id="older", snapshot=all_months, method="temporal", time=TIME, test=TEST, validation="0"
    )
    leakage = CheckLeakageOperator(
        task_id="leakage",
        parts={part: split.output[part] for part in ("train", "validation", "test")},
        contract=CONTRACT,
        time=TIME,
        cutoff=selection["month"],
    )
    train = TrainModelOperator.partial(
        task_id="train",
        train=split.output["train"],
        validation=split.output["validation"],
        target=TARGET,
        contract=CONTRACT,
        metric="mae",
        map_index_template="{{ task.build.split(':')[-1] }}",
    ).expand(build=CANDIDATES)
    select = SelectChallengerOperator(task_id="select", candidates=train.output)
    refit = TrainModelOperator(
        task_id="refit",
        build="include.bike_demand.model:{{ ti.xcom_pull(task_ids='select')['candidate'] }}",
        train=older.output["train"],
        validation=split.output["validation"],
        target=TARGET,
        contract=CONTRACT,
        metric="mae",
    )
    register = RegisterModelOperator(
        task_id="register",
        model=MODEL,
        run=refit.output,
        data={part: older.output[part] for part in ("train", "validation", "test")},
        contract=CONTRACT,
        cluster=TIME,
    )
    self_test = SelfTestModelOperator(
        task_id="self_test",
        version=register.output,
        rows=split.output["validation"],
        target=TARGET,
        contract=CONTRACT,
        metric="mae",
        when_failed="warn",  # the gate rejects it, and the card shows why
    )
    evaluate = EvaluateModelOperator(
        task_id="evaluate",
        challenger=register.output,
        test=older.output["test"],
        target=TARGET,
        key=KEY,
        split_key=TIME,
        contract=CONTRACT,
        metric="mae",
        slices=["workingday", "weathersit"],
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
    promote = PromoteModelOperator(
        task_id="promote",
        challenger=register.output,
        gate=gate.output,
        effective_at=selection["effective_at"],
        reason="data up to {{ ti.xcom_pull(task_ids='find', key='month') }}: passed the gate",
    )
    reject = EmptyOperator(task_id="reject")
    card = ModelCardOperator(
        task_id="card",
        version=register.output,
        evaluation=evaluate.output,
        gate=gate.output,
        self_tests=self_test.output,
        text="include/bike_demand/card.md",
    )

    validate >> enough(selection["month"]) >> all_months
    leakage >> [train, older]
    select >> refit
    gate >> [promote, reject] >> card
