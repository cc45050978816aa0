"""A lifecycle's file is refused in words: the key's path, what is wrong, and what was probably meant."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.lifecycle import Lifecycle
from airflow_mlops.core.lifecycle.schema import lifecycle_schema
from airflow_mlops.core.lifecycle.steps import span

CHURN = Path(__file__).parents[4] / "include" / "churn" / "lifecycle.yaml"
LEAST: dict[str, Any] = {
    "model": "m",
    "key": "id",
    "target": "y",
    "start": "2026-01-05",
    "features": {"rows": "include.m.source:features"},
    "labels": {"rows": "include.m.source:labels", "delay": "14d"},
    "training": {"candidates": ["include.m.model:one"]},
}


def refused(**changes: Any) -> str:
    with pytest.raises(BadInput) as caught:
        Lifecycle.load({**LEAST, **changes}, where="lifecycle.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tagret": "y"}, "tagret: is not a known key; did you mean 'target'?"),
        ({"training": {"candidate": ["a.b:c"]}}, "training.candidate: is not a known key; did you mean 'candidates'?"),
        ({"training": {"candidates": ["include.m.model"]}}, "training.candidates: is no import path of a function"),
        ({"training": {"candidates": []}}, "training.candidates: Tuple should have at least 1 item"),
        ({"training": {**LEAST["training"], "window": 0}}, "training.window: Input should be greater than or equal"),
        ({"training": {**LEAST["training"], "tune": {"trials": 3}}}, "training: tune has no space"),
        ({"training": {**LEAST["training"], "split": {"test": 0.7, "validation": 0.3}}}, "leave nothing to train on"),
        ({"training": {**LEAST["training"], "approval": {"days": 0}}}, "training.approval.days: Input should be gr"),
        ({"training": {**LEAST["training"], "schedule": "monthly"}}, "training.schedule: is no schedule"),
        ({"schedule": "0 0 * *"}, "schedule: is no schedule; write five fields"),
        ({"features": {}}, "features: exactly one of sql, path and rows"),
        ({"features": {"rows": "a.b:c", "path": "x.csv"}}, "given: ['path', 'rows']"),
        ({"features": {"sql": "SELECT 1"}}, "features: sql and conn_id go together"),
        ({"features": {"rows": "a.b:c", "conn_id": "x"}}, "features: sql and conn_id go together"),
        ({"features": {"rows": "a.b:c", "binds": {"a": 1}}}, "features: binds are the values of sql"),
        ({"labels": {"rows": "a.b:c"}}, "labels.delay: Field required"),
        ({"labels": {"rows": "a.b:c", "delay": "two weeks"}}, "labels.delay: 'two weeks' is no span of time"),
        ({"labels": {"rows": "a.b:c", "delay": "6h"}}, "labels.delay 6h is no number of days"),
        ({"key_format": "%d.%m.%Y"}, "key_format: keys have to begin with %Y-%m-%d"),
        ({"model": "Churn Model"}, "model: String should match pattern"),
        ({"end": "2025-01-01"}, "end 2025-01-01 is before start 2026-01-05"),
        ({"target": "id"}, "key and target are the same column 'id'"),
        ({"scoring": None}, "monitoring looks at scores, and scoring is null"),
    ],
)
def test_a_mistake_is_told_with_its_path(changes: dict[str, Any], said: str) -> None:
    told = refused(**changes)
    assert said in told
    assert "lifecycle.yaml" in told


def test_a_file_that_forgets_training_is_asked_for_it_and_one_that_has_none_says_so() -> None:
    with pytest.raises(BadInput, match="training: Field required"):
        Lifecycle.load({name: value for name, value in LEAST.items() if name != "training"})
    assert Lifecycle.load({**LEAST, "training": None}).training is None


def test_what_is_left_out_has_the_names_that_follow_from_the_model() -> None:
    spec = Lifecycle.load(LEAST)
    assert (spec.contract_file, spec.policy_file) == ("include/m/contract.yaml", "include/m/policy.yaml")
    assert spec.dataset("features") == "m_features"
    assert spec.label_delay == timedelta(days=14)
    assert Lifecycle.load({**LEAST, "contract": "c.yaml", "policy": "p.yaml"}).contract_file == "c.yaml"


def test_labels_by_the_hour_are_accepted_where_keys_name_the_hour() -> None:
    labels = {"rows": "a.b:c", "delay": "6h"}
    spec = Lifecycle.load({**LEAST, "labels": labels, "key_format": "%Y-%m-%dT%H:%M"})
    assert spec.label_delay == timedelta(hours=6)


def test_what_was_set_can_be_written_and_read_again() -> None:
    spec = Lifecycle.load(CHURN)
    assert Lifecycle.load(spec.to_dict()) == spec


@pytest.mark.parametrize(("text", "days"), [("0d", 0), ("0", 0), ("0h", 0), ("1w", 7), ("1d12h", 1.5)])
def test_a_span_may_be_none_at_all(text: str, days: float) -> None:
    assert span(text) == timedelta(days=days)


@given(st.text(max_size=8))
def test_a_span_is_read_or_refused(text: str) -> None:
    read = timedelta()
    with suppress(ValueError):
        read = span(text)
    assert read >= timedelta()


def test_the_schema_knows_what_the_reader_knows_and_explains_every_key() -> None:
    schema = lifecycle_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    for part in [schema, *schema["$defs"].values()]:
        unexplained = [name for name, value in part.get("properties", {}).items() if not value.get("description")]
        assert unexplained == [], part["title"]


def test_an_editor_with_the_schema_accepts_churn_and_marks_a_wrong_key() -> None:
    validator = jsonschema.Draft202012Validator(lifecycle_schema())
    # Editors read dates as text.
    text = yaml.load(CHURN.read_text(), Loader=yaml.BaseLoader)
    written = {**yaml.safe_load(CHURN.read_text()), "start": text["start"], "end": text["end"]}
    assert list(validator.iter_errors(written)) == []
    assert list(validator.iter_errors({**written, "training": {**written["training"], "candidates": "a.b:c"}})) == []
    assert list(validator.iter_errors({**written, "tagret": "y"}))
    assert list(validator.iter_errors({**written, "training": {**written["training"], "window": 0}}))
