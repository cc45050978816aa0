"""Durations are parsed from short notation."""

from __future__ import annotations

from datetime import timedelta

import pytest

from airflow_mlops.core.data.contracts.durations import parse_duration


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("36h", timedelta(hours=36)),
        ("7d", timedelta(days=7)),
        ("1d12h", timedelta(hours=36)),
        ("2w", timedelta(days=14)),
        ("90m", timedelta(minutes=90)),
        ("5s", timedelta(seconds=5)),
    ],
)
def test_numbers_with_units_add_up(text: str, span: timedelta) -> None:
    assert parse_duration(text) == span


@pytest.mark.parametrize("text", ["", "7", "d", "7 days", "7d ago", "-7d", "0d", "1.5h", "7D"])
def test_anything_else_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration|greater than zero"):
        parse_duration(text)
