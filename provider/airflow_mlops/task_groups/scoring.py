"""Scoring: validate what has arrived, score it with the champion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_mlops.operators.score import ScoreDatasetOperator
from airflow_mlops.operators.validate import ValidateDatasetOperator
from airflow_mlops.task_groups.base import AS_WIRED, Rows, Step, as_task_group, made, output


@dataclass(frozen=True, slots=True)
class Scoring:
    """What the steps give.

    :param validated: the ``ReportRef`` of the validation; ``None`` without one.
    :param scores: the ``SnapshotRef`` of the scores.
    """

    validated: Any
    scores: Any


def scoring_tasks(
    *,
    model: str,
    rows: Rows,
    key: str | Sequence[str],
    contract: str | Mapping[str, Any] | None = None,
    environment: str | None = None,
    champion_at: str | None = None,
    outlets: Sequence[Any] = (),
    validate: Step = None,
    score: Mapping[str, Any] = AS_WIRED,
) -> Scoring:
    """Make the steps ``validate`` (when asked for) and ``score``.

    :param model: the model's name.
    :param rows: what is scored: a ``SnapshotRef``, ``dataset@partition``, or the output of a task.
    :param key: the columns that name a row, kept beside the score.
    :param contract: what the rows promise; it also names the features.
    :param environment: the contract's environment of these rows, such as ``serving``.
    :param champion_at: score with the champion of this moment on the data's clock; default: the champion now.
    :param outlets: the assets that the scores are handed on by.
    :param validate: hold the rows against the contract first (``{}``), with more keywords for
        :class:`~airflow_mlops.operators.validate.ValidateDatasetOperator`; ``None``: whoever made them has done so.
    :param score: more keywords for :class:`~airflow_mlops.operators.score.ScoreDatasetOperator`.
    """
    scored = made(
        ScoreDatasetOperator,
        score,
        task_id="score",
        model=model,
        snapshot=rows,
        key=[key] if isinstance(key, str) else list(key),
        contract=contract,
        champion_at=champion_at,
        outlets=list(outlets),
    )
    if validate is None:
        return Scoring(None, output(scored))
    validated = made(
        ValidateDatasetOperator,
        validate,
        task_id="validate",
        snapshot=rows,
        contract=contract,
        environment=environment,
    )
    validated >> scored
    return Scoring(output(validated), output(scored))


scoring_task_group = as_task_group(scoring_tasks)
