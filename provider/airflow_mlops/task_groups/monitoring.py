"""Watching a champion: its inputs, its scores, its labels, and the episode that follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow.sdk import BaseOperator

from airflow_mlops.operators.concept import CheckConceptDriftOperator
from airflow_mlops.operators.drift import CheckDriftOperator
from airflow_mlops.operators.episode import UpdateEpisodeOperator
from airflow_mlops.operators.performance import CheckPerformanceOperator
from airflow_mlops.task_groups.base import AS_WIRED, Step, as_task_group, made, output


@dataclass(frozen=True, slots=True)
class Monitoring:
    """What the steps give, each a ``ReportRef``; ``None`` for a step that is left out.

    :param drift: of the features.
    :param predictions: of the drift of the scores.
    :param estimate: of what the scores are probably worth, before their labels have come.
    :param performance: of the predictions whose labels have come.
    :param concept: of the relation of scores and inputs to labels.
    :param episode: of what was made of it all.
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
    labelled: str | None = None,
    policy: str | Mapping[str, Any] | None = None,
    champion_at: str | None = None,
    drift: Step = AS_WIRED,
    predictions: Step = AS_WIRED,
    estimate: Step = AS_WIRED,
    performance: Step = AS_WIRED,
    concept: Step = AS_WIRED,
    episode: Step = AS_WIRED,
) -> Monitoring:
    """Make ``drift``, ``predictions``, ``estimate``, ``performance`` and ``concept``, and ``episode`` behind them.

    Each is optional: give ``None``. Those that need labels are left out where no dataset of labels is named. Windows
    whose labels come later than ``labelled`` are judged again.

    :param model: the model's name.
    :param features: the dataset that is scored.
    :param labels: the dataset of labels, which come later; ``None``: there are none.
    :param scores: the dataset of scores; default: ``<model>_scores``.
    :param key: the column that features, scores and labels have. Needed with ``labels``.
    :param target: the label's column. Needed with ``labels``.
    :param partition: the partition that is judged.
    :param labelled: the partition whose labels have just come: ``{{ macros.ds_add(partition_key, -14) }}`` where they
        take two weeks. Default: ``partition``.
    :param policy: the path of a ``policy.yaml``, or its content.
    :param champion_at: whose baseline: the champion of this moment on the data's clock; default: ``partition``.
    :param drift: more keywords for :class:`~airflow_mlops.operators.drift.CheckDriftOperator`.
    :param predictions: the same, for the scores.
    :param estimate: for :class:`~airflow_mlops.operators.performance.CheckPerformanceOperator`, without labels.
    :param performance: for the same, with them.
    :param concept: for :class:`~airflow_mlops.operators.concept.CheckConceptDriftOperator`.
    :param episode: for :class:`~airflow_mlops.operators.episode.UpdateEpisodeOperator`.
    """
    given = scores or f"{model}_scores"
    watched = {"model": model, "champion_at": champion_at or partition, "policy": policy}
    made_steps: dict[str, BaseOperator] = {}
    for name, step, dataset, of in (
        ("drift", drift, features, "features"),
        ("predictions", predictions, given, "scores"),
    ):
        if step is not None:
            snapshot = f"{dataset}@{partition}"
            made_steps[name] = made(CheckDriftOperator, step, task_id=name, snapshot=snapshot, of=of, **watched)
    if estimate is not None:
        kept = {"model": model, "scores": f"{given}@{partition}", "policy": policy}
        made_steps["estimate"] = made(CheckPerformanceOperator, estimate, task_id="estimate", estimate=True, **kept)
    if labels is not None:
        asked = {"performance": performance, "concept": concept}
        where = {"scores": given, "labels": labels, "rows": features}
        at = {name: f"{dataset}@{labelled or partition}" for name, dataset in where.items()}
        made_steps |= _with_labels(asked, at, model=model, key=key, target=target, policy=policy)
        if episode is not None:
            made_steps["episode"] = made(
                UpdateEpisodeOperator,
                episode,
                task_id="episode",
                model=model,
                partition=partition,
                labels=labels,
                labelled_until=labelled or partition,
                policy=policy,
                trigger_rule="none_failed",
            )
            [task for name, task in made_steps.items() if name != "episode"] >> made_steps["episode"]
    names = ("drift", "predictions", "estimate", "performance", "concept", "episode")
    return Monitoring(*(output(made_steps.get(name)) for name in names))


def _with_labels(asked: Mapping[str, Step], at: Mapping[str, str], **wired: Any) -> dict[str, BaseOperator]:
    """Make the checks for which labels are needed.

    :param at: ``scores``, ``labels`` and ``rows`` of the labelled partition.
    """
    if wired["key"] is None or wired["target"] is None:
        from airflow_mlops.core.errors import BadInput

        raise BadInput("labels are joined by a key", mend="give key=... and target=..., or leave labels out")
    wired["catch_up"] = True  # labels that come later still find their window
    found: dict[str, BaseOperator] = {}
    if (step := asked["performance"]) is not None:
        refs = {"scores": at["scores"], "labels": at["labels"]}
        found["performance"] = made(CheckPerformanceOperator, step, task_id="performance", **refs, **wired)
    if (step := asked["concept"]) is not None:
        found["concept"] = made(CheckConceptDriftOperator, step, task_id="concept", **at, **wired)
    return found


monitoring_task_group = as_task_group(monitoring_tasks)
