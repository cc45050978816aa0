"""JSON schema of contracts, for completion and validation in editors."""

from __future__ import annotations

import inspect
import json
import re
from typing import Any

from pydantic import BaseModel

from airflow_mlops.core.data.contracts.column_rules import RULE_NAMES, ColumnRule, OutlierRule
from airflow_mlops.core.data.contracts.contract import (
    Contract,
    ContractEnvironment,
    CrossColumnRule,
    FreshnessRule,
    QuarantineRule,
    RowCountRule,
)

_PARAM = re.compile(r":param (\w+): (.*?)(?=\n:|\Z)", re.DOTALL)


def build_contract_schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of ``contract.yaml``, with a description of each key."""
    schema = Contract.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    definitions = schema["$defs"]
    for model in (
        Contract,
        ColumnRule,
        CrossColumnRule,
        ContractEnvironment,
        FreshnessRule,
        OutlierRule,
        QuarantineRule,
        RowCountRule,
    ):
        add_descriptions(schema if model is Contract else definitions[model.__name__], model)
    # Short forms that are accepted but normalised when read.
    properties = schema["properties"]
    description = properties["key"].pop("description", "")
    properties["key"] = {"anyOf": [{"type": "string"}, properties["key"]], "description": description}
    properties["quarantine"]["anyOf"].append({"type": "boolean"})
    column = definitions["ColumnRule"]
    checks = column["properties"]["checks"]
    checks["additionalProperties"] = {"anyOf": [{"const": True}, checks["additionalProperties"]]}
    rule_names = {"anyOf": [{"type": "string"}, {"propertyNames": {"enum": list(RULE_NAMES)}}]}
    column["if"] = {"not": {"required": ["checks"]}}
    column["then"] = {"properties": {"severity": rule_names}}
    return schema


def render_contract_schema() -> str:
    """Return the JSON text of :func:`build_contract_schema`."""
    return json.dumps(build_contract_schema(), indent=2) + "\n"


def add_descriptions(schema: dict[str, Any], model: type[BaseModel]) -> None:
    """Add the descriptions from a model's docstring to its JSON schema, in place."""
    text = inspect.getdoc(model) or ""
    schema["description"] = text.split("\n\n")[0].replace("``", "")
    for name, meaning in _PARAM.findall(text):
        if name in schema.get("properties", {}):
            schema["properties"][name]["description"] = " ".join(meaning.split()).replace("``", "")
