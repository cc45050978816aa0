"""Tasks that monitor a champion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow.sdk import BaseOperator

from airflow_mlops.operators.concept import CheckConceptDriftOperator
from airflow_mlops.operators.drift import CheckDriftOperator
from airflow_mlops.operators.episode import UpdateEpisodeOperator
from airflow_mlops.operators.performance import CheckPerformanceOperator
from airflow_mlops.task_groups.base import NO_OVERRIDES, StepOptions, as_task_group, build_task, output_of


@dataclass(frozen=True, slots=True)
class MonitoringOutputs:
    """Outputs of the monitoring steps, each a ``ReportRef``; ``None`` for an omitted step.

    :param drift: feature drift.
    :param predictions: prediction drift.
    :param estimate: estimated performance, before the labels exist.
    :param performance: performance on labelled predictions.
    :param concept: concept drift.
    :param episode: update of the drift episode.
    """

    drift: Any
    predictions: Any
    estimate: Any
    performance: Any
    concept: Any
    episode: Any


def monitoring_tasks(
    *,
    model: str,
    features: str,
    labels: str | None = None,
    scores: str | None = None,
    key: str | None = None,
    target: str | None = None,
    partition: str = "{{ partition_key }}",
    labelled_partition: str | None = None,
    policy: str | Mapping[str, Any] | None = None,
    champion_at: str | None = None,
    drift: StepOptions = NO_OVERRIDES,
    predictions: StepOptions = NO_OVERRIDES,
    estimate: StepOptions = NO_OVERRIDES,
    performance: StepOptions = NO_OVERRIDES,
    concept: StepOptions = NO_OVERRIDES,
    episode: StepOptions = NO_OVERRIDES,
) -> MonitoringOutputs:
    """Create the tasks ``drift``, ``predictions``, ``estimate``, ``performance`` and ``concept``, then ``episode``.

    Pass ``None`` to omit a step. Steps that need labels are omitted without a labels dataset. Windows whose labels
    arrive later than ``labelled_partition`` are re-evaluated.

    :param model: name of the registered model.
    :param features: name of the scored dataset.
    :param labels: name of the labels dataset. ``None`` (default): no labels.
    :param scores: name of the scores dataset. Default: ``<model>_scores``.
    :param key: column that joins features, scores and labels. Required with ``labels``.
    :param target: column with the label. Required with ``labels``.
    :param partition: partition to check. Default: the run's partition key.
    :param labelled_partition: partition whose labels have just arrived, such as
        ``{{ macros.ds_add(partition_key, -14) }}`` for a delay of two weeks. Default: ``partition``.
    :param policy: path of a ``policy.yaml``, or its content. Default: the default policies.
    :param champion_at: use the champion at this ISO date or date-time on the data's clock. Default: ``partition``.
    :param drift: more arguments for :class:`~airflow_mlops.operators.drift.CheckDriftOperator`, for features.
    :param predictions: more arguments for the same operator, for scores.
    :param estimate: more arguments for :class:`~airflow_mlops.operators.performance.CheckPerformanceOperator`, without
        labels.
    :param performance: more arguments for the same operator, with labels.
    :param concept: more arguments for :class:`~airflow_mlops.operators.concept.CheckConceptDriftOperator`.
    :param episode: more arguments for :class:`~airflow_mlops.operators.episode.UpdateEpisodeOperator`.
    """
    scores_dataset = scores or f"{model}_scores"
    shared = {"model": model, "champion_at": champion_at or partition, "policy": policy}
    tasks: dict[str, BaseOperator] = {}
    for name, step, dataset, data_kind in (
        ("drift", drift, features, "features"),
        ("predictions", predictions, scores_dataset, "scores"),
    ):
        if step is not None:
            snapshot = f"{dataset}@{partition}"
            kwargs = {"snapshot": snapshot, "data_kind": data_kind, **shared}
            tasks[name] = build_task(CheckDriftOperator, step, task_id=name, **kwargs)
    if estimate is not None:
        options = {"model": model, "scores": f"{scores_dataset}@{partition}", "policy": policy}
        tasks["estimate"] = build_task(CheckPerformanceOperator, estimate, task_id="estimate", estimate=True, **options)
    if labels is not None:
        steps = {"performance": performance, "concept": concept}
        datasets = {"scores": scores_dataset, "labels": labels, "rows": features}
        snapshots = {name: f"{dataset}@{labelled_partition or partition}" for name, dataset in datasets.items()}
        tasks |= _with_labels(steps, snapshots, model=model, key=key, target=target, policy=policy)
        if episode is not None:
            tasks["episode"] = build_task(
                UpdateEpisodeOperator,
                episode,
                task_id="episode",
                model=model,
                partition=partition,
                labels=labels,
                labelled_until=labelled_partition or partition,
                policy=policy,
                trigger_rule="none_failed",
            )
            [task for name, task in tasks.items() if name != "episode"] >> tasks["episode"]
    names = ("drift", "predictions", "estimate", "performance", "concept", "episode")
    return MonitoringOutputs(*(output_of(tasks.get(name)) for name in names))


def _with_labels(
    steps: Mapping[str, StepOptions], snapshots: Mapping[str, str], **wired: Any
) -> dict[str, BaseOperator]:
    """Create the checks that need labels.

    :param snapshots: ``scores``, ``labels`` and ``rows`` of the labelled partition.
    """
    if wired["key"] is None or wired["target"] is None:
        from airflow_mlops.common.errors import BadInput

        raise BadInput("labels requires key and target", hint="set key=... and target=..., or remove labels")
    wired["reevaluate_stale"] = True  # labels that arrive later re-evaluate their windows
    tasks: dict[str, BaseOperator] = {}
    if (step := steps["performance"]) is not None:
        refs = {"scores": snapshots["scores"], "labels": snapshots["labels"]}
        tasks["performance"] = build_task(CheckPerformanceOperator, step, task_id="performance", **refs, **wired)
    if (step := steps["concept"]) is not None:
        tasks["concept"] = build_task(CheckConceptDriftOperator, step, task_id="concept", **snapshots, **wired)
    return tasks


monitoring_task_group = as_task_group(monitoring_tasks)
