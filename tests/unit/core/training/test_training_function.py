"""A training function gets its rows in the form that it asks for, and gives back a model or an error in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.data.snapshots.snapshot import Snapshot, SnapshotRoot
from airflow_mlops.core.training.candidate import Candidate
from airflow_mlops.core.training.training_function import call_training_function

if TYPE_CHECKING:
    from nowhere import Missing

CANDIDATE = Candidate("c", "build", ["x", "z"], "y")


@pytest.fixture
def arguments(root: SnapshotRoot, people: Any) -> dict[str, Any]:
    return {part: root.open(root.write(part, people(50, seed))) for seed, part in enumerate(("train", "validation"))}


def test_frames_have_the_features_and_the_target_and_nothing_else(arguments: dict[str, Any]) -> None:
    def function(train: pd.DataFrame, validation: Missing, depth: int) -> Any:
        assert (list(train.columns), len(train), list(validation.columns), depth) == (
            ["x", "z", "y"],
            50,
            ["x", "z", "y"],
            3,
        )
        return LogisticRegression().fit(train[["x", "z"]], train["y"])

    made = call_training_function(function, CANDIDATE, {**arguments, "depth": 3})
    frame = arguments["train"].to_pandas()
    assert made.model.coef_ == pytest.approx(LogisticRegression().fit(frame[["x", "z"]], frame["y"]).coef_)
    assert made.metrics == {}
    assert made.usage.seconds > 0


def test_a_parameter_annotated_as_a_snapshot_gets_the_snapshot(arguments: dict[str, Any]) -> None:
    def by_name(train: Snapshot, validation: pd.DataFrame) -> Any:
        assert train is arguments["train"]
        assert isinstance(validation, pd.DataFrame)
        return LogisticRegression(), {"rounds": 12}

    assert call_training_function(by_name, CANDIDATE, arguments).metrics == {"rounds": 12.0}
    by_name.__annotations__["train"] = Snapshot  # as a module without postponed annotations has it
    call_training_function(by_name, CANDIDATE, arguments)


def test_rows_that_cannot_be_learnt_from_do_not_reach_the_function(
    root: SnapshotRoot, arguments: dict[str, Any], people: Any
) -> None:
    arguments["train"] = root.open(root.write("train", people(50).assign(y=1)))
    with pytest.raises(BadInput, match="is not a binary target of 0 and 1"):
        call_training_function(lambda train, validation: pytest.fail("called"), CANDIDATE, arguments)


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        (None, "c returned NoneType, not a model"),
        ({"auc": 0.7}, "c returned dict, not a model"),
        ((LogisticRegression(), None), "metrics that are not a dict of numbers: None"),
        ((LogisticRegression(), {"auc": "high"}), "metrics that are not a dict of numbers"),
        ((LogisticRegression(), {}, 1), "c returned tuple, not a model"),
    ],
)
def test_what_is_no_model_is_refused(arguments: dict[str, Any], returned: Any, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        call_training_function(lambda train, validation: returned, CANDIDATE, arguments)
