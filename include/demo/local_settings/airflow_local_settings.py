"""
Airflow imports this module in each of its processes; only the scheduler's forks run tasks, so only it is
warmed.

It is found because `include.demo.environment` puts this folder on PYTHONPATH (`$AIRFLOW_HOME/config` would
do, too).
"""

from __future__ import annotations

import logging
import sys

__all__: list[str] = []  # Airflow would take every public name here for a setting or a policy

if "scheduler" in sys.argv:
    try:
        from airflow_mlops.preload import warm
    except ImportError:
        # A missing provider makes tasks slower, not wrong; an error here would keep Airflow from starting.
        logging.getLogger(__name__).warning("airflow_mlops is not installed: tasks start without preloaded libraries")
    else:
        warm()
