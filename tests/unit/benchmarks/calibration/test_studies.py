from __future__ import annotations

import polars as pl
import pytest

from benchmarks.calibration.columns import mixed
from benchmarks.calibration.studies import CUSTOMER, FAMILIES, MOST_TOGETHER, Size, clustered_frame, plants

SIZE = Size({}, rows=(100, 300), reference_rows=(100, 1_000), widths=(5, 20), tiny_rows=20_000, clustered_rows=(500,))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_stream_has_the_same_outcomes(family):
    first, again = (list(FAMILIES[family](7, 3, SIZE)) for _ in range(2))
    assert first == again
    keys = [(o.study, o.rows, o.reference_rows, o.columns) for o in first]
    assert len(keys) == len(set(keys))


def test_a_stream_without_drift_is_judged_at_every_size():
    found = {(o.rows, o.reference_rows, o.columns) for o in FAMILIES["aa"](0, 0, SIZE)}
    assert found == {(n, r, c) for n in SIZE.rows for r in SIZE.reference_rows for c in SIZE.widths}


def test_each_shift_is_planted_in_one_column_of_the_mix_under_its_name():
    columns = {column.name: column for column in mixed(20)}
    planted = plants(mixed(20))
    assert len(planted) == 13
    for study, column in planted.items():
        original = columns[column.name]
        assert column != original, study
        assert column.kind == original.kind


def test_rows_of_a_customer_are_nearly_the_same():
    frame = clustered_frame(mixed(20), 5_000, 1, 2)
    sizes = frame[CUSTOMER].value_counts()["count"]
    assert frame.height == 5_000
    assert sizes.max() <= MOST_TOGETHER
    assert sizes.mean() == pytest.approx(8, rel=0.15)
    within = frame.group_by(CUSTOMER).agg(pl.col("c000").std())
    assert within["c000"].drop_nulls().max() < 0.3
    names = frame.group_by(CUSTOMER).agg(pl.col("c001").n_unique())
    assert names["c001"].max() == 1


def test_customers_of_two_draws_are_different():
    frames = [clustered_frame(mixed(2), 500, 1, part) for part in (0, 1)]
    assert not {*frames[0][CUSTOMER]} & {*frames[1][CUSTOMER]}
