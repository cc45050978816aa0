"""Airflow imports this module in each of its processes; a Celery worker forks its tasks, so it is warmed for them."""

from __future__ import annotations

import sys

__all__: list[str] = []  # Airflow would take every public name here for a setting or a policy

if "worker" in sys.argv:
    from airflow_mlops.preload import warm

    warm()
