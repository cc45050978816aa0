"""Tuning, evaluation and scoring tasks of remote steps, and their model versions."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from tests.remote_steps.environment import RemoteStepEnvironment
from tests.remote_steps.steps import FEATURES, execute_task, make_rows, training_task

MODEL, WEEK = "m", "2026-05-04"


def tuning_task(parts: dict[str, Any], task_id: str, **how: Any) -> Any:
    """Return a tuning task: a grid of four."""
    from airflow_mlops.operators.tune import TuneModelOperator

    rows = {name: parts[name] for name in ("train", "validation")}
    search = {"space": {"trees": [2, 3, 4, 5]}, "method": "grid", "seed": "7"}
    common = {"build": "team.model:forest", "target": "y", "features": FEATURES, "experiment": "e", **rows, **search}
    return TuneModelOperator(task_id=task_id, **{**common, **how})


def evaluation_task(parts: dict[str, Any], task_id: str, challenger: dict[str, Any], **how: Any) -> Any:
    """Return an evaluation task; inference cost is not measured."""
    from airflow_mlops.operators.evaluate import EvaluateModelOperator

    asked = {"challenger": challenger, "test": parts["test"], "cost": False, "slices": ["z"]}
    common = {"target": "y", "key": ["id"], "features": FEATURES, **asked}
    return EvaluateModelOperator(task_id=task_id, **{**common, **how})


def scoring_task(rows: dict[str, Any], task_id: str, **how: Any) -> Any:
    """Return a scoring task, in batches of fifty rows."""
    from airflow_mlops.operators.score import ScoreDatasetOperator

    common = {"model": MODEL, "snapshot": rows, "key": ["id"], "features": FEATURES, "batch_rows": 50}
    return ScoreDatasetOperator(task_id=task_id, **{**common, **how})


def register_version(world: RemoteStepEnvironment, task_id: str, **how: Any) -> dict[str, Any]:
    """Train and register a version."""
    from airflow_mlops.operators.register import RegisterModelOperator

    run, data = (
        execute_task(training_task(world.parts, task_id, **how)),
        {name: world.parts[name] for name in ("train", "validation")},
    )
    named = {"task_id": f"register_{task_id}", "model": MODEL, "features": FEATURES}
    return dict(execute_task(RegisterModelOperator(run=run, data=data, **named)))


def promote(world: RemoteStepEnvironment, ref: dict[str, Any]) -> None:
    """Make a version the first champion."""
    from airflow_mlops.store import ledger

    how = {"gate_report": None, "approver": None, "reason": "r", "actor": "d/r"}
    ledger.append(
        world.database, model=MODEL, expected_revision=None, version=ref["version"], digest=ref["digest"], **how
    )


def write_week(world: RemoteStepEnvironment, rows: int = 320) -> dict[str, Any]:
    """Write rows that are to be scored."""
    return dict(world.root.write("week", make_rows(8, rows), partition=WEEK).to_dict())


def read_trials(world: RemoteStepEnvironment, ref: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the trials of a search, without durations."""
    with open(world.client.download_artifacts(ref["run_id"], "trials.json"), encoding="utf-8") as file:
        told = json.load(file)["trials"]
    return [{name: value for name, value in trial.items() if name != "seconds"} for trial in told]


def read_snapshot(world: RemoteStepEnvironment, ref: dict[str, Any]) -> pd.DataFrame:
    """Return the rows of a snapshot."""
    from airflow_mlops.common.refs import SnapshotRef

    return world.root.open(SnapshotRef.from_dict(ref)).to_pandas()


def run_states(world: RemoteStepEnvironment, task_id: str) -> list[str]:
    """Return the states of a task's runs that are not deleted."""
    experiment = world.client.get_experiment_by_name("e").experiment_id
    found = world.client.search_runs([experiment], filter_string=f"tags.`mlops.key` = 'd/r/{task_id}/-1'")
    return [str(run.info.status) for run in found]
