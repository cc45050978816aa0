"""DAGs of twenty sensors each, which go to the triggerer without a worker; each sensor waits for a model of its own.

Airflow sends a trigger that begins so the whole of its DAG, and a worker reads the whole of its file: many small DAGs
in many small files cost it less than a large one.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from airflow.sdk import DAG

from airflow_mlops.sensors.drift import DriftSensor
from airflow_mlops.sensors.labels import LabelSensor
from airflow_mlops.sensors.model_version import ModelVersionSensor

SENSORS_PER_DAG = 20
FILE = '''"""A DAG of sensors."""

from airflow.sdk import DAG

from benchmarks.waiting.dags import waiting

dag: DAG = waiting({first})
'''


def write(bundle: Path, sensors: int) -> list[str]:
    """Write the files of a bundle, a DAG in each; return the ids of the DAGs."""
    bundle.mkdir(parents=True)
    for first in range(0, sensors, SENSORS_PER_DAG):
        (bundle / f"{_id(first)}.py").write_text(FILE.format(first=first))
    return [_id(first) for first in range(0, sensors, SENSORS_PER_DAG)]


def waiting(first: int) -> DAG:
    """Create a DAG of twenty sensors.

    :param first: the number of its first sensor.
    """
    how: dict[str, Any] = {
        "start_from_trigger": True,
        "timeout": 86_400.0,
        "poke_interval": float(os.environ["MANY_SENSORS_POLL_S"]),
    }
    with DAG(_id(first), schedule=None) as dag:
        for n in range(first, first + SENSORS_PER_DAG):
            if n % 3 == 0:
                DriftSensor(task_id=f"wait_{n}", model=f"m{n}", **how)
            elif n % 3 == 1:
                ModelVersionSensor(task_id=f"wait_{n}", model=f"m{n}", after_revision=0, **how)
            else:
                LabelSensor(task_id=f"wait_{n}", dataset="labels", partition=f"p{n}", min_rows=10, **how)
    return dag


def _id(first: int) -> str:
    return f"many_sensors_{first // SENSORS_PER_DAG}"
