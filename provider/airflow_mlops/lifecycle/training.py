"""The DAG that trains: by schedule, by hand, and by drift."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, AssetOrTimeSchedule, CronDataIntervalTimetable, Param

from airflow_mlops.core.lifecycle.spec import Lifecycle
from airflow_mlops.core.lifecycle.steps import CandidateSpec, TrainingSpec
from airflow_mlops.lifecycle.shared import Family
from airflow_mlops.task_groups import LabelledWindow, training_tasks
from airflow_mlops.task_groups.base import Step

DOC = """
### From labelled rows to a champion of {model} that is proven better

Started {doors}. Candidates are trained side by side and chosen on validation rows; the **gate** compares the chosen one
with the champion on rows that neither has seen, by `{policy}`. Promotion is one entry in the ledger:
`airflow mlops history {model}`. A backfill registers and gates, but never moves the champion.
"""


def training_dag(family: Family, training: TrainingSpec) -> DAG:
    """Make ``<model>_training``."""
    spec = family.spec
    doc = DOC.format(model=spec.model, doors=_doors(training), policy=spec.policy_file)
    how = family.dag("training", doc, params=_params(training), **family.days())
    with DAG(schedule=_schedule(family, training), **how) as dag:
        training_tasks(
            model=spec.model,
            rows=_window(spec, training),
            target=spec.target,
            key=spec.key,
            candidates=[_candidate(of, training.candidates) for of in training.candidates],
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
            train={"max_active_tis_per_dag": training.side_by_side},
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


def _candidate(of: str | CandidateSpec, among: tuple[str | CandidateSpec, ...]) -> str | dict[str, Any]:
    """Give a candidate as the group takes it; where one has parameters, all say theirs."""
    if all(isinstance(other, str) for other in among):
        return str(of)
    said = CandidateSpec(build=of) if isinstance(of, str) else of
    return {"build": said.build, "candidate": said.name or said.build.rpartition(":")[2], "model_params": said.params}


def _approval(training: TrainingSpec) -> Step:
    return None if training.approval is None else {"response_timeout": timedelta(days=training.approval.days)}


def _schedule(family: Family, training: TrainingSpec) -> Any:
    by_drift = [family.retraining_wanted] if training.on_drift else []
    if training.schedule is None:
        return by_drift or None
    timetable = CronDataIntervalTimetable(training.schedule, timezone=family.spec.timezone)
    return AssetOrTimeSchedule(timetable=timetable, assets=by_drift) if by_drift else timetable


def _doors(training: TrainingSpec) -> str:
    doors = ["by **hand**"]
    doors += [f"by **schedule** (`{training.schedule}`)"] if training.schedule is not None else []
    doors += ["by **drift**, once an episode"] if training.on_drift else []
    return ", ".join(doors)


def _params(training: TrainingSpec) -> dict[str, Param]:
    return {
        "cutoff": Param(
            None,
            "The key of the last labelled partition to train on. Empty: the newest.",
            type=["null", "string"],
            title="Cut-off",
        ),
        "window": Param(
            training.window,
            "At most so many labelled partitions.",
            type="integer",
            minimum=1,
            maximum=100_000,
            title="Window",
        ),
    }
