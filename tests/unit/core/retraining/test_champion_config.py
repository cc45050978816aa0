"""The champion's own configuration, as a retraining takes it over."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, TEMPORARILY_UNAVAILABLE

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.retraining.champion_config import load_champion_config
from airflow_mlops.store import versions
from airflow_mlops.store.clock import now
from airflow_mlops.store.tables import Version


class Runs:
    """MLflow with one run, whose parameters are text."""

    def __init__(self, **params: str) -> None:
        self.params = params

    def get_run(self, run_id: str) -> Any:
        assert run_id == "of-the-champion"
        return SimpleNamespace(data=SimpleNamespace(params=self.params))


@pytest.fixture
def reigning(watched: Any) -> Any:
    version = Version(
        model="m", version=1, digest="0", run_id="of-the-champion", artifact_uri="/a", candidate="c", data={},
        baseline={}, actor="a", recorded_at=now(),
    )  # fmt: skip
    versions.add(watched.database, version)
    watched.champion(1)
    return watched.database


def test_build_and_parameters_come_as_training_takes_them(reigning: Any) -> None:
    params = {"param.depth": "4", "param.rate": "0.06", "param.loss": "log", "param.early": "True", "target": "y"}
    own = load_champion_config(Runs(build="include.churn.model:boosted", **params), reigning, "m")  # type: ignore[arg-type]
    assert own == {
        "build": "include.churn.model:boosted",
        "candidate": "c",
        "model_params": {"depth": 4, "rate": 0.06, "loss": "log", "early": True},
    }


def test_what_else_the_candidate_has_that_it_once_was_is_the_dag_s_to_say(reigning: Any) -> None:
    given = [
        {"build": "nowhere.model:boosted", "candidate": "other", "class_weight": "balanced"},
        {"build": "nowhere.model:linear", "candidate": "c", "sample_weight": "worth"},
        {"build": "nowhere.model:boosted", "candidate": "c", "features": ["a"], "model_params": {"depth": 9, "x": 1}},
    ]
    run = Runs(build="nowhere.model:boosted", **{"param.depth": "4"})
    own = load_champion_config(run, reigning, "m", given)  # type: ignore[arg-type]
    assert own == {**given[2], "model_params": {"depth": 4}}
    assert given[2]["model_params"] == {"depth": 9, "x": 1}


def test_what_a_search_has_found_is_not_searched_again(reigning: Any) -> None:
    search = {"build": "m.model:boosted", "candidate": "c", "space": {"depth": [2, 4]}, "trials": 9, "folds": 3}
    run = Runs(build="m.model:boosted", **{"param.depth": "4"})
    own = load_champion_config(run, reigning, "m", [{**search, "seed": 5}])  # type: ignore[arg-type]
    assert own == {"build": "m.model:boosted", "candidate": "c", "model_params": {"depth": 4}, "seed": 5}


def test_a_function_that_is_neither_a_candidate_nor_there_any_more_is_told(reigning: Any) -> None:
    run = Runs(build="include.churn.model:forgotten")
    with pytest.raises(BadInput, match="has no 'forgotten'"):
        load_champion_config(run, reigning, "m")  # type: ignore[arg-type]


def test_a_run_that_mlflow_has_lost_is_told_and_an_mlflow_that_is_away_is_not_taken_for_it(reigning: Any) -> None:
    class Lost(Runs):
        code = RESOURCE_DOES_NOT_EXIST

        def get_run(self, run_id: str) -> Any:
            raise MlflowException("no", error_code=self.code)

    with pytest.raises(BadInput, match="MLflow no longer has the run of m v1"):
        load_champion_config(Lost(), reigning, "m")  # type: ignore[arg-type]
    Lost.code = TEMPORARILY_UNAVAILABLE
    with pytest.raises(MlflowException):
        load_champion_config(Lost(), reigning, "m")  # type: ignore[arg-type]


@pytest.mark.parametrize("params", [{}, {"build": "<lambda>"}, {"build": "boosted"}])
def test_a_champion_that_cannot_be_built_again_by_name_is_told(reigning: Any, params: dict[str, str]) -> None:
    with pytest.raises(BadInput, match="is not importable"):
        load_champion_config(Runs(**params), reigning, "m")  # type: ignore[arg-type]


def test_without_a_champion_there_is_nothing_to_start_from(watched: Any) -> None:
    with pytest.raises(BadInput, match="no champion"):
        load_champion_config(Runs(), watched.database, "m")  # type: ignore[arg-type]
