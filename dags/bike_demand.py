"""A model of counts, judged over time: how many bikes will be asked for, hour by hour. Trained again each month."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, CronDataIntervalTimetable, Param, task

from airflow_mlops.operators.card import ModelCardOperator
from airflow_mlops.operators.evaluate import EvaluateModelOperator
from airflow_mlops.operators.gate import EvaluationGateOperator
from airflow_mlops.operators.ingest import IngestDatasetOperator
from airflow_mlops.operators.leakage import CheckLeakageOperator
from airflow_mlops.operators.promote import PromoteModelOperator
from airflow_mlops.operators.register import RegisterModelOperator
from airflow_mlops.operators.self_test import SelfTestModelOperator
from airflow_mlops.operators.split import SplitDatasetOperator
from airflow_mlops.operators.train import SelectChallengerOperator, TrainModelOperator
from airflow_mlops.operators.validate import ValidateDatasetOperator
from include.bike_demand.features import CANDIDATES, KEY, LEAST_MONTHS, TARGET, TEST, TIME, VALIDATION

DOC = """
### How many bikes will be asked for?

Each month brings new hours, and a model that has learned from them. Press **Trigger**, or backfill the two years.

| door | what it trains on |
|---|---|
| **schedule** | all months up to that of the run; after the last month of the file it is skipped |
| **backfill** | the same; it registers and gates, but never moves the champion |
| **hand** | all months up to the `month` of the form, or all there are |

1. **find** the file: the `csv` of the form, else the environment variable `BIKE_SHARING_CSV`, else
   `bike_sharing_hour.csv` in the folder that `MLOPS_TEST_DATA` names. Given none of them, a look-alike is generated.
2. **ingest** the month as a partition of its own, and **validate** it; months before it that are not there yet, too.
3. **history**: all months up to the cut-off as one snapshot. With fewer than seven the run ends here, in green.
4. **split** it by time: the last three months are put away for the gate, candidates are chosen on the month before.
5. **leakage**: casual and registered riders add up to the target. They are no features, and this task would say
   so if they were; it also looks at the order of time, the cut-off, and rows in two parts.
6. **train** two candidates, **select** the better one, and **refit** it on all that is older than the gate rows:
   demand grows, and a month makes a difference. Its validation figure is from rows that it now knows; the gate's are
   not.
7. **register**, **self_test**, **evaluate**, **gate**, and **promote** or **reject**; the **card** says on one page
   what is known of the model. Whole days are compared, because the hours of a day are much alike.

What is a gate row today is for training in three months. No version has ever seen a row from after its own cut-off, and
the gate counts it: the rows of the test part are in no training data of the challenger, nor of the champion.
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
            "folder MLOPS_TEST_DATA, or a generated look-alike, in this order.",
            type=["null", "string"],
            title="Hourly rentals (CSV)",
        ),
        "month": Param(
            None,
            "The last month to train on, such as 2012-06. Empty: that of the run, by hand the last there is.",
            type=["null", "string"],
            pattern=r"^\d{4}-\d{2}$",
            title="Month",
        ),
    },
):

    @task(multiple_outputs=True)
    def find(params: dict[str, Any] | None = None, **context: Any) -> dict[str, str]:
        """Say where the hours are, and up to which month."""
        from airflow_mlops.keys import run_type
        from include.bike_demand import source

        assert params is not None  # Airflow gives them
        by_calendar = run_type(context) in ("scheduled", "backfill")
        found = source.find(params["csv"], params["month"], context["data_interval_start"] if by_calendar else None)
        log.info("up to %s, from %s", found["month"], found["path"] or "nowhere: generated")
        return found

    @task
    def months(dataset: str, month: str) -> list[str]:
        """List the months to be read."""
        from airflow_mlops.hooks.store import LifecycleStoreHook
        from include.bike_demand.history import wanted

        return wanted(LifecycleStoreHook().database, dataset, month)

    @task.short_circuit
    def enough(month: str) -> bool:
        """Go on if there are months enough to train on and to be judged on."""
        from include.bike_demand.source import up_to

        return len(up_to(month)) >= LEAST_MONTHS

    @task(multiple_outputs=False)
    def history(dataset: str, month: str) -> Mapping[str, Any]:
        """Put all months up to the cut-off together."""
        from airflow_mlops.hooks.store import LifecycleStoreHook
        from include.bike_demand.history import gather

        store = LifecycleStoreHook()
        return gather(store.database, store.snapshots, dataset, month).to_dict()

    found = find()
    ingest = IngestDatasetOperator.partial(
        task_id="ingest",
        dataset=MODEL,
        path=found["path"],
        rows=found["rows"],
        transform="include.bike_sharing.source:of_month",
        map_index_template="{{ task.partition }}",
    ).expand(partition=months(found["model"], found["month"]))
    validate = ValidateDatasetOperator.partial(
        task_id="validate", contract=CONTRACT, map_index_template="{{ task.snapshot['partition'] }}"
    ).expand(snapshot=ingest.output)
    all_months = history(found["model"], found["month"])
    split = SplitDatasetOperator(
        task_id="split", snapshot=all_months, how="temporal", time=TIME, test=TEST, validation=VALIDATION
    )
    older = SplitDatasetOperator(
        task_id="older", snapshot=all_months, how="temporal", time=TIME, test=TEST, validation="0"
    )
    leakage = CheckLeakageOperator(
        task_id="leakage",
        parts={part: split.output[part] for part in ("train", "validation", "test")},
        contract=CONTRACT,
        time=TIME,
        cutoff=found["month"],
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
        when_failed="warn",  # the gate rejects it, and the card says why
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
        effective_at=found["effective_at"],
        reason="the hours up to {{ ti.xcom_pull(task_ids='find', key='month') }}: passed the gate",
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

    validate >> enough(found["month"]) >> all_months
    leakage >> [train, older]
    select >> refit
    gate >> [promote, reject] >> card
