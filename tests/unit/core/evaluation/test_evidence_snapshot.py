"""Evidence is kept as it was scored, and knows which of its rows a model has seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.refs import SnapshotRef
from airflow_mlops.core.data.snapshots.snapshot import Snapshot, SnapshotRoot
from airflow_mlops.core.evaluation import evidence_snapshot
from airflow_mlops.core.evaluation.gate_rows import read_rows
from airflow_mlops.core.evaluation.model_scoring import score_rows
from airflow_mlops.core.metrics import row_losses

FRAME = pd.DataFrame(
    {
        "id": [1, 1, 2],
        "week": ["a", "b", "a"],
        "p": [0.1, 0.2, 0.3],
        "q": [0.9, 0.8, 0.7],
        "sex": ["f", "m", None],
        "y": [0, 1, 1],
    }
)


@pytest.fixture
def rows(root: SnapshotRoot) -> Snapshot:
    return root.open(root.write("gate_rows", FRAME, partition="2026-04-06"))


def kept(root: SnapshotRoot, rows: Snapshot, task: str = "binary", classes: Any = (), **models: Any) -> SnapshotRef:
    metric = {"binary": "roc_auc", "multiclass": "f1_macro", "regression": "mae"}[task]
    read = read_rows(
        rows, task=task, key=["id", "week"], cluster="id", target="y", features=["p", "q"], classes=classes,
        slices=["week"], groups=["sex"],
    )  # fmt: skip
    scored = score_rows(read, metric, models, dict.fromkeys(models, "it"))
    return evidence_snapshot.write_evidence(root, "e", read, scored.scores, source=rows.ref)


def read_back(root: SnapshotRoot, ref: SnapshotRef, role: str) -> Any:
    return evidence_snapshot.read_evidence(root.open(ref), role, subject=role, seen_rows=0, facts={})


def test_both_models_are_scored_on_the_very_same_rows(root: SnapshotRoot, rows: Snapshot, by_column: Any) -> None:
    ref = kept(root, rows, champion=by_column("p"), challenger=by_column("q"))
    old, new = (read_back(root, ref, role) for role in ("champion", "challenger"))
    assert old.snapshot == new.snapshot == ref.id
    assert list(old.keys) == list(new.keys) == ["1|a", "1|b", "2|a"]
    assert list(old.scores) == [0.1, 0.2, 0.3]
    assert list(new.scores) == [0.9, 0.8, 0.7]
    assert list(new.target) == [0, 1, 1]
    assert list(new.clusters) == ["1", "1", "2"]


def test_slices_groups_and_losses_are_kept_with_the_scores(root: SnapshotRoot, rows: Snapshot, by_column: Any) -> None:
    ref = kept(root, rows, champion=by_column("p"), challenger=by_column("q"))
    new = read_back(root, ref, "challenger")
    assert {name: list(of) for name, of in new.slices.items()} == {"week": ["a", "b", "a"]}
    assert {name: list(of) for name, of in new.groups.items()} == {"sex": ["f", "m", "missing"]}
    frame = root.open(ref).to_pandas()
    for role, column in (("champion", "p"), ("challenger", "q")):
        losses = row_losses("binary", FRAME["y"].to_numpy(), FRAME[column].to_numpy())
        assert frame[f"loss_{role}"].tolist() == pytest.approx(losses.tolist())


def test_chances_of_several_classes_are_kept_and_read_back_in_their_order(root: SnapshotRoot, rows: Snapshot) -> None:
    chances = np.random.default_rng(0).dirichlet(np.ones(12), size=3)

    class Twelve:
        classes_ = np.arange(12)

        def predict_proba(self, frame: pd.DataFrame) -> Any:
            return chances

    ref = kept(root, rows, "multiclass", range(12), challenger=Twelve())
    assert read_back(root, ref, "challenger").scores.tolist() == chances.tolist()
    assert read_back(root, ref, "champion") is None
    loss = root.open(ref).to_pandas(["loss_challenger"])["loss_challenger"]
    assert loss.tolist() == pytest.approx((-np.log(chances[[0, 1, 2], [0, 1, 1]])).tolist())


def test_values_are_kept_with_their_squared_errors(root: SnapshotRoot, rows: Snapshot, value: Any) -> None:
    ref = kept(root, rows, "regression", challenger=value("q"))
    assert list(read_back(root, ref, "challenger").scores) == [0.9, 0.8, 0.7]
    assert root.open(ref).to_pandas(["loss_challenger"])["loss_challenger"].tolist() == pytest.approx(
        [0.81, 0.04, 0.09]
    )


def test_without_a_champion_there_is_no_evidence_on_one(root: SnapshotRoot, rows: Snapshot, by_column: Any) -> None:
    ref = kept(root, rows, challenger=by_column("q"))
    assert read_back(root, ref, "champion") is None


def test_a_score_that_is_not_a_number_is_kept_as_it_is_for_the_gate_to_see(root: SnapshotRoot, by_column: Any) -> None:
    frame = FRAME.assign(p=[np.nan, np.inf, 0.5])
    ref = kept(root, root.open(root.write("d", frame)), challenger=by_column("p"))
    read = read_back(root, ref, "challenger")
    assert np.isnan(read.scores[0])
    assert np.isinf(read.scores[1])


@pytest.mark.parametrize("kind", ["int64", "float64", "str"])
def test_every_row_whose_customer_was_seen_counts_whatever_type_the_key_had(
    root: SnapshotRoot, rows: Snapshot, kind: str
) -> None:
    def part(name: str, ids: list[int]) -> Snapshot:
        return root.open(root.write(name, pd.DataFrame({"id": pd.Series(ids).astype(kind)})))

    assert evidence_snapshot.count_seen_rows(rows, [part("t", [7, 8]), part("v", [9])], "id") == 0
    assert evidence_snapshot.count_seen_rows(rows, [part("t", [7, 8]), part("v", [1])], "id") == 2
    assert evidence_snapshot.count_seen_rows(rows, [part("t", [2]), part("v", [1])], "id") == 3


@pytest.mark.parametrize(
    ("gate", "seen"),
    [
        ([1, 2, 3], [1, 2, None]),  # a missing key makes floats of a column of whole numbers
        ([1, 2, None], [1, 2]),
        (["2026-04-06", "2026-04-07", "2026-04-08"], ["2026-04-06", "2026-04-07", "2026-04-09T12:00"]),
    ],
)
def test_a_seen_row_is_counted_whatever_keys_stand_beside_its_own(root: SnapshotRoot, gate: Any, seen: Any) -> None:
    def part(name: str, keys: list[Any]) -> Snapshot:
        column = pd.Series(pd.to_datetime(keys, format="ISO8601")) if isinstance(keys[0], str) else pd.Series(keys)
        return root.open(root.write(name, pd.DataFrame({"id": column})))

    assert evidence_snapshot.count_seen_rows(part("g", gate), [part("t", [99]), part("v", seen)], "id") == 2


def test_of_several_columns_only_rows_that_agree_in_all_were_seen(root: SnapshotRoot) -> None:
    def part(name: str, customers: list[int], weeks: list[Any]) -> Snapshot:
        return root.open(
            root.write(name, pd.DataFrame({"id": customers, "week": pd.to_datetime(weeks, format="ISO8601")}))
        )

    gate = part("g", [1, 1, 2, 12], ["2026-04-06", "2026-04-13", "2026-04-13", None])
    seen = part("t", [1, 2, 12, 1], ["2026-04-06T00:00:00", "2026-04-06", None, "2026-03-30"])
    assert evidence_snapshot.count_seen_rows(gate, [seen], "id") == 4
    assert evidence_snapshot.count_seen_rows(gate, [seen], ["id", "week"]) == 2


@pytest.mark.parametrize(("seen", "counted"), [(["a", None], 2), (["b", "c"], 1), (["d"], 0)])
def test_rows_without_a_key_are_alike(root: SnapshotRoot, seen: list[Any], counted: int) -> None:
    gate = root.open(root.write("g", pd.DataFrame({"id": ["a", "b", None]})))
    assert (
        evidence_snapshot.count_seen_rows(gate, [root.open(root.write("t", pd.DataFrame({"id": seen})))], "id")
        == counted
    )


@given(st.lists(st.integers(-(2**62), 2**62)), st.lists(st.integers(-3, 3)), st.lists(st.integers(-3, 3)))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whole_numbers_are_found_as_their_texts_are(
    root: SnapshotRoot, large: list[int], gate: list[int], seen: list[int]
) -> None:
    def part(name: str, keys: list[Any]) -> Snapshot:
        return root.open(root.write(name, pd.DataFrame({"id": keys})))

    judged, known = [*large, *gate, 0], [*large[::2], *seen, 0]
    texts = part("t", [str(key) for key in known])
    assert evidence_snapshot.count_seen_rows(part("g", judged), [part("w", known)], "id") == sum(
        key in known for key in judged
    )
    assert evidence_snapshot.count_seen_rows(part("g", judged), [texts], "id") == sum(key in known for key in judged)


def test_seen_data_that_lack_the_key_are_an_error_not_zero(root: SnapshotRoot, rows: Snapshot) -> None:
    other = root.open(root.write("t", pd.DataFrame({"x": [1]})))
    with pytest.raises(BadInput, match=r"no column \['id'\]"):
        evidence_snapshot.count_seen_rows(rows, [other], "id")
