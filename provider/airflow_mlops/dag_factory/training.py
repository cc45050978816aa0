"""DAG ``<model>_training``: training by schedule, manual trigger or drift."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, AssetOrTimeSchedule, CronDataIntervalTimetable, Param

from airflow_mlops.core.lifecycle.sections import CandidateSpec, TrainingSpec
from airflow_mlops.core.lifecycle.spec import Lifecycle
from airflow_mlops.dag_factory.model_dags import ModelDags
from airflow_mlops.operators.arguments import check_arguments
from airflow_mlops.operators.tune import TuneModelOperator
from airflow_mlops.task_groups import LabelledWindow, training_tasks
from airflow_mlops.task_groups.base import StepOptions

DOC = """
### Training and promotion of {model}

Triggered {triggers}. Candidates are trained in parallel and selected on validation rows. The **gate** compares the
selected one with the champion on rows that neither has seen, by `{policy}`. A promotion is one entry in the ledger:
`airflow mlops history {model}`. A backfill registers and gates a version, but never changes the champion.
"""


def training_dag(family: ModelDags, training: TrainingSpec) -> DAG:
    """Create ``<model>_training``.

    :raises BadInput: when ``tune`` has an argument that ``TuneModelOperator`` does not have.
    """
    spec = family.spec
    check_arguments(TuneModelOperator, training.tune or (), where=f"training.tune of {family.file or spec.model}")
    doc = DOC.format(model=spec.model, triggers=_triggers(training), policy=spec.policy_file)
    arguments = family.dag_arguments("training", doc, params=_params(training), **family.date_range())
    with DAG(schedule=_schedule(family, training), **arguments) as dag:
        training_tasks(
            model=spec.model,
            rows=_window(spec, training),
            target=spec.target,
            key=spec.key,
            candidates=[_candidate(candidate, training.candidates) for candidate in training.candidates],
            contract=spec.contract_file,
            policy=spec.policy_file,
            metric=training.metric,
            slices=training.slices,
            groups=training.groups,
            threshold=training.threshold,
            self_tests=training.self_tests,
            about=training.about,
            trusted_types=spec.trusted_types,
            outlets=[family.champion],
            notify=family.notifier(),
            split={"test": training.split.test, "validation": training.split.validation, "seed": training.split.seed},
            train={"max_active_tis_per_dag": training.max_parallel_candidates},
            tune=training.tune,
            approval=_approval(training),
        )
    return dag


def _window(spec: Lifecycle, training: TrainingSpec) -> LabelledWindow:
    return LabelledWindow(
        features=spec.dataset("features"),
        labels=spec.dataset("labels"),
        label_delay=spec.label_delay,
        dataset=spec.dataset("training_set"),
        cutoff="{{ params.cutoff or '' }}",
        window="{{ params.window }}",
    )


def _candidate(value: str | CandidateSpec, candidates: tuple[str | CandidateSpec, ...]) -> str | dict[str, Any]:
    """Return a candidate for the task group: an import path, or, if any candidate has parameters, a dict."""
    if all(isinstance(candidate, str) for candidate in candidates):
        return str(value)
    spec = CandidateSpec(build=value) if isinstance(value, str) else value
    return {"build": spec.build, "candidate": spec.name or spec.build.rpartition(":")[2], "model_params": spec.params}


def _approval(training: TrainingSpec) -> StepOptions:
    return None if training.approval is None else {"response_timeout": timedelta(days=training.approval.days)}


def _schedule(family: ModelDags, training: TrainingSpec) -> Any:
    assets = [family.retraining_request] if training.on_drift else []
    if training.schedule is None:
        return assets or None
    timetable = CronDataIntervalTimetable(training.schedule, timezone=family.spec.timezone)
    return AssetOrTimeSchedule(timetable=timetable, assets=assets) if assets else timetable


def _triggers(training: TrainingSpec) -> str:
    triggers = ["**manually**"]
    triggers += [f"by **schedule** (`{training.schedule}`)"] if training.schedule is not None else []
    triggers += ["by **drift**, once per episode"] if training.on_drift else []
    return ", ".join(triggers)


def _params(training: TrainingSpec) -> dict[str, Param]:
    return {
        "cutoff": Param(
            None,
            "The key of the last labelled partition to train on; default: the newest.",
            type=["null", "string"],
            title="Cut-off",
        ),
        "window": Param(
            training.window,
            "The maximum number of labelled partitions.",
            type="integer",
            minimum=1,
            maximum=100_000,
            title="Window",
        ),
    }
