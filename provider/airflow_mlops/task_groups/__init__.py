"""The middle level: the steps of a training, a scoring or a watch, wired, for a DAG of your own.

Each is there twice: ``training_task_group("training", ...)`` puts the steps into a group, ``training_tasks(...)`` puts
them into the DAG, or the group, that is being written. Imported while DAG files are parsed.
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
