"""Invalid lifecycle files raise an error with the key's path, the problem and the closest valid key."""

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

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.lifecycle import Lifecycle
from airflow_mlops.core.lifecycle.schema import lifecycle_schema
from airflow_mlops.core.lifecycle.sections import parse_delay

CHURN = Path(__file__).parents[4] / "include" / "churn" / "lifecycle.yaml"
MINIMAL: dict[str, Any] = {
    "model": "m",
    "key": "id",
    "target": "y",
    "start": "2026-01-05",
    "features": {"rows": "include.m.source:features"},
    "labels": {"rows": "include.m.source:labels", "delay": "14d"},
    "training": {"candidates": ["include.m.model:one"]},
}


def rejected(**changes: Any) -> str:
    with pytest.raises(BadInput) as caught:
        Lifecycle.load({**MINIMAL, **changes}, where="lifecycle.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tagret": "y"}, "tagret: is not a known key; did you mean 'target'?"),
        ({"training": {"candidate": ["a.b:c"]}}, "training.candidate: is not a known key; did you mean 'candidates'?"),
        ({"training": {"candidates": ["include.m.model"]}}, "training.candidates: is not a valid import path"),
        ({"training": {"candidates": []}}, "training.candidates: Tuple should have at least 1 item"),
        (
            {"training": {**MINIMAL["training"], "side_by_side": 2}},
            "training: 'side_by_side' was renamed to 'max_parallel_candidates'",
        ),
        ({"training": {**MINIMAL["training"], "window": 0}}, "training.window: Input should be greater than or equal"),
        ({"training": {**MINIMAL["training"], "tune": {"trials": 3}}}, "training: tune has no space"),
        ({"training": {**MINIMAL["training"], "split": {"test": 0.7, "validation": 0.3}}}, "leave no training rows"),
        ({"training": {**MINIMAL["training"], "approval": {"days": 0}}}, "training.approval.days: Input should be gr"),
        ({"training": {**MINIMAL["training"], "schedule": "monthly"}}, "training.schedule: is not a valid schedule"),
        ({"schedule": "0 0 * *"}, "schedule: is not a valid schedule; use five fields"),
        ({"features": {}}, "features: exactly one of source, sql, path and rows"),
        ({"features": {"rows": "a.b:c", "path": "x.csv"}}, "got ['path', 'rows']"),
        ({"features": {"sql": "SELECT 1"}}, "features: sql requires conn_id"),
        ({"features": {"source": "acme", "path": "x.csv"}}, "got ['source', 'path']"),
        ({"features": {"source": {"table": "leads"}}}, "features: source has no kind"),
        ({"features": {"rows": "a.b:c", "conn_id": "x"}}, "features: conn_id requires sql"),
        ({"features": {"rows": "a.b:c", "binds": {"a": 1}}}, "features: binds requires sql"),
        ({"labels": {"rows": "a.b:c"}}, "labels.delay: Field required"),
        ({"labels": {"rows": "a.b:c", "delay": "two weeks"}}, "labels.delay: 'two weeks' is not a duration"),
        ({"labels": {"rows": "a.b:c", "delay": "6h"}}, "labels.delay 6h is not a number of days"),
        ({"key_format": "%d.%m.%Y"}, "key_format: keys have to begin with %Y-%m-%d"),
        ({"model": "Churn Model"}, "model: String should match pattern"),
        ({"end": "2025-01-01"}, "end 2025-01-01 is before start 2026-01-05"),
        ({"target": "id"}, "key and target are the same column 'id'"),
        ({"scoring": None}, "monitoring requires scores, but scoring is null"),
    ],
)
def test_an_error_names_its_path(changes: dict[str, Any], message: str) -> None:
    error = rejected(**changes)
    assert message in error
    assert "lifecycle.yaml" in error


def test_training_is_required_but_may_be_null() -> None:
    with pytest.raises(BadInput, match="training: Field required"):
        Lifecycle.load({name: value for name, value in MINIMAL.items() if name != "training"})
    assert Lifecycle.load({**MINIMAL, "training": None}).training is None


def test_omitted_names_derive_from_the_model() -> None:
    spec = Lifecycle.load(MINIMAL)
    assert (spec.contract_file, spec.policy_file) == ("include/m/contract.yaml", "include/m/policy.yaml")
    assert spec.dataset("features") == "m_features"
    assert spec.label_delay == timedelta(days=14)
    assert Lifecycle.load({**MINIMAL, "contract": "c.yaml", "policy": "p.yaml"}).contract_file == "c.yaml"


def test_labels_by_the_hour_are_accepted_where_keys_name_the_hour() -> None:
    labels = {"rows": "a.b:c", "delay": "6h"}
    spec = Lifecycle.load({**MINIMAL, "labels": labels, "key_format": "%Y-%m-%dT%H:%M"})
    assert spec.label_delay == timedelta(hours=6)


def test_a_lifecycle_survives_a_round_trip() -> None:
    spec = Lifecycle.load(CHURN)
    assert Lifecycle.load(spec.to_dict()) == spec


@pytest.mark.parametrize(("text", "days"), [("0d", 0), ("0", 0), ("0h", 0), ("1w", 7), ("1d12h", 1.5)])
def test_a_duration_may_be_zero(text: str, days: float) -> None:
    assert parse_delay(text) == timedelta(days=days)


@given(st.text(max_size=8))
def test_a_duration_is_parsed_or_rejected(text: str) -> None:
    parsed = timedelta()
    with suppress(ValueError):
        parsed = parse_delay(text)
    assert parsed >= timedelta()


def test_the_schema_is_valid_and_describes_every_key() -> None:
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
