"""What is from a time that it cannot be from: after the cut-off, or after what it is to predict."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.training.leakage.temporal import check_temporal_order, cutoff_end

DAYS = {"train": ["2026-01-01", "2026-01-02"], "validation": ["2026-01-03"], "test": ["2026-01-04", "2026-01-06"]}


def frames(**labels: list[str | None]) -> dict[str, pd.DataFrame]:
    return {part: pd.DataFrame({"t": days, "known": labels.get(part, days)}) for part, days in DAYS.items()}


def found(given: dict[str, pd.DataFrame], **how: Any) -> dict[str, Any]:
    named = {"time": "t", "ordered": True, "cutoff": None, "label_time": None} | how
    return {check.name: check for check in check_temporal_order(given, **named)}


def test_parts_in_order_of_time_pass_and_those_that_touch_do_not() -> None:
    assert found(frames())["temporal order"].status == "pass"
    touching = frames()
    touching["train"].loc[1, "t"] = "2026-01-03"
    check = found(touching)["temporal order"]
    assert (check.status, check.severity, check.observed["train before validation"]) == ("fail", "error", 1)
    assert found(touching, ordered=False) == {}


@pytest.mark.parametrize(
    ("cutoff", "late"),
    [
        ("2026-01-06", 0),
        ("2026-01", 0),
        ("2026-01-05", 1),
        ("2026-01-05T23:59", 1),
        ("2026-01-06T00:00", 0),
        ("2026-01-02", 3),
        ("2025", 5),
    ],
)
def test_rows_after_the_cut_off_are_counted_and_a_day_counts_to_its_end(cutoff: str, late: int) -> None:
    check = found(frames(), cutoff=cutoff)["rows after the cut-off"]
    assert sum(check.observed[part] for part in DAYS) == late
    assert check.status == ("fail" if late else "pass")


def test_labels_from_after_the_cut_off_are_an_error() -> None:
    late = frames(train=["2026-01-08", "2026-01-30"])
    check = found(late, cutoff="2026-01-20", label_time="known")["labels after the cut-off"]
    assert (check.status, check.severity, check.where, check.observed["train"]) == ("fail", "error", "known", 1)
    assert "2026-01-30" in check.message


def test_a_label_that_was_not_known_before_the_next_part_began_is_an_error() -> None:
    check = found(frames(train=["2026-01-02", "2026-01-05"]), label_time="known")["label availability"]
    assert (check.status, check.observed["train before validation"]) == ("fail", 1)
    assert found(frames(), label_time="known")["label availability"].status == "pass"
    assert "label availability" not in found(frames(), label_time="known", ordered=False)


def test_rows_without_a_moment_are_not_judged() -> None:
    without = frames(train=["2026-01-01", None])
    without["test"].loc[0, "t"] = None
    verdicts = found(without, cutoff="2026-02", label_time="known")
    assert {name: check.status for name, check in verdicts.items()} == {
        "temporal order": "inconclusive",
        "label availability": "inconclusive",
        "rows after the cut-off": "inconclusive",
        "labels after the cut-off": "inconclusive",
    }


@pytest.mark.parametrize(
    ("cutoff", "end"),
    [
        ("2026-04", "2026-04-30T23:59:59.999999"),
        ("2026-04-06T14:00+02:00", "2026-04-06T12:00"),
        (datetime(2026, 4, 6, 14, tzinfo=UTC), "2026-04-06T14:00"),
        (pd.Timestamp("2026-04-06"), "2026-04-06"),
    ],
)
def test_a_cut_off_is_a_moment_or_the_end_of_a_day_a_month_or_a_year(cutoff: Any, end: str) -> None:
    assert cutoff_end(cutoff) == pd.Timestamp(end)


@pytest.mark.parametrize("cutoff", ["soon", "2026-13", "T", ["2026"]])
def test_a_cut_off_that_is_no_moment_is_refused(cutoff: Any) -> None:
    with pytest.raises(BadInput, match="cutoff is not a valid date or time"):
        cutoff_end(cutoff)
