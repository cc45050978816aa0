"""A model's whole lifecycle in one file: what ``lifecycle.yaml`` says, whether it holds, and a folder to start from."""

from __future__ import annotations

from airflow_mlops.core.lifecycle.spec import Lifecycle

__all__ = ["Lifecycle"]
