"""Task groups for training, scoring and monitoring, for use in custom DAGs.

Each exists in two forms: ``training_task_group("training", ...)`` creates a group, and ``training_tasks(...)`` adds the
tasks to the current DAG or group. Imported while DAG files are parsed.
"""

from __future__ import annotations

from airflow_mlops.task_groups.monitoring import monitoring_task_group, monitoring_tasks
from airflow_mlops.task_groups.scoring import scoring_task_group, scoring_tasks
from airflow_mlops.task_groups.training import LabelledWindow, training_task_group, training_tasks

__all__ = [
    "LabelledWindow",
    "monitoring_task_group",
    "monitoring_tasks",
    "scoring_task_group",
    "scoring_tasks",
    "training_task_group",
    "training_tasks",
]
