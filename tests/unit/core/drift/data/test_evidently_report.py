"""Evidently's page comes from a bounded sample, says so, and tells nobody."""

from __future__ import annotations

import os
import re
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.data.frames import open_table
from airflow_mlops.core.drift.data import evidently_report
from airflow_mlops.core.drift.data.evidently_report import MAX_CATEGORIES, sample_rows, write_evidently_report


def rows(count: int, seed: int = 0, shift: float = 0.0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "price": rng.normal(shift, 1, count),
            "plan": rng.choice(["basic", "plus"], count),
            "active": rng.random(count) < 0.5,
        }
    )


def page_of(tmp_path: Path, reference: Any, current: Any, **kwargs: Any) -> tuple[str, dict[str, str]]:
    path = tmp_path / "page.html"
    left_out = write_evidently_report(reference, current, path, **kwargs)
    return path.read_text(encoding="utf-8"), left_out


def test_the_page_shows_each_column_and_says_where_the_verdict_comes_from(tmp_path: Path) -> None:
    before = {k: v for k, v in os.environ.items() if not k.startswith("KMP_")}
    page, left_out = page_of(tmp_path, rows(3000), rows(2000, 1, 1.0).to_pandas(), rows=500)
    assert left_out == {}
    note = re.search(r"<body><p[^>]*>(.*?)</p>", page)
    assert note is not None
    assert "500 of 3,000 reference rows and 500 of 2,000 current rows" in note.group(1)
    assert "it comes from the full scan" in note.group(1)
    assert re.findall(r"Drift in column '(\w+)'", page) == ["price", "plan", "active"]
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=[\"']https?:", page)
    assert {k: v for k, v in os.environ.items() if not k.startswith("KMP_")} == before  # scikit-learn sets those
    assert list(tmp_path.iterdir()) == [tmp_path / "page.html"]


def test_what_cannot_be_shown_is_left_out_and_named(tmp_path: Path) -> None:
    reference = rows(400).with_columns(
        many=pl.Series([f"c{i % (MAX_CATEGORIES + 1)}" for i in range(400)]),
        day=pl.Series([date(2026, 4, 1)] * 400),
        gone=pl.lit(1.0),
        empty=pl.lit(None, dtype=pl.Float64),
        turned=pl.lit(1.0),
    )
    current = reference.drop("gone").with_columns(turned=pl.lit("text"))
    page, left_out = page_of(tmp_path, reference, current)
    assert set(left_out) == {"many", "day", "gone", "empty", "turned"}
    assert "more than 100 categories" in left_out["many"]
    assert "Not shown: " in page
    assert "gone (not in the current data)" in page


def test_a_name_or_a_value_cannot_end_the_page_s_script(tmp_path: Path) -> None:
    evil = "</script><script>alert(1)</script>"
    reference = rows(300).with_columns(pl.lit(evil).alias("bad"), pl.lit(1.5).alias(f"x{evil}"))
    current = reference.with_columns(pl.lit(evil + "2").alias("bad"))
    page, left_out = page_of(tmp_path, reference, current)
    assert left_out == {}
    assert "alert(1)" in page
    assert "<script>alert(1)" not in page


def test_infinite_values_do_not_stop_it(tmp_path: Path) -> None:
    wild = rows(300).with_columns(price=pl.when(pl.int_range(300) < 9).then(np.inf).otherwise(pl.col("price")))
    _, left_out = page_of(tmp_path, wild, wild)
    assert left_out == {}


def test_nothing_to_show_is_an_error_that_writes_nothing(tmp_path: Path) -> None:
    days = pl.DataFrame({"day": [date(2026, 4, 1)] * 10})
    with pytest.raises(BadInput, match="day: of kind date"):
        page_of(tmp_path, days, days)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_the_former_page_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "page.html"
    path.write_text("former")

    def full(*_: Any) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(evidently_report.os, "replace", full)
    with pytest.raises(OSError, match="no space left"):
        write_evidently_report(rows(200), rows(200), path)
    assert [p.name for p in tmp_path.iterdir()] == ["page.html"]
    assert path.read_text() == "former"


def test_evidently_is_kept_from_telling_while_it_works_and_left_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from evidently.metrics import ValueDrift
    from evidently.telemetry import event_logger

    monkeypatch.delenv("DO_NOT_TRACK", raising=False)
    before, told = event_logger.enabled, []

    def watched(**kwargs: Any) -> ValueDrift:
        told.append(event_logger.is_enabled())
        return ValueDrift(**kwargs)

    monkeypatch.setattr("evidently.metrics.ValueDrift", watched)
    page_of(tmp_path, rows(200), rows(200))
    assert told
    assert not any(told)
    assert event_logger.enabled is before


@pytest.mark.parametrize("slice_rows", [7, 1000])
def test_the_sample_is_random_repeatable_and_the_same_however_the_rows_are_cut(
    slice_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = open_table(pl.DataFrame({"i": range(100)}))
    whole = sample_rows(table, 20, 3)["i"].to_list()
    monkeypatch.setattr("airflow_mlops.core.data.frames.SLICE_ROWS", slice_rows)
    assert sample_rows(table, 20, 3)["i"].to_list() == whole
    assert len(set(whole)) == 20
    assert whole == sorted(whole)
    assert whole[-1] > 60  # not the first rows
    assert sample_rows(table, 20, 4)["i"].to_list() != whole
    assert sample_rows(table, 100, 3)["i"].to_list() == list(range(100))
