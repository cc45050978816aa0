"""The JSON schema for editors agrees with what is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.data.contracts import Contract
from airflow_mlops.core.data.contracts.contract_schema import build_contract_schema, render_contract_schema

REPO = Path(__file__).resolve().parents[5]


def problems(content: Any) -> list[str]:
    plain = json.loads(json.dumps(content, default=str))
    return [error.message for error in Draft202012Validator(build_contract_schema()).iter_errors(plain)]


@pytest.mark.parametrize("file", sorted(REPO.glob("include/*/contract.yaml")), ids=lambda p: p.parent.name)
def test_the_contracts_in_the_bundle_are_valid(file: Path) -> None:
    assert problems(yaml.safe_load(file.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "content",
    [
        {"name": "x", "columns": {"a": {"type": "nope"}}},
        {"name": "x", "columns": {}},
        {"name": "x", "columns": {"a": {"type": "int", "mni": 1}}},
        {"columns": {"a": {"type": "int"}}},
        {"name": "x", "columns": {"a": {"type": "int", "severity": {"mising": "warn"}}}},
        {"name": "x", "columns": {"a": {"type": "int"}}, "checks": [{"rule": "a > 1"}]},
        {"name": "x", "columns": {"a": {"type": "int", "checks": {"acme:even": False}}}},
    ],
)
def test_what_the_schema_rejects_is_rejected_when_read(content: dict[str, Any]) -> None:
    assert problems(content)
    with pytest.raises(BadInput):
        Contract.load(content)


@pytest.mark.parametrize(
    "more",
    [
        {"key": "a"},
        {"key": ["a"]},
        {"quarantine": True},
        {"quarantine": {"max_fraction": 0.1}},
        {"checks": [{"name": "n", "rule": "a > 1"}], "rows": {"min": 0}},
    ],
)
def test_accepted_short_forms_are_in_the_schema(more: dict[str, Any]) -> None:
    content = {"name": "x", "columns": {"a": {"type": "int", "severity": {"min": "warn"}}}, **more}
    assert problems(content) == []
    Contract.load(content)


def test_every_key_is_explained() -> None:
    schema = build_contract_schema()
    for name, definition in [("Contract", schema), *schema["$defs"].items()]:
        for key, value in definition.get("properties", {}).items():
            assert key == "name" or value.get("description"), f"{name}.{key}"
    assert json.loads(render_contract_schema()) == schema


@pytest.mark.parametrize("parameters", [True, {}, {"country": "DE"}])
def test_a_contract_check_is_in_the_schema_and_may_have_a_severity(parameters: Any) -> None:
    rule = {"type": "str", "checks": {"acme.checks:iban": parameters}, "severity": {"acme.checks:iban": "warn"}}
    content = {"name": "x", "columns": {"a": rule}}
    assert problems(content) == []
    Contract.load(content)
