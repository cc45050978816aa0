"""How what a task has made in MLflow is found again, by any attempt of it."""

from __future__ import annotations

import hashlib

KEY_TAG, KEY_ID_TAG = "mlops.key", "mlops.key_id"


def marks(key: str) -> dict[str, str]:
    """Give the tags for what a task makes.

    :param key: ``dag_id/run_id/task_id/map_index``.
    """
    return {KEY_TAG: key, KEY_ID_TAG: _id(key)}


def made_for(key: str) -> str:
    """Give the filter that finds what has a task's :func:`marks`.

    The key itself cannot be asked for: MLflow's filters have no way to write every character that a run_id may have.
    """
    return f"tags.`{KEY_ID_TAG}` = '{_id(key)}'"


def _id(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:32]
