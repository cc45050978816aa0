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
from tests.replay.storm import StormTrigger
from tests.replay.worlds import (
    FEATURES,
    FIRST_DAY,
    HISTORY,
    KEY,
    LABELS_LATE,
    POLICY,
    TARGET,
    world_of,
)

# A retry mends what a kill has torn. The pace is that of a test.
DEFAULT_ARGS = {"retries": 8, "retry_delay": timedelta(seconds=1)}
FIRST_MOMENT = datetime.combine(FIRST_DAY + timedelta(weeks=HISTORY.start), time(), UTC)
LATE = f"{{{{ macros.ds_add(partition_key, -{7 * LABELS_LATE}) }}}}"


def watching(model: str) -> DAG:
    """Rows come in, drift is looked for, the episode moves on."""
    world = world_of(model).name
    with DAG(
        f"{model}_watching",
        schedule=CronPartitionTimetable("0 0 * * 1", timezone="UTC", key_format="%Y-%m-%d"),
        start_date=FIRST_MOMENT,
        end_date=FIRST_MOMENT,  # weeks come when the replay says so
        catchup=False,
        max_active_runs=1,
        default_args=DEFAULT_ARGS,
    ) as dag:
        rows = IngestDatasetOperator(
            task_id="rows",
            dataset=f"{model}_rows",
            partition="{{ partition_key }}",
            rows=f"tests.replay.worlds:{world}.rows",
        )
        drift = CheckDriftOperator(task_id="drift", model=model, snapshot=rows.output, policy=POLICY)
        episode = UpdateEpisodeOperator(
            task_id="episode",
            model=model,
            partition="{{ partition_key }}",
            labels=f"{model}_labels",
            labelled_until=LATE,
            policy=POLICY,
            trigger_rule="none_failed",
        )
        drift >> episode
    return dag


def retraining(model: str) -> DAG:
    """Woken up by drift: train on the rows since the change, prove that it is better, promote, close the episode."""
    trigger = StormTrigger if world_of(model).storms else DriftTrigger
    wanted = Asset(
        f"{model}_wanted",
        watchers=[AssetWatcher(name=f"{model}_drift", trigger=trigger(models=[model], poll_seconds=1.0))],
    )
    with DAG(
        f"{model}_retraining",
        schedule=[wanted],
        start_date=FIRST_MOMENT,
        catchup=False,
        max_active_runs=1,
        default_args=DEFAULT_ARGS,
    ) as dag:
        plan = PlanTrainingOperator(
            task_id="plan",
            model=model,
            labels=f"{model}_labels",
            label_delay=timedelta(weeks=LABELS_LATE),
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
            build="tests.replay.worlds:estimator",
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
            task_id="close", plan=plan.output, gate=gate.output, promoted=promote.output
        ).as_teardown()
        gate >> [promote, reject] >> close
    return dag


guards.take_away(os.environ.get(guards.WITHOUT, ""))
only = get_parsing_context().dag_id
for made_for in os.environ.get("REPLAY_MODELS", "").split():
    for name, make in (("watching", watching), ("retraining", retraining)):
        if only in (None, f"{made_for}_{name}"):
            globals()[f"{made_for}_{name}"] = make(made_for)
