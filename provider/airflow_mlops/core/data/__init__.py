"""Data: snapshots of it, what it promises, whether it keeps that, what stands for it, and whether it drifted.

Each name is imported on first use: judging profiles needs NumPy only, reading rows needs Polars.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_mlops.core.data.contracts import Contract
    from airflow_mlops.core.data.drift import DriftPolicy, check_drift
    from airflow_mlops.core.data.profiles import Profile, profile
    from airflow_mlops.core.data.validation import validate

__all__ = ["Contract", "DriftPolicy", "Profile", "check_drift", "profile", "validate"]

_HOMES = {
    "Contract": "contracts",
    "DriftPolicy": "drift",
    "Profile": "profiles",
    "check_drift": "drift",
    "profile": "profiles",
    "validate": "validation",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
