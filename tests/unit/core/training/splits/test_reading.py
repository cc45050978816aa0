"""What people write, or a template has made of it, becomes a rule or an error that says how to mend it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.training.splits import KeyRule, PartitionRule, Shares, TimeRule
from airflow_mlops.core.training.splits.reading import rule_of


@pytest.mark.parametrize(
    ("how", "written", "rule"),
    [
        ("key", {"key": "id"}, KeyRule("id")),
        ("key", {"key": "id", "test": "0.3", "validation": "0", "seed": "7"}, KeyRule("id", Shares(0.3, 0), 7)),
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
    assert rule_of(how, written) == rule


@pytest.mark.parametrize(
    ("how", "written", "said"),
    [
        ("hash", {}, "no split by 'hash'(.|\n)*key, temporal, partition"),
        ("key", {}, "a split by key needs a key"),
        ("key", {"key": "id", "gap": "7d"}, "gap says nothing about a split by 'key'"),
        ("temporal", {"time": "t", "seed": 3}, "seed says nothing about a split by 'temporal'"),
        ("temporal", {}, "needs a time"),
        ("temporal", {"time": "t", "test": "90 days"}, "test: '90 days' is no span of time"),
        ("temporal", {"time": "t", "gap": "7"}, "gap: '7' is no span of time"),
        ("key", {"key": "id", "test": "90d"}, "test='90d' is no share"),
        ("key", {"key": "id", "seed": "1.5"}, "seed='1.5' is no whole number"),
        ("partition", {"test": 0.25}, "test=0.25 is no whole number"),
        ("partition", {"train": "2026-01"}, "train='2026-01' is no list"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(how: str, written: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        rule_of(how, written)
