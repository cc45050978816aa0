"""Airflow imports this in each of its processes. The scheduler, whose forks run the tasks, imports what they need."""

from __future__ import annotations

import sys

__all__: list[str] = []  # Airflow would take every public name here for a setting or a policy

if "scheduler" in sys.argv:
    from airflow_mlops.preload import MODULES, warm

    warm(
        (
            *MODULES,
            "airflow_mlops.core.monitoring.drift",
            "airflow_mlops.core.retraining.episodes",
            "airflow_mlops.core.retraining.plan",
            "airflow_mlops.core.retraining.champion_config",
            "airflow_mlops.core.data.profiles.files",
            "airflow_mlops.core.data.snapshots.training_set",
            "airflow_mlops.core.training.fit",
            "airflow_mlops.core.training.splits",
            "airflow_mlops.core.registry.registration",
            "airflow_mlops.core.evaluation.comparison",
            "airflow_mlops.core.registry.gate_version",
            "airflow_mlops.core.registry.promotion_race",
            "airflow_mlops.store.attempts",
            "tests.replay.bundle.replayed_models",
        )
    )
