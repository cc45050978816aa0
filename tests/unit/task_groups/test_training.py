"""The steps of a training are wired as the example DAGs are, and each can be left out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_mlops.common.errors import BadInput
from airflow_mlops.notifications.lifecycle import LifecycleNotifier
from airflow_mlops.task_groups import LabelledWindow, training_task_group, training_tasks
from include.churn import assets, features
from include.churn.bundle import CANDIDATES, CONTRACT, POLICY
from tests.differential.dags import describe_dag, load_bundle_dag

LEAST: dict[str, Any] = {
    "model": "m",
    "rows": "rows@2026-04-06",
    "target": "y",
    "key": "id",
    "candidates": ["include.m.model:one", "include.m.model:two"],
    "contract": "contract.yaml",
    "policy": "policy.yaml",
}
WINDOW = LabelledWindow(features="f", labels="l", label_delay=timedelta(days=14))


def after(dag: DAG) -> dict[str, set[str]]:
    return {task.task_id: set(task.upstream_task_ids) for task in dag.tasks}


def test_the_steps_of_churn_are_those_of_its_hand_written_dag() -> None:
    with DAG("churn_training", schedule=None) as dag:
        training_tasks(
            model="churn",
            rows=LabelledWindow(
                features="churn_features",
                labels="churn_labels",
                label_delay=timedelta(days=14),
                cutoff="{{ params.cutoff or '' }}",
                window="{{ params.window }}",
            ),
            target=features.TARGET,
            key=features.KEY,
            candidates=CANDIDATES,
            contract=CONTRACT,
            policy=POLICY,
            slices=features.SLICES,
            groups=features.GROUPS,
            threshold=features.CALL_THRESHOLD,
            self_tests="include.churn.self_tests",
            about="include/churn/card.md",
            outlets=[assets.champion],
            notify=LifecycleNotifier(),
            split={"test": 0.3, "validation": 0.15},
            train={"max_active_tis_per_dag": 2},
        )
    wired, written = describe_dag(dag), describe_dag(load_bundle_dag("churn_training"))
    assert set(wired) == set(written)
    # The contract says which column is the target, too.
    assert wired["leakage"]["fields"].pop("target") == "'churned'"
    assert written["leakage"]["fields"].pop("target") == "nothing"
    for task_id, message in written.items():
        assert wired[task_id] == message, task_id


def test_the_outputs_are_those_of_the_steps_in_the_group(dag: DAG) -> None:
    training = training_task_group("study", **{**LEAST, "rows": WINDOW})
    outputs = {
        "plan": "plan",
        "rows": "training_set",
        "validation": "validate",
        "run": "select",
        "version": "register",
        "self_tests": "self_test",
        "evaluation": "evaluate",
        "decision": "gate",
        "promotion": "promote",
        "card": "card",
    }
    for name, task in outputs.items():
        assert getattr(training, name).operator.task_id == f"study.{task}"
    assert {part: ref.key for part, ref in training.parts.items()} == {p: p for p in ("train", "validation", "test")}
    with pytest.raises(AttributeError, match="no attribute 'verison'"):
        _ = training.verison


def test_the_gate_names_its_branches_with_the_group_s_prefix(dag: DAG) -> None:
    training_task_group("study", **LEAST)
    gate = dag.get_task("study.gate")
    assert (gate.if_promote, gate.if_hold, gate.if_reject) == ("study.promote", "study.hold", "study.reject")
    assert {"study.promote", "study.hold", "study.reject"} == gate.downstream_task_ids - {"study.card"}
    assert "task_ids='study.gate'" in dag.get_task("study.hold").body
    assert "task_ids='study.register'" in dag.get_task("study.hold").subject


def test_a_group_joins_what_is_before_and_behind_it(dag: DAG) -> None:
    from airflow.providers.standard.operators.empty import EmptyOperator

    first, last = EmptyOperator(task_id="first"), EmptyOperator(task_id="last")
    first >> training_task_group("study", **{**LEAST, "rows": WINDOW}) >> last
    assert after(dag)["study.plan"] == {"first"}
    assert after(dag)["last"] == {"study.card"}, "the teardown is not waited for"


def test_given_rows_need_no_plan_and_no_episode(dag: DAG) -> None:
    training = training_tasks(**LEAST)
    assert training.plan is None
    assert {"plan", "training_set", "close_episode"}.isdisjoint(dag.task_ids)
    assert dag.get_task("evaluate").key == ["id"]
    assert dag.get_task("leakage").cutoff is None
    assert dag.get_task("promote").effective_at is None


@pytest.mark.parametrize(
    ("left_out", "gone", "after_register"),
    [
        ({"validate": None}, {"validate"}, {"self_test", "evaluate"}),
        ({"leakage": None}, {"leakage"}, {"self_test", "evaluate"}),
        ({"self_test": None}, {"self_test"}, {"evaluate"}),
        ({"approval": None}, {"hold"}, {"self_test", "evaluate"}),
        ({"card": None}, {"card"}, {"self_test", "evaluate"}),
        ({"gate": None}, {"gate", "promote", "hold", "reject"}, {"self_test", "evaluate"}),
        ({"evaluate": None}, {"evaluate", "gate", "promote", "hold", "reject"}, {"self_test"}),
        (
            {"evaluate": None, "self_test": None, "card": None},
            {"self_test", "evaluate", "gate", "promote", "hold", "reject", "card"},
            set(),
        ),
    ],
    ids=lambda value: "+".join(sorted(value)) if isinstance(value, dict) else "",
)
@pytest.mark.parametrize("rows", ["rows@1", WINDOW], ids=["rows", "window"])
def test_a_step_that_is_left_out_is_gone_and_the_rest_holds_together(
    left_out: dict[str, Any], gone: set[str], after_register: set[str], rows: Any, dag: DAG
) -> None:
    training_tasks(**{**LEAST, "rows": rows, **left_out})
    whole = DAG("whole", schedule=None)
    with whole:
        training_tasks(**{**LEAST, "rows": rows})
    assert set(whole.task_ids) - set(dag.task_ids) == gone
    assert after_register <= dag.get_task("register").downstream_task_ids
    first = "split" if "validate" in gone and rows == "rows@1" else ("validate" if rows == "rows@1" else "plan")
    assert [task.task_id for task in dag.roots] == [first]


def test_without_a_gate_a_failed_self_test_fails_its_task(dag: DAG) -> None:
    training_tasks(**LEAST, gate=None)
    assert dag.get_task("self_test").when_failed == "fail"


def test_with_a_gate_a_failed_self_test_is_left_to_it(dag: DAG) -> None:
    training_tasks(**LEAST)
    assert dag.get_task("self_test").when_failed == "warn"


def test_no_approval_means_that_a_held_version_is_rejected(dag: DAG) -> None:
    training_tasks(**LEAST, approval=None)
    assert dag.get_task("gate").if_hold is None
    assert dag.get_task("promote").approver is None


def test_a_tuned_training_searches_with_the_same_rows(dag: DAG) -> None:
    training_tasks(**LEAST, tune={"space": {"depth": [2, 4]}, "trials": 2})
    mapped = dag.get_task("train")
    assert mapped.operator_class.__name__ == "TuneModelOperator"
    assert mapped.partial_kwargs["space"] == {"depth": [2, 4]}
    assert mapped.partial_kwargs["target"] == "y"


def test_candidates_can_have_parameters_of_their_own(dag: DAG) -> None:
    each = ["include.m.model:one", {"build": "include.m.model:one", "candidate": "deep", "model_params": {"depth": 9}}]
    training_tasks(**{**LEAST, "candidates": each})
    assert dag.get_task("train").expand_input.value == [{"build": "include.m.model:one"}, each[1]]


def test_candidates_of_a_window_are_those_that_its_plan_starts_from(dag: DAG) -> None:
    training_task_group("study", **{**LEAST, "rows": WINDOW})
    chosen, train = dag.get_task("study.candidates"), dag.get_task("study.train")
    assert chosen.upstream_task_ids == {"study.plan"}
    assert chosen.start_from.key == "start_from"
    assert (chosen.candidates, chosen.model, chosen.with_space) == (LEAST["candidates"], "m", None)
    assert train.expand_input.value.operator is chosen
    assert dag.get_task("study.plan").policy == "policy.yaml"
    assert "study.searches" not in dag.task_ids


def test_a_tuned_window_searches_and_trains_beside_it_and_one_of_both_is_enough(dag: DAG) -> None:
    own = {"build": "include.m.model:one", "space": {"rate": [1, 2]}}
    training_tasks(
        **{**LEAST, "rows": WINDOW, "candidates": [own, "include.m.model:two"]},
        train={"seed": 3, "folds": 4, "max_active_tis_per_dag": 2},
        tune={"space": {"depth": [2, 4]}, "trials": 2},
    )
    each = [own, {"space": {"depth": [2, 4]}, "build": "include.m.model:two"}]
    for task, with_space in {"candidates": False, "searches": True}.items():
        assert (dag.get_task(task).candidates, dag.get_task(task).with_space) == (each, with_space)
    train, tune = dag.get_task("train"), dag.get_task("tune")
    assert (train.operator_class.__name__, tune.operator_class.__name__) == ("TrainModelOperator", "TuneModelOperator")
    assert (train.partial_kwargs["seed"], "folds" in train.partial_kwargs) == (3, False)
    assert (tune.partial_kwargs["seed"], tune.partial_kwargs["folds"], tune.partial_kwargs["trials"]) == (3, 4, 2)
    assert "space" not in tune.partial_kwargs
    select = dag.get_task("select")
    assert select.upstream_task_ids == {"train", "tune"}
    assert select.trigger_rule == "none_failed_min_one_success"
    assert after(dag)["train"] >= {"leakage", "candidates"}
    assert after(dag)["tune"] >= {"leakage", "searches"}


def test_parameters_that_all_candidates_of_a_window_share_give_way_to_the_champion_s(dag: DAG) -> None:
    each = ["include.m.model:one", {"build": "include.m.model:two", "model_params": {"depth": 9}}]
    training_tasks(**{**LEAST, "rows": WINDOW, "candidates": each}, train={"model_params": {"depth": 2}, "seed": 1})
    assert dag.get_task("candidates").candidates == [
        {"model_params": {"depth": 2}, "build": "include.m.model:one"},
        {"model_params": {"depth": 9}, "build": "include.m.model:two"},
    ]
    assert "model_params" not in dag.get_task("train").partial_kwargs
    assert dag.get_task("train").partial_kwargs["seed"] == 1


@pytest.mark.parametrize("rows", ["rows@1", WINDOW], ids=["rows", "window"])
def test_a_space_without_a_search_is_refused_where_it_is_written(rows: Any, dag: DAG) -> None:
    each = [{"build": "include.m.model:one", "space": {"depth": [2, 4]}}]
    with pytest.raises(BadInput, match=r"has a search space, but tuning is disabled\n.*set tune"):
        training_tasks(**{**LEAST, "rows": rows, "candidates": each})


def test_a_split_by_time_is_given_no_key(dag: DAG) -> None:
    training_tasks(**LEAST, split={"method": "temporal", "time": "day", "test": "90d"})
    split = dag.get_task("split")
    assert (split.method, split.time, split.key) == ("temporal", "day", None)


def test_keywords_beat_what_is_wired(dag: DAG) -> None:
    training_tasks(**LEAST, promote={"retries": 7, "reason": "told so"}, evaluate={"importance": False})
    assert (dag.get_task("promote").retries, dag.get_task("promote").reason) == (7, "told so")
    assert dag.get_task("evaluate").importance is False
    assert dag.get_task("promote").evaluation["importance"] is False, "judged again in the same way"


def test_a_keyword_that_no_step_has_is_refused_where_it_is_written(dag: DAG) -> None:
    with pytest.raises(TypeError, match="tagret"):
        training_tasks(**LEAST, tagret="y")


@pytest.mark.parametrize("rows", ["rows@1", WINDOW], ids=["rows", "window"])
@pytest.mark.parametrize(
    ("options", "name", "where", "hint"),
    [
        ({"train": {"sead": 1}}, "sead", "train", "'seed'?"),
        ({"train": {"retrys": 1}}, "retrys", "train", "'retries'?"),
        ({"train": {"folds": 3}}, "folds", "train", "build, candidate"),
        ({"tune": {"space": {}, "trails": 1}}, "trails", "tune", "'trials'?"),
        ({"candidates": [{"build": "a.b:c", "params": {}}]}, "params", "candidates, number 0", "'model_params'?"),
        ({"evaluate": {"importence": False}}, "importence", "task 'evaluate'", "'importance'?"),
    ],
)
def test_a_keyword_that_no_operator_has_is_refused_when_the_dag_is_built(
    options: dict[str, Any], name: str, where: str, hint: str, rows: Any, dag: DAG
) -> None:
    with pytest.raises(BadInput, match=f"^'{name}' is not a parameter of ") as error:
        training_tasks(**{**LEAST, "rows": rows, **options})
    assert where in str(error.value.where)
    assert hint in str(error.value.hint)


def test_a_promotion_repeats_the_evaluation_without_the_settings_of_its_task(dag: DAG) -> None:
    training_tasks(**LEAST, evaluate={"retries": 3, "runtime": "docker", "importance": False})
    assert dag.get_task("evaluate").retries == 3
    parameters = dag.get_task("promote").evaluation
    assert {"retries", "runtime"}.isdisjoint(parameters)
    assert parameters["importance"] is False


def test_a_dag_with_a_group_can_be_copied_and_serialised(dag: DAG) -> None:
    from copy import deepcopy

    from airflow.serialization.serialized_objects import DagSerialization

    training_task_group("study", **{**LEAST, "rows": WINDOW})
    assert set(deepcopy(dag).task_group.get_task_group_dict()) == {None, "study"}
    again = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    assert set(again.task_ids) == set(dag.task_ids)
    assert set(dag.partial_subset("study.split").task_ids) >= {"study.plan", "study.split"}
