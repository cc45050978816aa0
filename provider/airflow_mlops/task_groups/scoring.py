"""Tasks that validate new rows and score them with the champion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_mlops.operators.score import ScoreDatasetOperator
from airflow_mlops.operators.validate import ValidateDatasetOperator
from airflow_mlops.task_groups.base import NO_OVERRIDES, RowsInput, StepOptions, as_task_group, build_task, output_of


@dataclass(frozen=True, slots=True)
class ScoringOutputs:
    """Outputs of the scoring steps.

    :param validation: ``ReportRef`` of the validation; ``None`` if omitted.
    :param scores: ``SnapshotRef`` of the scores.
    """

    validation: Any
    scores: Any


def scoring_tasks(
    *,
    model: str,
    rows: RowsInput,
    key: str | Sequence[str],
    contract: str | Mapping[str, Any] | None = None,
    environment: str | None = None,
    champion_at: str | None = None,
    outlets: Sequence[Any] = (),
    validate: StepOptions = None,
    score: Mapping[str, Any] = NO_OVERRIDES,
) -> ScoringOutputs:
    """Create the tasks ``validate`` (optional) and ``score``.

    :param model: name of the registered model.
    :param rows: rows to score: a ``SnapshotRef``, ``dataset@partition``, or the output of a task.
    :param key: columns that identify a row; saved next to the score.
    :param contract: contract of the rows, which also names the features: its path or content. Default: none.
    :param environment: contract environment of the rows, such as ``serving``. Default: none.
    :param champion_at: use the champion at this ISO date or date-time on the data's clock. Default: the champion now.
    :param outlets: asset outlets of the scores. Default: none.
    :param validate: more arguments for :class:`~airflow_mlops.operators.validate.ValidateDatasetOperator`; ``{}``
        validates with the defaults. ``None`` (default): no validation.
    :param score: more arguments for :class:`~airflow_mlops.operators.score.ScoreDatasetOperator`.
    """
    score_task = build_task(
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
        return ScoringOutputs(None, output_of(score_task))
    validation = build_task(
        ValidateDatasetOperator,
        validate,
        task_id="validate",
        snapshot=rows,
        contract=contract,
        environment=environment,
    )
    validation >> score_task
    return ScoringOutputs(output_of(validation), output_of(score_task))


scoring_task_group = as_task_group(scoring_tasks)
