"""Contracts: what a dataset promises."""

from __future__ import annotations

from airflow_mlops.core.data.contracts.model import Contract

__all__ = ["Contract"]
