"""What people write, or a template has made of it, becomes a rule or an error that says how to fix it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.training.splits import KeyRule, PartitionRule, SplitFractions, TimeRule
from airflow_mlops.core.training.splits.parsing import parse_split_rule


@pytest.mark.parametrize(
    ("how", "written", "rule"),
    [
        ("key", {"key": "id"}, KeyRule("id")),
        ("key", {"key": "id", "test": "0.3", "validation": "0", "seed": "7"}, KeyRule("id", SplitFractions(0.3, 0), 7)),
        ("key", {"key": "row", "group": "customer", "stratify": ""}, KeyRule("customer")),
        ("key", {"key": ["a", "b"], "stratify": "y"}, KeyRule(("a", "b"), stratify="y")),
        ("temporal", {"time": "t"}, TimeRule("t")),
        (
            "temporal",
            {"time": "t", "test": "90d", "validation": "0.1", "gap": "2w"},
            TimeRule("t", timedelta(days=90), 0.1, timedelta(days=14)),
        ),
        ("temporal", {"time": "t", "test": timedelta(days=1), "gap": "0"}, TimeRule("t", timedelta(days=1))),
        ("partition", {}, PartitionRule()),
        ("partition", {"test": "3", "validation": 0, "gap": "1"}, PartitionRule(test=3, validation=0, gap=1)),
        (
            "partition",
            {"partition": "month", "test": ["2026-04"], "validation": ["2026-03"], "train": ["2026-01"]},
            PartitionRule("month", ("2026-04",), ("2026-03",), ("2026-01",)),
        ),
    ],
)
def test_what_is_written_becomes_a_rule(how: str, written: dict[str, Any], rule: Any) -> None:
    assert parse_split_rule(how, written) == rule


@pytest.mark.parametrize(
    ("how", "written", "said"),
    [
        ("hash", {}, "'hash' is not a known split rule(.|\n)*key, temporal, partition"),
        ("key", {}, "a split by key needs a key"),
        ("key", {"key": "id", "gap": "7d"}, "'gap' is not an option of the split rule 'key'(.|\n)*options: key"),
        ("temporal", {"time": "t", "seed": 3}, "'seed' is not an option of the split rule 'temporal'"),
        ("temporal", {}, "the split rule 'temporal' requires the option 'time'"),
        ("temporal", {"time": "t", "test": "90 days"}, "test: '90 days' is not a duration"),
        ("temporal", {"time": "t", "gap": "7"}, "gap: '7' is not a duration"),
        ("key", {"key": "id", "test": "90d"}, "test='90d' is not a valid fraction"),
        ("key", {"key": "id", "seed": "1.5"}, "seed='1.5' is not an integer"),
        ("partition", {"test": 0.25}, "test=0.25 is not an integer"),
        ("partition", {"train": "2026-01"}, "train='2026-01' is not a list"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(how: str, written: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        parse_split_rule(how, written)
