"""Data contracts: the expected columns, types and rules of a dataset."""

from __future__ import annotations

from airflow_mlops.core.data.contracts.contract import Contract

__all__ = ["Contract"]
