"""Which runs belong to a backfill, and what the operator makes of how it is told to judge again."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import Asset

from airflow_mlops.common.errors import BadInput
from airflow_mlops.operators.evaluate import EvaluateModelOperator
from airflow_mlops.operators.promote import PromoteModelOperator, describe_backfill

NEWS, OTHER = Asset("news"), Asset("other")


def context(run_type: str, *sources: str | None, more: tuple[str, ...] = ()) -> dict[str, Any]:
    events = {NEWS: [SimpleNamespace(source_run_id=s) for s in sources]}
    events |= {OTHER: [SimpleNamespace(source_run_id=s) for s in more]} if more else {}
    return {"dag_run": SimpleNamespace(run_type=run_type, run_id="r"), "triggering_asset_events": events}


@pytest.mark.parametrize(
    ("message", "output"),
    [
        (context("backfill"), "run r belongs to a backfill"),
        (context("asset_triggered", "backfill__1"), "run r was triggered by backfill__1"),
        (context("asset_triggered", "backfill__1", "backfill__2", more=("backfill__1",)), "backfill__1, backfill__2"),
        (context("asset_triggered", "backfill__1", "scheduled__1"), None),  # there was a reason of today's, too
        (context("asset_triggered", "backfill__1", more=("manual__1",)), None),
        (context("asset_triggered", "scheduled__backfill__1"), None),
        (context("asset_triggered", None), None),  # a watcher's event has no run
        (context("asset_triggered"), None),
        (context("scheduled"), None),
        (context("manual", "backfill__1"), None),
        ({"dag_run": SimpleNamespace(run_type="asset_triggered", run_id="r")}, None),
    ],
)
def test_a_run_belongs_to_a_backfill_when_all_that_started_it_does(message: Any, output: str | None) -> None:
    found = describe_backfill(message)
    assert found is None if output is None else output in (found or "")


def test_the_run_type_may_be_airflow_s_own_kind() -> None:
    from airflow.utils.types import DagRunType

    assert describe_backfill({"dag_run": SimpleNamespace(run_type=DagRunType.BACKFILL_JOB, run_id="r")}) is not None


@pytest.fixture
def options(root: Any, people: Any) -> dict[str, Any]:
    return {"test": root.write("test", people(50)).to_dict(), "target": "y", "key": "id", "features": ["x"]}


def promote(root: Any, database: Any, evaluation: Any) -> Any:
    task = PromoteModelOperator(
        task_id="t", challenger={}, gate={}, evaluation=evaluation, policy={"gate": {"min_rows": 7}}
    )
    task.__dict__["store"] = SimpleNamespace(database=database, snapshots=root)
    return task._reevaluation(task._evaluation_parameters(evaluation))


def test_it_judges_again_as_the_evaluation_did_with_the_same_defaults(options: Any, root: Any, database: Any) -> None:
    judging = promote(root, database, {**options, "slices": "z", "cost": "False"})
    assert (judging.rows.key, judging.rows.target, judging.rows.features) == (["id"], "y", ["x"])
    assert judging.rows.snapshot.ref.id == options["test"]["id"]
    evaluate = EvaluateModelOperator(task_id="e", challenger={}, **options)
    assert judging.metric == evaluate.metric
    for name in ("importance", "train_sample", "threshold"):
        assert getattr(judging.options, name) == getattr(evaluate, name)
    assert (judging.options.slices, judging.options.cost) == (("z",), False)
    assert judging.policy.min_rows == 7


def test_a_parameter_too_many_or_too_few_is_told_before_any_race(options: Any, root: Any, database: Any) -> None:
    with pytest.raises(BadInput, match=r"tset: is not a known key; did you mean 'test'\?") as error:
        promote(root, database, {**options, "tset": 1})
    assert error.value.where == "evaluation"
    del options["target"]
    with pytest.raises(BadInput, match="this EvaluateModelOperator is not valid:\n    target: Field required"):
        promote(root, database, options)


def test_the_evaluation_may_run_elsewhere_than_its_repetition(options: Any, root: Any, database: Any) -> None:
    assert promote(root, database, {**options, "runtime": "docker"}).metric == "roc_auc"
