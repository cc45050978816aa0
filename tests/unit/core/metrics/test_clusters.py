"""Rows are units, or clusters are."""

from __future__ import annotations

import numpy as np

from airflow_mlops.core.metrics.clusters import Clusters


def test_rows_without_clusters_are_units() -> None:
    units = Clusters(4)
    assert units.count == 4
    assert units.numbers.tolist() == [0, 1, 2, 3]
    assert units.sums(np.arange(4.0)).tolist() == [0, 1, 2, 3]
    assert units.count_with(np.array([True, False, True, False])) == 2


def test_clusters_may_have_any_names_and_are_summed() -> None:
    units = Clusters(5, np.array(["b", "", "b", "7", ""]))
    assert units.count == 3
    assert units.numbers.tolist() == [2, 0, 2, 1, 0]
    assert sorted(units.sums(np.array([1.0, 2, 3, 4, 5]))) == [4, 4, 7]
    assert units.count_with(np.array([True, True, True, False, False])) == 2
    assert units.count_with(np.zeros(5, bool)) == 0


def test_units_are_put_together_whole_where_they_are_too_many() -> None:
    clusters = np.repeat(np.arange(50), 3)
    dealt = Clusters(150, clusters).assign_groups(10)
    assert np.unique(dealt, return_counts=True)[1].tolist() == [15] * 10
    assert all(len(set(dealt[clusters == c])) == 1 for c in range(50))
    assert Clusters(7).assign_groups(10).tolist() == list(range(7))


def test_no_rows_have_no_units() -> None:
    assert Clusters(0).count == 0
    assert Clusters(0, np.array([])).count == 0
    assert Clusters(0).numbers.tolist() == Clusters(0, np.array([])).numbers.tolist() == []
