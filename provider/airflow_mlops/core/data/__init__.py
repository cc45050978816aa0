"""Data: snapshots of it, what it promises, whether it keeps that, what stands for it, and whether it drifted.

Each name is imported on first use: judging profiles needs NumPy only, reading rows needs Polars.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_mlops.core.data.concept import ConceptPolicy, Relation, check_concept_drift, relate
    from airflow_mlops.core.data.contracts import Contract
    from airflow_mlops.core.data.contracts.infer import infer_contract
    from airflow_mlops.core.data.database import DatabaseTable
    from airflow_mlops.core.data.drift import DriftPolicy, check_drift
    from airflow_mlops.core.data.drift.skew import check_skew
    from airflow_mlops.core.data.profiles import Profile, profile
    from airflow_mlops.core.data.validation import validate
    from airflow_mlops.core.data.validation.quarantine import quarantine

__all__ = [
    "ConceptPolicy",
    "Contract",
    "DatabaseTable",
    "DriftPolicy",
    "Profile",
    "Relation",
    "check_concept_drift",
    "check_drift",
    "check_skew",
    "infer_contract",
    "profile",
    "quarantine",
    "relate",
    "validate",
]

_HOMES = {
    "ConceptPolicy": "concept",
    "Relation": "concept",
    "check_concept_drift": "concept",
    "relate": "concept",
    "Contract": "contracts",
    "DatabaseTable": "database",
    "DriftPolicy": "drift",
    "Profile": "profiles",
    "check_drift": "drift",
    "check_skew": "drift.skew",
    "infer_contract": "contracts.infer",
    "profile": "profiles",
    "quarantine": "validation.quarantine",
    "validate": "validation",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
