"""Training, gate and promotion: scheduled, manual, or triggered by drift."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG, AssetOrTimeSchedule, CronDataIntervalTimetable, Param

from airflow_mlops.notifications.lifecycle import LifecycleNotifier
from airflow_mlops.operators.candidates import ChooseCandidatesOperator
from airflow_mlops.operators.episode import CloseEpisodeOperator
from airflow_mlops.operators.evaluate import EvaluateModelOperator
from airflow_mlops.operators.gate import EvaluationGateOperator
from airflow_mlops.operators.leakage import CheckLeakageOperator
from airflow_mlops.operators.model_card import ModelCardOperator
from airflow_mlops.operators.plan import PlanTrainingOperator
from airflow_mlops.operators.promote import PromoteModelOperator
from airflow_mlops.operators.register import RegisterModelOperator
from airflow_mlops.operators.self_test import SelfTestModelOperator
from airflow_mlops.operators.split import SplitDatasetOperator
from airflow_mlops.operators.train import SelectChallengerOperator, TrainModelOperator
from airflow_mlops.operators.training_set import BuildTrainingSetOperator
from airflow_mlops.operators.validate import ValidateDatasetOperator
from include.churn import assets, calendar, features
from include.churn.bundle import CANDIDATES, CONTRACT, DEFAULT_ARGS, MODEL, POLICY, TEST_FRACTION, VALIDATION_FRACTION

DOC = """
### From labelled rows to a champion that is significantly better

| cause | training data |
|---|---|
| **drift** | from the change to the last labelled week; triggered once per drift episode |
| **schedule** | the newest labelled weeks at the end of the month, but none before a change that caused a retraining |
| **manual** | up to the `cutoff` of the form, or the newest labelled weeks |
| **backfill** | as the scheduled run of that date; registers and gates, but never promotes |

Candidates are trained in parallel on the training rows and selected on the validation rows. After drift the policy
(`episode.retraining.start_from`) selects these candidates or the champion's configuration. The **gate** compares the
challenger with the champion on test rows that neither was trained on. It requires that the lower bound of the paired
gain is above zero, that no plan, segment or region gets worse, and that the model stays within its budgets. A
promotion is one entry in the ledger: `airflow mlops history churn`.
"""

with DAG(
    dag_id="churn_training",
    schedule=AssetOrTimeSchedule(
        timetable=CronDataIntervalTimetable("0 0 1 * *", timezone="UTC"), assets=[assets.retraining_requested]
    ),
    start_date=datetime.combine(calendar.FIRST_WEEK, time(), UTC),
    end_date=datetime.combine(calendar.LAST_WEEK, time(), UTC),  # the simulated business ends here
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    tags=["churn", "training"],
    doc_md=DOC,
    params={
        "cutoff": Param(
            None,
            "The last labelled week to train on (a Monday). Empty: the newest.",
            type=["null", "string"],
            format="date",
            title="Cut-off",
        ),
        "window": Param(
            12, "Maximum number of labelled weeks.", type="integer", minimum=1, maximum=200, title="Window"
        ),
    },
):
    plan = PlanTrainingOperator(
        task_id="plan",
        model=MODEL,
        labels="churn_labels",
        label_delay=calendar.LABEL_HORIZON,
        cutoff="{{ params.cutoff or '' }}",
        window="{{ params.window }}",
        policy=POLICY,
    )
    candidates = ChooseCandidatesOperator(
        task_id="candidates", model=MODEL, candidates=CANDIDATES, start_from=plan.output["start_from"]
    )
    training_set = BuildTrainingSetOperator(
        task_id="training_set",
        dataset="churn_training_set",
        features="churn_features",
        labels="churn_labels",
        key=features.KEY,
        first=plan.output["first"],
        cutoff=plan.output["cutoff"],
    )
    validate = ValidateDatasetOperator(task_id="validate", snapshot=training_set.output, contract=CONTRACT)
    split = SplitDatasetOperator(
        task_id="split",
        snapshot=training_set.output,
        key=features.KEY,
        test=TEST_FRACTION,
        validation=VALIDATION_FRACTION,
    )
    leakage = CheckLeakageOperator(
        task_id="leakage",
        parts={part: split.output[part] for part in ("train", "validation", "test")},
        contract=CONTRACT,
        groups=features.KEY,
        time="partition",
        ordered=False,  # all weeks of a customer are in one part
        cutoff=plan.output["cutoff"],
    )
    train = TrainModelOperator.partial(
        task_id="train",
        train=split.output["train"],
        validation=split.output["validation"],
        target=features.TARGET,
        contract=CONTRACT,
        metric="roc_auc",
        map_index_template="{{ task.candidate or task.build.split(':')[-1] }}",
        max_active_tis_per_dag=2,
    ).expand_kwargs(candidates.output)
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
        target=features.TARGET,
        contract=CONTRACT,
        self_tests="include.churn.self_tests",
        when_failed="warn",  # the gate rejects it, and the card shows why
    )
    evaluation_options = {
        "test": split.output["test"],
        "target": features.TARGET,
        "key": [features.KEY, "partition"],
        "contract": CONTRACT,
        "slices": features.SLICES,
        "groups": features.GROUPS,
        "threshold": features.CALL_THRESHOLD,
    }
    evaluate = EvaluateModelOperator(task_id="evaluate", challenger=register.output, **evaluation_options)
    gate = EvaluationGateOperator(
        task_id="gate",
        evaluation=evaluate.output,
        challenger=register.output,
        policy=POLICY,
        self_tests=self_test.output,
        if_promote="promote",
        if_hold="hold",
        if_reject="reject",
        on_success_callback=LifecycleNotifier(),
        on_failure_callback=LifecycleNotifier(),
    )
    hold = ApprovalOperator(
        task_id="hold",
        subject="Promote {{ ti.xcom_pull(task_ids='register')['model'] }} "
        "v{{ ti.xcom_pull(task_ids='register')['version'] }} to champion?",
        body="{{ ti.xcom_pull(task_ids='gate', key='decision_table') }}",
        defaults="Reject",
        response_timeout=timedelta(days=3),
    )
    reject = EmptyOperator(task_id="reject")
    promote = PromoteModelOperator(
        task_id="promote",
        challenger=register.output,
        gate=gate.output,
        effective_at=plan.output["effective_at"],
        approver=hold.output,
        reason="{{ ti.xcom_pull(task_ids='plan')['cause'] }}: passed the gate",
        evaluation=evaluation_options,  # to re-evaluate if another version becomes champion meanwhile
        policy=POLICY,
        self_tests=self_test.output,
        outlets=[assets.champion],
        trigger_rule="none_failed_min_one_success",
        on_success_callback=LifecycleNotifier(),
    )
    card = ModelCardOperator(
        task_id="card",
        version=register.output,
        evaluation=evaluate.output,
        gate=gate.output,
        self_tests=self_test.output,
        text="include/churn/card.md",
    )
    close = CloseEpisodeOperator(
        task_id="close_episode", plan=plan.output, gate=gate.output, promotion=promote.output
    ).as_teardown()

    training_set >> validate >> split
    leakage >> train
    gate >> [promote, hold, reject]
    hold >> promote
    [promote, reject] >> card >> close
