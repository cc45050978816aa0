"""Data: snapshots of it, what it promises, whether it keeps that, what stands for it, and whether it drifted.

``profile`` is imported here, not on first use: the module of that name would take the function's place.
Profiles need NumPy only; Polars is imported when rows are read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_mlops.core.data.profile import Profile, profile

if TYPE_CHECKING:
    from airflow_mlops.core.data.contract import Contract
    from airflow_mlops.core.data.drift import DriftPolicy, check_drift
    from airflow_mlops.core.data.validation import validate

__all__ = ["Contract", "DriftPolicy", "Profile", "check_drift", "profile", "validate"]

_HOMES = {"Contract": "contract", "DriftPolicy": "drift", "check_drift": "drift", "validate": "validation"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
