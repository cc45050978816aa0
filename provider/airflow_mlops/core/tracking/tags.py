"""Tags that let every attempt of a task find the MLflow objects that the task created."""

from __future__ import annotations

import hashlib

KEY_TAG, KEY_ID_TAG = "mlops.key", "mlops.key_id"


def task_tags(key: str) -> dict[str, str]:
    """Return the tags for objects that a task creates.

    :param key: ``dag_id/run_id/task_id/map_index``.
    """
    return {KEY_TAG: key, KEY_ID_TAG: _key_id(key)}


def task_filter(key: str) -> str:
    """Return the search filter for objects with a task's :func:`marks`.

    It filters by a hash: MLflow's filters cannot quote every character that a ``run_id`` may have.
    """
    return f"tags.`{KEY_ID_TAG}` = '{_key_id(key)}'"


def _key_id(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:32]
