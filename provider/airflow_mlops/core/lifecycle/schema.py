"""The JSON schema of ``lifecycle.yaml``, with which an editor completes keys and marks mistakes."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel

from airflow_mlops.core.data.contracts.schema import describe
from airflow_mlops.core.lifecycle.spec import Lifecycle
from airflow_mlops.core.lifecycle.steps import (
    ApprovalSpec,
    CandidateSpec,
    Labels,
    MonitoringSpec,
    ScoringSpec,
    Source,
    SplitSpec,
    TrainingSpec,
)

SECTIONS: tuple[type[BaseModel], ...] = (
    ApprovalSpec,
    CandidateSpec,
    Labels,
    MonitoringSpec,
    ScoringSpec,
    Source,
    SplitSpec,
    TrainingSpec,
)


def lifecycle_schema() -> dict[str, Any]:
    """Give the JSON schema (draft 2020-12); what each key means is in it."""
    schema = Lifecycle.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    describe(schema, Lifecycle)
    for model in SECTIONS:
        describe(schema["$defs"][model.__name__], model)
    # What is read more generously than it is kept.
    candidates = schema["$defs"]["TrainingSpec"]["properties"]["candidates"]
    told = candidates.pop("description")
    schema["$defs"]["TrainingSpec"]["properties"]["candidates"] = {
        "anyOf": [{"type": "string"}, candidates],
        "description": told,
    }
    return schema


def schema_text() -> str:
    """Give the JSON text of :func:`lifecycle_schema`."""
    return json.dumps(lifecycle_schema(), indent=2) + "\n"
