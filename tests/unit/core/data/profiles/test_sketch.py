"""Sketches add up exactly, and their estimates keep within their error."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_mlops.core.data.profiles.names import hash_names
from airflow_mlops.core.data.profiles.sketch import ClusterSketch, DistinctSketch

KEYS = st.lists(st.integers(0, 30), max_size=40)


def clusters(sizes: list[int], alone: int = 0) -> ClusterSketch:
    sketch = ClusterSketch(alone=alone)
    sketch.add(hash_names([f"key {i}" for i in range(len(sizes))]), sizes)
    return sketch


@pytest.mark.parametrize("count", [0, 1, 50, 1000, 3000, 100_000])
def test_a_sketch_counts_small_and_large_sets_within_its_error(count: int) -> None:
    sketch = DistinctSketch()
    sketch.add(hash_names([f"value {i}" for i in range(count)]))
    assert sketch.estimate() == pytest.approx(count, rel=0.1, abs=1)
    assert DistinctSketch.from_text(sketch.to_text()).estimate() == sketch.estimate()


def test_the_registers_are_as_the_format_says() -> None:
    sketch = DistinctSketch()
    sketch.add(np.array([5 << 21, (6 << 21) + 1, (6 << 21) + 8, (7 << 21) + 2**20], dtype=np.uint32))
    assert sketch.registers[4:9].tolist() == [0, 22, 21, 1, 0]


@settings(deadline=None)
@given(KEYS, KEYS)
def test_sketches_of_parts_merge_into_the_sketch_of_all(a: list[int], b: list[int]) -> None:
    sketches = []
    for keys in (a, b, [*a, *b]):
        sketch = ClusterSketch(alone=len(keys))
        sketch.add(hash_names([str(key) for key in keys]))
        sketches.append(sketch)
    assert sketches[0].merge(sketches[1]).to_dict() == sketches[2].to_dict()
    assert sketches[1].merge(sketches[0]).to_dict() == sketches[2].to_dict()


@pytest.mark.parametrize(("groups", "size"), [(20, 5), (500, 10), (30_000, 7)])
def test_equal_groups_stand_for_one_row_each(groups: int, size: int) -> None:
    assert clusters([size] * groups).effective_rows(groups * size) == pytest.approx(groups, rel=0.15)


def test_a_group_with_half_of_all_rows_leaves_few_independent_ones() -> None:
    sketch = clusters([5000] + [1] * 5000)
    assert sketch.cluster_count == pytest.approx(5001, rel=0.1)
    assert sketch.effective_rows(10_000) == pytest.approx(10_000**2 / (5000**2 + 5000), abs=1)


@pytest.mark.parametrize("seed", range(5))
def test_unequal_groups_count_as_kish_says(seed: int) -> None:
    sizes = np.random.default_rng(seed).geometric(0.1, 4000)
    rows = int(sizes.sum())
    assert clusters(sizes.tolist()).effective_rows(rows) == pytest.approx(rows**2 / (sizes**2).sum(), rel=0.15)


def test_rows_that_do_not_belong_together_all_count() -> None:
    assert clusters([1] * 20_000).effective_rows(20_000) == pytest.approx(20_000, rel=0.1)
    assert clusters([], alone=20_000).effective_rows(20_000) == 20_000
    assert clusters([10_000], alone=10_000).effective_rows(20_000) == pytest.approx(4, abs=1)
    assert clusters([2] * 100, alone=1000).effective_rows(1200) == pytest.approx(1200**2 / 1400, rel=0.03)
    assert clusters([]).effective_rows(0) == 0


def test_a_sketch_with_a_part_missing_is_refused() -> None:
    with pytest.raises(ValueError, match="1024 registers"):
        DistinctSketch.from_text("AAAA")
    with pytest.raises(ValueError, match="1024 counters"):
        ClusterSketch.from_dict({**ClusterSketch().to_dict(), "counters": [1, 2]})
