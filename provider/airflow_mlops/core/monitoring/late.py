"""Labels that come late: which windows have to be judged again, and which not."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_mlops.store import catalogue, windows
from airflow_mlops.store.database import Database

MOST = 60
"""So many windows are judged again at once, the newest of them: about a year of weeks."""


def outdated(
    database: Database,
    model: str,
    kind: str,
    datasets: Mapping[str, str],
    *,
    before: str,
    against: str = windows.BASELINE,
    scores: Mapping[str, str] | None = None,
) -> list[str]:
    """List the partitions whose window was judged on other snapshots than there are now, or not at all.

    A window remembers what it was judged on, so a label that came late names its window, and no other is touched;
    once that is judged again there is nothing to do any more.

    :param kind: ``performance`` or ``concept_drift``.
    :param datasets: what the windows are judged on, such as ``{"scores": "churn_scores", "labels": "churn_labels"}``.
    :param before: only partitions before this one.
    :param against: what the windows are held against.
    :param scores: partition -> snapshot id of the scores, where a prediction log has them and not a dataset.
    :return: oldest first; only partitions that all datasets have.
    """
    current: dict[str, dict[str, str]] = {}
    for name, dataset in datasets.items():
        for ref in catalogue.partitions(database, dataset):
            if str(ref.partition) < before:
                current.setdefault(str(ref.partition), {})[name] = ref.id
    judged: dict[str, list[Mapping[str, str]]] = {}
    for window in windows.of_model(database, model, kind, against=against):
        judged.setdefault(window.partition, []).append(window.inputs or {})
    wanted = set(datasets)
    if scores is not None:
        wanted.add("scores")
        for partition in scores.keys() & current.keys():
            current[partition]["scores"] = scores[partition]
    there = {partition: ids for partition, ids in current.items() if ids.keys() == wanted}
    found = [partition for partition, ids in sorted(there.items()) if ids not in judged.get(partition, [])]
    return found[-MOST:]
