"""JSON schema of ``lifecycle.yaml``, for completion and validation in editors."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel

from airflow_mlops.core.data.contracts.contract_schema import add_descriptions
from airflow_mlops.core.lifecycle.sections import (
    ApprovalSpec,
    CandidateSpec,
    LabelSourceSpec,
    MonitoringSpec,
    ScoringSpec,
    SourceSpec,
    SplitSpec,
    TrainingSpec,
)
from airflow_mlops.core.lifecycle.spec import Lifecycle

SECTIONS: tuple[type[BaseModel], ...] = (
    ApprovalSpec,
    CandidateSpec,
    LabelSourceSpec,
    MonitoringSpec,
    ScoringSpec,
    SourceSpec,
    SplitSpec,
    TrainingSpec,
)


def lifecycle_schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12), with a description of each key."""
    schema = Lifecycle.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    add_descriptions(schema, Lifecycle)
    for model in SECTIONS:
        add_descriptions(schema["$defs"][model.__name__], model)
    # A single candidate may be a plain string.
    candidates = schema["$defs"]["TrainingSpec"]["properties"]["candidates"]
    description = candidates.pop("description")
    schema["$defs"]["TrainingSpec"]["properties"]["candidates"] = {
        "anyOf": [{"type": "string"}, candidates],
        "description": description,
    }
    return schema


def schema_text() -> str:
    """Return :func:`lifecycle_schema` as JSON text."""
    return json.dumps(lifecycle_schema(), indent=2) + "\n"
