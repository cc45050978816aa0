from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.calibration.columns import KINDS, MISSING, NUMBERS, SHARES, Column, chance, draw_frame, mixed


def test_a_narrow_mix_is_the_beginning_of_a_wide_one():
    assert mixed(200)[:50] == mixed(50)
    wide, narrow = draw_frame(mixed(50), 100, 1, 2), draw_frame(mixed(10), 100, 1, 2)
    assert wide.select(narrow.columns).equals(narrow)


def test_the_wide_mix_has_every_kind_with_every_share_of_missing_values():
    assert {*KINDS} == {*NUMBERS, *SHARES}
    assert {(c.kind, c.missing) for c in mixed(200)} == {(kind, share) for kind in KINDS for share in MISSING}


def test_another_key_gives_other_rows():
    columns = mixed(20)
    assert draw_frame(columns, 100, 0, 1).equals(draw_frame(columns, 100, 0, 1))
    assert not draw_frame(columns, 100, 0, 1).equals(draw_frame(columns, 100, 0, 2))


@pytest.mark.parametrize("column", mixed(60), ids=lambda c: f"{c.kind}, {c.missing}, {c.variant}")
def test_as_many_rows_as_asked_for_with_the_share_missing(column):
    drawn = column.draw(chance(5), 20_000)
    assert len(drawn) == 20_000
    assert drawn.null_count() / 20_000 == pytest.approx(column.missing, abs=0.02)


@pytest.mark.parametrize("kind", ["normal", "lognormal", "gamma", "t3"])
def test_a_shift_moves_the_mean_by_standard_deviations(kind):
    plain, moved = (Column("x", kind, shift=shift).draw(chance(3), 50_000) for shift in (0.0, 0.2))
    spread = Column("x", kind).draw(chance(4), 500_000).std()
    assert float(moved.mean() - plain.mean()) / spread == pytest.approx(0.2, rel=0.15)


def test_a_scale_stretches_about_the_mean():
    plain, wide = (Column("x", "normal", 2, scale=scale).draw(chance(3), 100_000) for scale in (1.0, 1.3))
    assert wide.std() / plain.std() == pytest.approx(1.3)
    assert wide.mean() == pytest.approx(20.0, abs=0.05)


@pytest.mark.parametrize("kind", ["3 names", "20 names", "1000 names, Zipf"])
def test_a_planted_share_goes_to_the_first_category_from_all_others(kind):
    column = Column("x", kind)
    first = [(c.draw(chance(3), 100_000) == "name 0").mean() for c in (column, replace(column, share=0.1))]
    assert first[1] - first[0] == pytest.approx(0.1, abs=0.01)


def test_the_shares_of_a_category_are_what_they_are_said_to_be():
    drawn = Column("x", "rare name").draw(chance(8), 1_000_000)
    assert (drawn == "name 2").mean() == pytest.approx(0.001, rel=0.2)
    assert np.isclose([shares.sum() for variants in SHARES.values() for shares in variants], 1.0).all()
