"""A policy is loaded or rejected: a misspelt rule must never silently become a default."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.policy import SECTIONS, load_section
from airflow_mlops.core.drift.concept import ConceptPolicy
from airflow_mlops.core.drift.data import DriftPolicy
from airflow_mlops.core.gate import GatePolicy
from airflow_mlops.core.monitoring.performance import PerformancePolicy
from airflow_mlops.core.retraining.episodes import EpisodePolicy

MODELS: dict[str, Any] = {
    "gate": GatePolicy,
    "drift": DriftPolicy,
    "concept": ConceptPolicy,
    "performance": PerformancePolicy,
    "episode": EpisodePolicy,
}


def test_every_section_has_a_model_and_no_key_of_a_section_is_taken_for_a_section() -> None:
    assert set(MODELS) == SECTIONS
    for model in MODELS.values():
        assert not SECTIONS & set(model.model_fields)


def test_a_file_a_complete_mapping_a_section_and_the_model_itself_give_the_same(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("gate: {min_rows: 7}\nepisode: {cool_down: 1}\n")
    expected = GatePolicy(min_rows=7)
    for source in (path, str(path), {"gate": {"min_rows": 7}}, {"min_rows": 7}, expected):
        assert load_section(GatePolicy, source, "gate") == expected


@pytest.mark.parametrize("source", [None, {}, {"gate": None}])
def test_an_empty_policy_means_the_defaults(source: Any) -> None:
    assert load_section(GatePolicy, source, "gate") == GatePolicy()


@pytest.mark.parametrize("only", sorted(SECTIONS))
def test_a_file_with_only_one_section_leaves_the_others_to_their_defaults(only: str) -> None:
    for section, model in MODELS.items():
        assert load_section(model, {only: {}}, section) == model()


def test_a_misspelt_section_is_an_error_not_a_default() -> None:
    with pytest.raises(BadInput, match="unknown sections: .'gates'"):
        load_section(GatePolicy, {"gates": {"min_rows": 10_000}, "drift": {}}, "gate")


@pytest.mark.parametrize("value", [5, "x", [1]])
def test_a_section_that_is_not_a_mapping_is_an_error_not_a_default(value: Any) -> None:
    with pytest.raises(BadInput, match="not a mapping"):
        load_section(GatePolicy, {"gate": value}, "gate")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"min_row": 3}, "min_row"),
        ({"confidence": 1.5}, "confidence.*got 1.5"),
        ({"approval": "maybe"}, "approval"),
        ({"minimum_gain": -0.1}, "minimum_gain"),
        ({"minimum_gain": float("nan")}, "minimum_gain"),
        ({"floors": {"roc_auc": "high"}}, r"floors\.roc_auc"),
    ],
)
def test_a_wrong_value_is_named_with_its_key_and_the_allowed_keys(values: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message) as caught:
        load_section(GatePolicy, values, "gate")
    assert "minimum_gain" in str(caught.value.hint)


def test_a_file_that_is_not_yaml_or_not_a_mapping_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    for content, message in (
        ("gate: [", "not valid YAML"),
        ("- a", "has to be a mapping"),
        ("", "has to be a mapping"),
    ):
        path.write_text(content)
        with pytest.raises(BadInput, match=message):
            load_section(GatePolicy, path, "gate")


def test_a_policy_cannot_be_changed_after_it_was_read() -> None:
    with pytest.raises(ValueError, match="frozen"):
        GatePolicy().min_rows = 1
