"""Stale windows: windows whose labels or scores arrived after they were evaluated."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_mlops.store import catalogue, windows
from airflow_mlops.store.database import Database

MAX_WINDOWS = 60
"""The maximum number of windows re-evaluated at once, newest first: about a year of weeks."""


def find_stale_windows(
    database: Database,
    model: str,
    kind: str,
    datasets: Mapping[str, str],
    *,
    before: str,
    against: str = windows.BASELINE,
    scores: Mapping[str, str] | None = None,
) -> list[str]:
    """List the partitions whose window is missing or was evaluated on snapshots that are no longer current.

    A window stores the ids of its input snapshots, so late labels affect only their own windows. Re-evaluating a window
    makes it current.

    :param kind: ``performance`` or ``concept_drift``.
    :param datasets: the input datasets, such as ``{"scores": "churn_scores", "labels": "churn_labels"}``.
    :param before: only partitions before this one.
    :param against: the reference of the windows.
    :param scores: partition -> snapshot id of the scores, when they are in a prediction log instead of a dataset.
    :return: oldest first; only partitions for which all inputs exist.
    """
    current: dict[str, dict[str, str]] = {}
    for name, dataset in datasets.items():
        for ref in catalogue.partitions(database, dataset):
            if str(ref.partition) < before:
                current.setdefault(str(ref.partition), {})[name] = ref.id
    evaluated_inputs: dict[str, list[Mapping[str, str]]] = {}
    for window in windows.of_model(database, model, kind, against=against):
        evaluated_inputs.setdefault(window.partition, []).append(window.inputs or {})
    required = set(datasets)
    if scores is not None:
        required.add("scores")
        for partition in scores.keys() & current.keys():
            current[partition]["scores"] = scores[partition]
    complete = {partition: ids for partition, ids in current.items() if ids.keys() == required}
    stale = [partition for partition, ids in sorted(complete.items()) if ids not in evaluated_inputs.get(partition, [])]
    return stale[-MAX_WINDOWS:]
