"""The JSON schema of a contract, with which an editor completes keys and marks mistakes."""

from __future__ import annotations

import inspect
import json
import re
from typing import Any

from pydantic import BaseModel

from airflow_mlops.core.data.contracts.columns import ColumnRule, Outliers
from airflow_mlops.core.data.contracts.model import (
    Contract,
    CrossRule,
    Environment,
    Freshness,
    QuarantineRule,
    RowRule,
)

_PARAM = re.compile(r":param (\w+): (.*?)(?=\n:|\Z)", re.DOTALL)


def contract_schema() -> dict[str, Any]:
    """Give the JSON schema (draft 2020-12) of ``contract.yaml``; what each key means is in it."""
    schema = Contract.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    definitions = schema["$defs"]
    for model in (Contract, ColumnRule, CrossRule, Environment, Freshness, Outliers, QuarantineRule, RowRule):
        describe(schema if model is Contract else definitions[model.__name__], model)
    # What is read more generously than it is kept.
    properties = schema["properties"]
    told = properties["key"].pop("description", "")
    properties["key"] = {"anyOf": [{"type": "string"}, properties["key"]], "description": told}
    properties["quarantine"]["anyOf"].append({"type": "boolean"})
    return schema


def schema_text() -> str:
    """Give the JSON text of :func:`contract_schema`."""
    return json.dumps(contract_schema(), indent=2) + "\n"


def describe(schema: dict[str, Any], model: type[BaseModel]) -> None:
    """Say of each key of a schema what the docstring of its model says of it."""
    text = inspect.getdoc(model) or ""
    schema["description"] = text.split("\n\n")[0].replace("``", "")
    for name, words in _PARAM.findall(text):
        if name in schema.get("properties", {}):
            schema["properties"][name]["description"] = " ".join(words.split()).replace("``", "")
