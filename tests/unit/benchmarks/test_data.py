from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from benchmarks import data
from benchmarks.rules import BROKEN, build_rules, rule_name


def broken(frame: pl.DataFrame, rule: dict) -> bool:
    column = frame[rule["column"]]
    present = column.drop_nulls()
    return bool(
        {
            "type": lambda: not str(column.dtype).lower().startswith(rule["type"]),
            "missing": lambda: column.null_count() > rule["most"] * len(column),
            "range": lambda: not present.is_between(rule["min"], rule["max"]).all(),
            "set": lambda: not present.is_in(rule["values"]).all(),
            "pattern": lambda: not present.str.contains(f"^(?:{rule['pattern']})$").all(),
            "unique": lambda: column.n_unique() < len(column),
            "order": lambda: not (column >= frame[rule["than"]]).fill_null(True).all(),
        }[rule["rule"]]()
    )


def test_the_data_breaks_the_rules_that_it_is_said_to_break():
    frame = data.rules_slice(np.random.default_rng(0), 20_000, 0)
    assert frame.width == 20
    assert {rule_name(rule) for rule in build_rules() if broken(frame, rule)} == BROKEN


def test_ids_are_unique_over_slices():
    first, second = (data.rules_slice(np.random.default_rng(0), 10, start)["id"] for start in (0, 10))
    assert pl.concat([first, second]).n_unique() == 20


def test_drift_is_planted_only_where_it_is_said():
    quiet, moved = (data.drift_slice(np.random.default_rng(1), 50_000, planted=p) for p in (False, True))
    assert moved["f00"].mean() - quiet["f00"].mean() == pytest.approx(0.5, abs=0.05)
    assert moved["f03"].null_count() / 50_000 == pytest.approx(0.25, abs=0.01)
    assert moved["i00"].mean() / quiet["i00"].mean() == pytest.approx(1.1, abs=0.01)
    assert moved["f09"].mean() == pytest.approx(quiet["f09"].mean(), abs=0.1)


def test_files_are_made_once_slice_by_slice_and_are_the_same_again(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "SLICE", 700)
    names = ["current", "reference_wide", "rules"]
    first = data.generate(tmp_path / "a", 2_000, names)
    again = data.generate(tmp_path / "b", 2_000, names)
    assert {*first} == {*names}
    written = first["current"].stat().st_mtime_ns
    assert data.generate(tmp_path / "a", 2_000, names)["current"].stat().st_mtime_ns == written
    for name, path in first.items():
        assert pl.read_parquet(path).equals(pl.read_parquet(again[name]))
        assert pl.read_parquet(path).height == 2_000
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_reference_is_no_larger_than_its_profile_needs(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "MOST_REFERENCE", 300)
    files = data.generate(tmp_path, 500, ["reference", "current"])
    assert [pl.read_parquet(files[name]).height for name in ("reference", "current")] == [300, 500]
