"""The champion's own configuration, as a retraining takes it over."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.monitoring.configuration import champions_own
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
    own = champions_own(Runs(build="include.churn.model:boosted", **params), reigning, "m")  # type: ignore[arg-type]
    assert own["build"] == "include.churn.model:boosted"
    assert own["model_params"] == {"depth": 4, "rate": 0.06, "loss": "log", "early": True}


@pytest.mark.parametrize("params", [{}, {"build": "<lambda>"}, {"build": "boosted"}])
def test_a_champion_that_cannot_be_built_again_by_name_is_told(reigning: Any, params: dict[str, str]) -> None:
    with pytest.raises(BadInput, match="not built by what can be imported"):
        champions_own(Runs(**params), reigning, "m")  # type: ignore[arg-type]


def test_without_a_champion_there_is_nothing_to_start_from(watched: Any) -> None:
    with pytest.raises(BadInput, match="no champion"):
        champions_own(Runs(), watched.database, "m")  # type: ignore[arg-type]
