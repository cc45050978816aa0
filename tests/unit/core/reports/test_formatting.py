"""Figures are written as people write them, and none is written as another than it is."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_mlops.core.reports import formatting


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "–"), (True, "yes"), (0, "0"), (1234567, "1,234,567"), (-3, "−3"), (10**400, "1 × 10⁴⁰⁰"),
        (0.0, "0"), (0.123456, "0.1235"), (-1234.6, "−1,235"), (1.2e-8, "1.2 × 10⁻⁸"), (3e20, "3 × 10²⁰"),
        (math.nan, "not a number"), ("inf", "∞"), ([1, 2.5, "a"], "1, 2.5, a"), ([], "–"), ({}, "–"),
        ({"rows_now": 3, "deep": {"a": 1, "b": 2}}, "rows now 3, deep (2 values)"),
        (list(range(14)), "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, … 2 more"),
    ],
)  # fmt: skip
def test_a_figure_is_short_and_exact_to_four_digits(value: Any, said: str) -> None:
    assert formatting.format_value(value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.5, "50.0 %"), (0.0034, "0.34 %"), (1e-9, "< 0.01 %"), (0, "0 %"), (-0.05, "−5.0 %"), (None, "–"),
     ("nan", "not a number")],
)  # fmt: skip
def test_a_share_above_nothing_is_never_nothing(value: Any, said: str) -> None:
    assert formatting.format_percent(value) == said


@given(st.floats(-1e300, 1e300))
def test_a_number_reads_back_to_four_digits(value: float) -> None:
    said = formatting.format_value(value).replace("−", "-").replace(",", "")
    digits, _, power = said.partition(" × 10")
    plain = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
    back = float(f"{digits}e{power.translate(plain)}") if power else float(said)
    assert math.isclose(back, value, rel_tol=6e-3, abs_tol=0)


@given(st.text())
def test_a_text_is_one_line_of_a_bounded_length_that_can_be_encoded(value: str) -> None:
    said = formatting.format_text(value, 50)
    assert len(said) <= 50
    assert "\n" not in said
    assert "\u202e" not in said
    said.encode()


def test_days_bytes_and_moments_are_written_as_such() -> None:
    assert formatting.format_date(20_549) == "2026-04-06"
    assert formatting.format_date(1e300) == "day 1 × 10³⁰⁰"
    assert formatting.format_bytes(1_234_567) == "1.2 MB"
    assert formatting.format_bytes(12) == "12 bytes"
    assert formatting.format_timestamp("2026-04-06T14:05:00+02:00") == "6 April 2026, 12:05 UTC"
    assert formatting.format_timestamp("yesterday") == "yesterday"


def test_a_message_that_begins_with_a_column_s_name_keeps_it() -> None:
    assert formatting.format_sentence("roc_auc 0.81") == "roc_auc 0.81."
    assert formatting.format_sentence("the data is empty") == "The data is empty."
    assert formatting.replace_arrows("mean 1 -> 2, >= 3") == "mean 1 → 2, ≥ 3"
