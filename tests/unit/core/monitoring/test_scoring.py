"""The same rows scored by the same version are one score set, however often and in whatever pieces."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from airflow_mlops.core.data.snapshot import Snapshot, SnapshotRoot
from airflow_mlops.core.monitoring.scoring import score
from airflow_mlops.core.refs import ModelVersionRef, SnapshotRef


class Doubling:
    def predict(self, frame: pd.DataFrame) -> Any:
        assert list(frame.columns) == ["x"]  # neither the key nor the target comes to the model
        return frame["x"].to_numpy() * 2


def version(number: int) -> ModelVersionRef:
    return ModelVersionRef("m", number, "0" * 64, "r")


def scored(root: SnapshotRoot, rows: Snapshot, number: int = 1) -> SnapshotRef:
    return score(root, "s", rows, Doubling(), version(number), key=["id"], features=["x"])


def test_every_row_has_its_key_its_score_and_the_version(root: SnapshotRoot) -> None:
    chunks = [
        pd.DataFrame({"id": [1, 2], "x": [0.5, 1.5], "y": [0, 1]}),
        pd.DataFrame({"id": [3], "x": [2.5], "y": [0]}),
    ]
    rows = root.open(root.write("d", chunks, partition="2026-04-06"))
    ref = scored(root, rows)
    assert (ref.partition, ref.rows) == ("2026-04-06", 3)
    assert root.open(ref).to_pandas().to_dict("list") == {
        "id": [1, 2, 3],
        "score": [1.0, 3.0, 5.0],
        "model_version": [1, 1, 1],
    }


def test_scored_again_it_is_the_same_set_and_by_another_version_another(root: SnapshotRoot) -> None:
    frame = pd.DataFrame({"id": range(10), "x": np.linspace(0, 1, 10)})
    rows = root.open(root.write("d", frame))
    first = scored(root, rows)
    assert scored(root, rows) == first
    reordered = root.open(root.write("d2", [frame[5:], frame[:5]]))
    assert scored(root, reordered).id == first.id
    assert scored(root, rows, 2).id != first.id


def test_a_kill_half_way_leaves_no_scores_and_the_next_attempt_all_of_them(root: SnapshotRoot) -> None:
    rows = root.open(root.write("d", [pd.DataFrame({"id": [i], "x": [1.0 * i]}) for i in range(3)]))
    calls: list[int] = []

    class Dying(Doubling):
        def predict(self, frame: pd.DataFrame) -> Any:
            calls.append(1)
            if len(calls) == 2:
                raise KeyboardInterrupt
            return super().predict(frame)

    try:
        score(root, "s", rows, Dying(), version(1), key=["id"], features=["x"])
    except KeyboardInterrupt:
        assert not root.fs.find(f"{root.path}/s")
    ref = scored(root, rows)
    assert sorted(root.open(ref).to_pandas()["id"]) == [0, 1, 2]


def test_a_key_that_is_a_feature_too_is_kept_once(root: SnapshotRoot) -> None:
    rows = root.open(root.write("d", pd.DataFrame({"x": [1.0]})))
    ref = score(root, "s", rows, Doubling(), version(1), key=["x"], features=["x"])
    assert root.open(ref).to_pandas().to_dict("list") == {"x": [1.0], "score": [2.0], "model_version": [1]}


class Classes:
    classes_ = ("high", "low", "mid")

    def predict_proba(self, frame: pd.DataFrame) -> Any:
        return [[0.2, 0.7, 0.1], [0.5, 0.2, 0.3], [float("nan"), 0.5, 0.5]]


def test_of_several_classes_the_likeliest_is_named_beside_their_probabilities(root: SnapshotRoot) -> None:
    rows = root.open(root.write("d", pd.DataFrame({"id": [1, 2, 3], "x": [0.5, 1.5, 2.5]})))
    ref = score(root, "s", rows, Classes(), version(1), key=["id"], features=["x"])
    frame = root.open(ref).to_pandas()
    assert list(frame.columns) == ["id", "score", "score_0", "score_1", "score_2", "model_version"]
    assert frame["score"].tolist()[:2] == ["low", "high"]
    assert pd.isna(frame["score"].iloc[2])
    assert frame["score_1"].tolist() == [0.7, 0.2, 0.5]
