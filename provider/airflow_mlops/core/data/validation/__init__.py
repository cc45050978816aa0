"""Validation: does the data keep its contract?"""

from __future__ import annotations

from airflow_mlops.core.data.validation.files import validate

__all__ = ["validate"]
