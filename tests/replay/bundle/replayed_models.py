"""Two DAGs for each model that is replayed: one watches it week by week, one retrains it when drift asks for that.

Which models there are stands in the environment. A task's own parsing makes just the DAG that it belongs to.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, time, timedelta

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Asset, AssetWatcher, CronPartitionTimetable, get_parsing_context

from airflow_mlops.operators.drift import CheckDriftOperator
from airflow_mlops.operators.episode import CloseEpisodeOperator, UpdateEpisodeOperator
from airflow_mlops.operators.evaluate import EvaluateModelOperator
from airflow_mlops.operators.gate import EvaluationGateOperator
from airflow_mlops.operators.ingest import IngestDatasetOperator
from airflow_mlops.operators.plan import PlanTrainingOperator
from airflow_mlops.operators.promote import PromoteModelOperator
from airflow_mlops.operators.register import RegisterModelOperator
from airflow_mlops.operators.split import SplitDatasetOperator
from airflow_mlops.operators.train import TrainModelOperator
from airflow_mlops.operators.training_set import BuildTrainingSetOperator
from airflow_mlops.triggers.drift import DriftTrigger
from tests.replay import guards
from tests.replay.event_storm import StormTrigger
from tests.replay.scenarios import FEATURES, FIRST_DAY, HISTORY, KEY, LABEL_DELAY_WEEKS, POLICY, TARGET, scenario_of

# A retry mends what a kill has torn. The pace is that of a test.
DEFAULT_ARGS = {"retries": 8, "retry_delay": timedelta(seconds=1)}
START_DATE = datetime.combine(FIRST_DAY + timedelta(weeks=HISTORY.start), time(), UTC)
LABELLED_UNTIL = f"{{{{ macros.ds_add(partition_key, -{7 * LABEL_DELAY_WEEKS}) }}}}"


def monitoring_dag(model: str) -> DAG:
    """Rows come in, drift is looked for, the episode moves on."""
    world = scenario_of(model).name
    with DAG(
        f"{model}_monitoring",
        schedule=CronPartitionTimetable("0 0 * * 1", timezone="UTC", key_format="%Y-%m-%d"),
        start_date=START_DATE,
        end_date=START_DATE,  # weeks come when the replay says so
        catchup=False,
        max_active_runs=1,
        default_args=DEFAULT_ARGS,
    ) as dag:
        rows = IngestDatasetOperator(
            task_id="rows",
            dataset=f"{model}_rows",
            partition="{{ partition_key }}",
            rows=f"tests.replay.scenarios:{world}.rows",
        )
        drift = CheckDriftOperator(task_id="drift", model=model, snapshot=rows.output, policy=POLICY)
        episode = UpdateEpisodeOperator(
            task_id="episode",
            model=model,
            partition="{{ partition_key }}",
            labels=f"{model}_labels",
            labelled_until=LABELLED_UNTIL,
            policy=POLICY,
            trigger_rule="none_failed",
        )
        drift >> episode
    return dag


def retraining_dag(model: str) -> DAG:
    """Woken up by drift: train on the rows since the change, prove that it is better, promote, close the episode."""
    trigger = StormTrigger if scenario_of(model).duplicates_events else DriftTrigger
    wanted = Asset(
        f"{model}_wanted",
        watchers=[AssetWatcher(name=f"{model}_drift", trigger=trigger(models=[model], poll_seconds=1.0))],
    )
    with DAG(
        f"{model}_retraining",
        schedule=[wanted],
        start_date=START_DATE,
        catchup=False,
        max_active_runs=1,
        default_args=DEFAULT_ARGS,
    ) as dag:
        plan = PlanTrainingOperator(
            task_id="plan",
            model=model,
            labels=f"{model}_labels",
            label_delay=timedelta(weeks=LABEL_DELAY_WEEKS),
            policy=POLICY,
        )
        labelled = BuildTrainingSetOperator(
            task_id="training_set",
            dataset=f"{model}_training_set",
            features=f"{model}_rows",
            labels=f"{model}_labels",
            key=KEY,
            first=plan.output["first"],
            cutoff=plan.output["cutoff"],
        )
        split = SplitDatasetOperator(task_id="split", snapshot=labelled.output, key=KEY, test=0.3, validation=0.15)
        parts = {part: split.output[part] for part in ("train", "validation", "test")}
        train = TrainModelOperator(
            task_id="train",
            build="tests.replay.scenarios:estimator",
            train=parts["train"],
            validation=parts["validation"],
            target=TARGET,
            features=FEATURES,
            input_example=False,
        )
        register = RegisterModelOperator(
            task_id="register", model=model, run=train.output, data=parts, features=FEATURES
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
            task_id="gate",
            evaluation=evaluate.output,
            challenger=register.output,
            policy=POLICY,
            if_promote="promote",
            if_reject="reject",
        )
        promote = PromoteModelOperator(
            task_id="promote",
            challenger=register.output,
            gate=gate.output,
            effective_at=plan.output["effective_at"],
            reason="replayed",
        )
        reject = EmptyOperator(task_id="reject")
        close = CloseEpisodeOperator(
            task_id="close", plan=plan.output, gate=gate.output, promotion=promote.output
        ).as_teardown()
        gate >> [promote, reject] >> close
    return dag


guards.remove_guard(os.environ.get(guards.WITHOUT, ""))
only = get_parsing_context().dag_id
for made_for in os.environ.get("REPLAY_MODELS", "").split():
    for name, make in (("monitoring", monitoring_dag), ("retraining", retraining_dag)):
        if only in (None, f"{made_for}_{name}"):
            globals()[f"{made_for}_{name}"] = make(made_for)
