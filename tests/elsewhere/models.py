"""Tasks that search for a model, judge one, and score with one; and the versions that they take."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from tests.elsewhere.steps import FEATURES, do, people, trained
from tests.elsewhere.worlds import World

MODEL, WEEK = "m", "2026-05-04"


def tuned(parts: dict[str, Any], task_id: str, **how: Any) -> Any:
    """Give a tuning task: a grid of four."""
    from airflow_mlops.operators.tune import TuneModelOperator

    rows = {name: parts[name] for name in ("train", "validation")}
    search = {"space": {"trees": [2, 3, 4, 5]}, "method": "grid", "seed": "7"}
    common = {"build": "team.model:forest", "target": "y", "features": FEATURES, "experiment": "e", **rows, **search}
    return TuneModelOperator(task_id=task_id, **{**common, **how})


def evaluated(parts: dict[str, Any], task_id: str, challenger: dict[str, Any], **how: Any) -> Any:
    """Give an evaluation task; what it costs to ask the models is not measured."""
    from airflow_mlops.operators.evaluate import EvaluateModelOperator

    asked = {"challenger": challenger, "test": parts["test"], "cost": False, "slices": ["z"]}
    common = {"target": "y", "key": ["id"], "features": FEATURES, **asked}
    return EvaluateModelOperator(task_id=task_id, **{**common, **how})


def scored(rows: dict[str, Any], task_id: str, **how: Any) -> Any:
    """Give a scoring task, in batches of fifty rows."""
    from airflow_mlops.operators.score import ScoreDatasetOperator

    common = {"model": MODEL, "snapshot": rows, "key": ["id"], "features": FEATURES, "batch_rows": 50}
    return ScoreDatasetOperator(task_id=task_id, **{**common, **how})


def version(world: World, task_id: str, **how: Any) -> dict[str, Any]:
    """Train and register a version."""
    from airflow_mlops.operators.register import RegisterModelOperator

    run, data = do(trained(world.parts, task_id, **how)), {name: world.parts[name] for name in ("train", "validation")}
    named = {"task_id": f"register_{task_id}", "model": MODEL, "features": FEATURES}
    return dict(do(RegisterModelOperator(run=run, data=data, **named)))


def promote(world: World, ref: dict[str, Any]) -> None:
    """Make a version champion, the first one."""
    from airflow_mlops.store import ledger

    how = {"gate_report": None, "approver": None, "reason": "r", "actor": "d/r"}
    ledger.append(world.database, model=MODEL, expected_epoch=None, version=ref["version"], digest=ref["digest"], **how)


def week(world: World, rows: int = 320) -> dict[str, Any]:
    """Write rows that are to be scored."""
    return dict(world.root.write("week", people(8, rows), partition=WEEK).to_dict())


def trials(world: World, ref: dict[str, Any]) -> list[dict[str, Any]]:
    """Give what a search has tried, but for the seconds."""
    with open(world.client.download_artifacts(ref["run_id"], "trials.json"), encoding="utf-8") as file:
        told = json.load(file)["trials"]
    return [{name: value for name, value in trial.items() if name != "seconds"} for trial in told]


def kept(world: World, ref: dict[str, Any]) -> pd.DataFrame:
    """Give the rows of a snapshot."""
    from airflow_mlops.core.refs import SnapshotRef

    return world.root.open(SnapshotRef.from_dict(ref)).to_pandas()


def runs(world: World, task_id: str) -> list[str]:
    """Give the states of a task's runs, but for those that a later attempt has removed."""
    experiment = world.client.get_experiment_by_name("e").experiment_id
    found = world.client.search_runs([experiment], filter_string=f"tags.`mlops.key` = 'd/r/{task_id}/-1'")
    return [str(run.info.status) for run in found]
