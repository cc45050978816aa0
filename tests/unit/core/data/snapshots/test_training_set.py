"""A training set joins each partition's features with its own labels: nothing from after the cut-off can come in."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from airflow_mlops.common.errors import BadInput, NotFound
from airflow_mlops.common.refs import SnapshotRef
from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
from airflow_mlops.core.data.snapshots.training_set import join_labels
from airflow_mlops.store import catalogue
from airflow_mlops.store.database import Database

WEEKS = ["2026-04-06", "2026-04-13", "2026-04-20"]


def write(root: SnapshotRoot, dataset: str, partition: str, **columns: Any) -> SnapshotRef:
    return root.write(dataset, pd.DataFrame(columns), partition=partition)


@pytest.fixture
def weeks(root: SnapshotRoot, database: Database) -> None:
    """The same three customers each week; a label of week w is 1 only for the customer of that week's number."""
    for number, week in enumerate(WEEKS):
        catalogue.record(database, write(root, "f", week, id=[0, 1, 2], x=[number] * 3))
        labels = [int(i == number) for i in range(3)]
        catalogue.record(database, write(root, "l", week, id=[2, 1, 0], y=labels[::-1]))


def both(database: Database, first: str | None, last: str) -> list[list[SnapshotRef]]:
    return [catalogue.partitions(database, dataset, first, last) for dataset in ("f", "l")]


@pytest.mark.usefixtures("weeks")
def test_labels_of_later_partitions_are_not_in_it(root: SnapshotRoot, database: Database) -> None:
    rows = pd.concat(join_labels(root, *both(database, None, WEEKS[1]), "id"))
    assert sorted(set(rows["partition"])) == WEEKS[:2]
    positives = {(int(r.id), str(r.partition)) for r in rows[rows["y"] == 1].itertuples()}
    assert positives == {(0, WEEKS[0]), (1, WEEKS[1])}  # customer 2 churns only after the cut-off


@pytest.mark.usefixtures("weeks")
def test_a_row_gets_the_label_of_its_own_partition_even_when_later_ones_exist(
    root: SnapshotRoot, database: Database
) -> None:
    features = catalogue.partitions(database, "f", None, WEEKS[1])
    labels = catalogue.partitions(database, "l")
    rows = pd.concat(join_labels(root, features, labels, "id"))
    assert len(rows) == 6
    assert set(rows.loc[rows["id"] == 2, "y"]) == {0}


@pytest.mark.usefixtures("weeks")
def test_late_labels_take_the_place_of_the_earlier_ones(root: SnapshotRoot, database: Database) -> None:
    catalogue.record(database, write(root, "l", WEEKS[0], id=[0, 1, 2], y=[1, 1, 1]))
    rows = pd.concat(join_labels(root, *both(database, WEEKS[0], WEEKS[0]), "id"))
    assert rows["y"].tolist() == [1, 1, 1]


def test_only_keys_on_both_sides_are_joined(root: SnapshotRoot) -> None:
    features, labels = write(root, "f", "p", id=[1, 2], x=[1, 2]), write(root, "l", "p", id=[2, 3], y=[0, 1])
    (rows,) = join_labels(root, [features], [labels], "id")
    assert rows.to_dict("list") == {"id": [2], "x": [2], "y": [0], "partition": ["p"]}


def test_no_partition_with_both_is_reported_with_the_available_ones(root: SnapshotRoot) -> None:
    features, labels = write(root, "f", "p", id=[1], x=[1]), write(root, "l", "q", id=[1], y=[0])
    with pytest.raises(NotFound, match="no partition has both") as caught:
        list(join_labels(root, [features], [labels], "id"))
    assert "['p']" in str(caught.value.where)
    assert "['q']" in str(caught.value.where)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ({"id": [1, 1], "x": [1, 2]}, {"id": [1], "y": [0]}),
        ({"id": [1], "x": [1]}, {"id": [1, 1], "y": [0, 1]}),
        ({"x": [1]}, {"id": [1], "y": [0]}),
        ({"id": [1.0, None], "x": [1, 2]}, {"id": [1.0, None], "y": [0, 1]}),  # missing would join missing
        ({"id": [1], "x": [1]}, {"id": ["1"], "y": [0]}),
    ],
)
def test_a_key_that_cannot_join_one_to_one_is_refused(
    root: SnapshotRoot, left: dict[str, Any], right: dict[str, Any]
) -> None:
    with pytest.raises(BadInput, match="'id' is "):
        list(join_labels(root, [write(root, "f", "p", **left)], [write(root, "l", "p", **right)], "id"))
