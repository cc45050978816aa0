"""The same rows scored by the same version are one score set: however often, in whatever pieces, after any kill."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.refs import ModelVersionRef, SnapshotRef
from airflow_mlops.core.data.snapshots.snapshot import Snapshot, SnapshotRoot
from airflow_mlops.core.scoring import ScoringJob, score


class Doubling:
    def __init__(self) -> None:
        self.asked: list[float] = []

    def predict(self, frame: pd.DataFrame) -> Any:
        assert list(frame.columns) == ["x"]  # neither the key nor the target comes to the model
        self.asked += frame["x"].tolist()
        return frame["x"].to_numpy() * 2


class Killed(BaseException):
    """What ends a process."""


class Dying(Doubling):
    """Ends its process at its n-th batch."""

    def __init__(self, batch: int) -> None:
        super().__init__()
        self.left = batch

    def predict(self, frame: pd.DataFrame) -> Any:
        self.left -= 1
        if self.left < 0:
            raise Killed
        return super().predict(frame)


def version(number: int = 1) -> ModelVersionRef:
    return ModelVersionRef("m", number, f"{number}" * 64, "r")


def job(rows: Snapshot, number: int = 1, **how: Any) -> ScoringJob:
    return ScoringJob(rows, version(number), **{"key": ["id"], "features": ["x"], "dataset": "s", **how})


def scored(root: SnapshotRoot, rows: Snapshot, number: int = 1, model: Any = None, **how: Any) -> SnapshotRef:
    return score(root, job(rows, number, **how), lambda: model or Doubling())


def numbered(count: int) -> pd.DataFrame:
    return pd.DataFrame({"id": np.arange(count), "x": np.arange(count) / 4})


def test_every_row_has_its_key_its_score_and_whose_it_is(root: SnapshotRoot) -> None:
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
        "model_name": ["m", "m", "m"],
        "model_version": [1, 1, 1],
    }


def test_scored_again_it_is_the_same_set_and_by_another_version_another(root: SnapshotRoot) -> None:
    frame = numbered(10)
    rows = root.open(root.write("d", frame))
    first = scored(root, rows)
    assert scored(root, rows) == first
    reordered = root.open(root.write("d2", [frame[5:], frame[:5]]))
    assert scored(root, reordered).id == first.id
    assert scored(root, rows, batch_rows=3).id == first.id
    assert scored(root, rows, 2).id != first.id


def test_a_kill_half_way_leaves_no_scores_and_the_next_attempt_scores_only_what_is_missing(root: SnapshotRoot) -> None:
    rows = root.open(root.write("d", numbered(10)))
    with pytest.raises(Killed):
        scored(root, rows, model=Dying(2), batch_rows=3)
    assert root.list_snapshots("s") == []
    model = Doubling()
    ref = scored(root, rows, model=model, batch_rows=3)
    assert model.asked == (np.arange(6, 10) / 4).tolist()
    assert root.open(ref).to_pandas()["id"].tolist() == list(range(10))
    assert not root.fs.find(f"{root.path}/s/staging")


def test_where_all_is_there_no_model_is_loaded(root: SnapshotRoot, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = root.open(root.write("d", numbered(10)))

    def killed(*_: Any, **__: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(SnapshotRoot, "commit", killed)
        with pytest.raises(Killed):
            scored(root, rows, batch_rows=3)

    def load() -> Any:
        raise AssertionError("there is nothing left to score")

    ref = score(root, job(rows, batch_rows=3), load)
    assert root.open(ref).to_pandas()["id"].tolist() == list(range(10))


def test_parts_of_rows_that_are_cut_otherwise_are_not_taken(root: SnapshotRoot) -> None:
    frame = numbered(10)
    first = root.open(root.write("d", frame))
    with pytest.raises(Killed):
        scored(root, first, model=Dying(1), batch_rows=5)
    root.fs.rm(f"{root.path}/d", recursive=True)
    again = root.open(root.write("d", [frame[5:], frame[:5]]))  # the same snapshot, its rows in another order
    assert again.ref == first.ref
    assert sorted(root.open(scored(root, again, batch_rows=5)).to_pandas()["id"]) == list(range(10))


@settings(max_examples=20, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    batch_rows=st.integers(1, 12),
    kills=st.lists(st.integers(0, 5), max_size=3),
)
def test_after_whatever_kills_every_row_is_scored_once(
    sizes: list[int], batch_rows: int, kills: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = SnapshotRoot(tmp_path_factory.mktemp("s").as_uri())
    frame, ends = numbered(sum(sizes)), np.cumsum(sizes).tolist()
    chunks = [frame[end - size : end] for size, end in zip(sizes, ends, strict=True)]
    rows = root.open(root.write("d", chunks))
    for kill in kills:
        with suppress(Killed):
            scored(root, rows, model=Dying(kill), batch_rows=batch_rows)
    found = root.open(scored(root, rows, batch_rows=batch_rows)).to_pandas()
    assert found["id"].tolist() == list(range(sum(sizes)))
    assert (found["score"] == found["id"] / 2).all()


def test_a_key_that_is_a_feature_too_is_kept_once(root: SnapshotRoot) -> None:
    rows = root.open(root.write("d", pd.DataFrame({"x": [1.0]})))
    found = root.open(scored(root, rows, key=["x"])).to_pandas()
    assert found.to_dict("list") == {"x": [1.0], "score": [2.0], "model_name": ["m"], "model_version": [1]}


class Classes:
    classes_ = ("high", "low", "mid")

    def predict_proba(self, frame: pd.DataFrame) -> Any:
        return np.array([[0.2, 0.7, 0.1], [0.5, 0.2, 0.3], [float("nan"), 0.5, 0.5]])[: len(frame)]


def test_of_several_classes_the_likeliest_is_named_beside_their_probabilities(root: SnapshotRoot) -> None:
    rows = root.open(root.write("d", pd.DataFrame({"id": [1, 2, 3], "x": [0.5, 1.5, 2.5]})))
    frame = root.open(scored(root, rows, model=Classes())).to_pandas()
    assert list(frame.columns) == ["id", "score", "score_0", "score_1", "score_2", "model_name", "model_version"]
    assert frame["score"].tolist()[:2] == ["low", "high"]
    assert pd.isna(frame["score"].iloc[2])
    assert frame["score_1"].tolist() == [0.7, 0.2, 0.5]


def bad(how: dict[str, Any]) -> Callable[[SnapshotRoot], object]:
    return lambda root: scored(root, root.open(root.write("d", numbered(3).assign(score=1.0))), **how)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"key": []}, "no key column is set"),
        ({"key": ["score"]}, "reserved for scores"),
        ({"key": ["who"]}, "does not have the columns"),
        ({"features": ["income"]}, "does not have the columns"),
        ({"batch_rows": 0}, "batch_rows must be positive; got 0"),
    ],
)
def test_what_cannot_be_scored_is_told_and_leaves_nothing(root: SnapshotRoot, how: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        bad(how)(root)
    assert not root.fs.exists(f"{root.path}/s")


def test_a_snapshot_without_rows_is_told(root: SnapshotRoot) -> None:
    rows = root.open(root.write("d", numbered(0)))
    with pytest.raises(BadInput, match="no rows to score"):
        scored(root, rows)


def test_the_error_of_a_model_says_where_it_was(root: SnapshotRoot) -> None:
    class Picky(Doubling):
        def predict(self, frame: pd.DataFrame) -> Any:
            raise ValueError("too cold")

    rows = root.open(root.write("d", numbered(10), partition="2026-04-06"))
    with pytest.raises(ValueError, match="too cold") as raised:
        scored(root, rows, model=Picky(), batch_rows=4)
    assert raised.value.__notes__ == ["while scoring batch 0 of d 2026-04-06 (4 rows) with m v1"]
