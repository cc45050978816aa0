"""
Preload the provider's libraries in the scheduler, whose forks run the tasks.

Airflow imports this module in each of its processes: `include.demo.environment` puts this folder on PYTHONPATH.
"""

from __future__ import annotations

import logging
import sys

__all__: list[str] = []  # Airflow treats every public name here as a setting or a policy

if "scheduler" in sys.argv:
    try:
        from airflow_mlops.preload import warm
    except ImportError:
        # A missing provider makes tasks slower, not wrong; an error here would keep Airflow from starting.
        logging.getLogger(__name__).warning("airflow_mlops is not installed: tasks start without preloaded libraries")
    else:
        warm()
