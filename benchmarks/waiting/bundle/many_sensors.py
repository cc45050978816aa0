"""DAGs of twenty sensors each, which go to the triggerer without a worker; each sensor waits for a model of its own.

Airflow sends a trigger that begins so the whole of its DAG: many small DAGs cost it less than a large one.
"""

from __future__ import annotations

import os
from typing import Any

from airflow.sdk import DAG

from airflow_mlops.sensors.drift import DriftSensor
from airflow_mlops.sensors.labels import LabelSensor
from airflow_mlops.sensors.model_version import ModelVersionSensor

A_DAG = 20
HOW: dict[str, Any] = {
    "start_from_trigger": True,
    "timeout": 86_400.0,
    "poke_interval": float(os.environ.get("MANY_SENSORS_POLL_S", "5")),
}

for first in range(0, int(os.environ.get("MANY_SENSORS", "40")), A_DAG):
    with DAG(f"many_sensors_{first // A_DAG}", schedule=None) as dag:
        for n in range(first, first + A_DAG):
            kind = n % 3
            if kind == 0:
                DriftSensor(task_id=f"wait_{n}", model=f"m{n}", **HOW)
            elif kind == 1:
                ModelVersionSensor(task_id=f"wait_{n}", model=f"m{n}", after_epoch=0, **HOW)
            else:
                LabelSensor(task_id=f"wait_{n}", dataset="labels", partition=f"p{n}", min_rows=10, **HOW)
    globals()[dag.dag_id] = dag
