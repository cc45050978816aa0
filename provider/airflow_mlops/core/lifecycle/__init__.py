"""Lifecycle files (``lifecycle.yaml``): schema, checks, scaffolding and synthetic data."""

from __future__ import annotations

from airflow_mlops.core.lifecycle.spec import Lifecycle

__all__ = ["Lifecycle"]
