"""Preload the provider's libraries in Celery workers, which fork their tasks."""

from __future__ import annotations

import sys

__all__: list[str] = []  # Airflow treats every public name here as a setting or a policy

if "worker" in sys.argv:
    from airflow_mlops.preload import warm

    warm()
