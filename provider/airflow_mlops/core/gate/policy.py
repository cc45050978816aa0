"""The gate section of ``policy.yaml``."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from typing import ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.settings import Settings
from airflow_mlops.core.metrics import Metric, canonical_name, get_metric

InconclusiveAction = Literal["warn", "hold", "reject"]
BUDGET_FACTS = (
    "bytes",
    "predict_ms_per_1000",
    "predict_ms_p50",
    "predict_ms_p95",
    "batch_ms_p50",
    "batch_ms_p95",
    "load_seconds",
    "memory_mb",
    "train_seconds",
    "train_memory_mb",
)
"""Measurements of an evaluation that budgets can limit."""


class SlicePolicy(Settings):
    """The challenger must not be worse than the champion in any slice.

    :param columns: required slice columns; empty: all that the evaluation has.
    :param min_rows: smaller slices are inconclusive.
    :param min_positives: so are slices with fewer rows of either class.
    :param maximum_loss: tolerated loss in a slice, in the unit of the metric.
    :param confidence: probability that no slice of an equal challenger fails by chance, over all slices of all columns
        (Holm-adjusted p-values). Small slices with skewed losses fail slightly more often; with 0.97 the rate of false
        failures stays below 5 %.
    :param inconclusive: action for slices that are too small: ``warn``, ``hold`` (requires approval) or ``reject``.
    """

    renamed: ClassVar[Mapping[str, str]] = {"not_judged": "inconclusive"}

    columns: tuple[str, ...] = ()
    min_rows: int = Field(default=100, ge=2)
    min_positives: int = Field(default=10, ge=1)
    maximum_loss: float = Field(default=0.0, ge=0)
    confidence: float = Field(default=0.97, gt=0.5, lt=1)
    inconclusive: InconclusiveAction = "warn"


class FairnessPolicy(Settings):
    """Bounds on the difference of decisions between the groups of a protected attribute.

    :param demographic_parity: maximum difference between two groups in the rate of positive decisions.
    :param equalised_odds: maximum difference between two groups in the true or the false positive rate.
    :param threshold: decision threshold of binary tasks; with several classes the most probable class is predicted.
    :param min_rows: smaller groups are inconclusive.
    :param min_positives: so are the odds of groups with fewer rows of either class.
    :param inconclusive: action for inconclusive groups: ``warn``, ``hold`` or ``reject``.
    """

    renamed: ClassVar[Mapping[str, str]] = {"not_judged": "inconclusive"}

    demographic_parity: float | None = Field(default=None, ge=0, le=1)
    equalised_odds: float | None = Field(default=None, ge=0, le=1)
    threshold: float = Field(default=0.5, ge=0, le=1)
    min_rows: int = Field(default=50, ge=1)
    min_positives: int = Field(default=10, ge=1)
    inconclusive: InconclusiveAction = "warn"

    @model_validator(mode="after")
    def _require_bound(self) -> Self:
        if self.demographic_parity is None and self.equalised_odds is None:
            raise ValueError("set demographic_parity, equalised_odds, or both")
        return self


class PredictionPolicy(Settings):
    """Bounds on the difference between the predictions of challenger and champion.

    :param max_shift: maximum shift of the mean, in standard deviations of the champion's predictions.
    :param min_correlation: minimum Pearson correlation of the two.
    """

    max_shift: float | None = Field(default=None, ge=0)
    min_correlation: float | None = Field(default=None, ge=-1, le=1)

    @model_validator(mode="after")
    def _require_bound(self) -> Self:
        if self.max_shift is None and self.min_correlation is None:
            raise ValueError("set max_shift, min_correlation, or both")
        return self


class GatePolicy(Settings):
    """Requirements for the promotion of a challenger.

    :param metric: the metric that decides, such as ``roc_auc``, or the import path of a metric of one's own.
    :param minimum_gain: the challenger must be better by more than this, in the unit of the metric.
    :param confidence: the one-sided lower confidence bound of the paired gain must be above ``minimum_gain``. At 0.975
        an equal model passes with a probability of about 1 in 40.
    :param resamples: number of jackknife groups for the standard error of the gain. With 200, that error is itself
        uncertain by about 5 %, which the bound accounts for. More groups cost more time.
    :param seed: seed of the group assignment: the same evidence always gives the same decision.
    :param min_rows: fewer gate rows block.
    :param min_positives: fewer rows of either class block (binary tasks; with more classes, two need that many rows).
    :param floors: metric -> the worst value allowed, whatever the champion's.
    :param budgets: fact -> the largest value allowed: ``bytes``, ``predict_ms_p95``, ``memory_mb``, ``train_seconds``.
    :param slices: slices in which the challenger must not be worse. If omitted, the slices of the evaluation are
        checked with the defaults; if set, an evaluation without slices blocks.
    :param fairness: protected attribute -> bounds.
    :param predictions: bounds on the difference from the champion's predictions.
    :param self_tests: ``if_present``: failed model tests reject; ``required``: without a conclusive test it also
        blocks.
    :param approval: ``never``; ``when_held``: a gain that is not significant waits for approval; ``always``: every
        promotion needs approval.
    """

    metric: str = "roc_auc"
    minimum_gain: float = Field(default=0.0, ge=0)
    confidence: float = Field(default=0.975, gt=0.5, lt=1)
    resamples: int = Field(default=200, ge=50, le=100_000)
    seed: int = Field(default=0, ge=0)
    min_rows: int = Field(default=200, ge=2)
    min_positives: int = Field(default=20, ge=1)
    floors: dict[str, float] = Field(default_factory=dict)
    budgets: dict[str, float] = Field(default_factory=dict)
    slices: SlicePolicy | None = None
    fairness: dict[str, FairnessPolicy] = Field(default_factory=dict)
    predictions: PredictionPolicy | None = None
    self_tests: Literal["if_present", "required"] = "if_present"
    approval: Literal["never", "when_held", "always"] = "never"

    @field_validator("metric")
    @classmethod
    def _resolve_alias(cls, metric: str) -> str:
        return canonical_name(metric)

    @field_validator("floors")
    @classmethod
    def _resolve_aliases(cls, floors: dict[str, float]) -> dict[str, float]:
        resolved = {canonical_name(name): floor for name, floor in floors.items()}
        if len(resolved) < len(floors):
            raise ValueError(f"two of {', '.join(floors)} are the same metric")
        return resolved

    @field_validator("budgets")
    @classmethod
    def _check_budgets(cls, budgets: dict[str, float]) -> dict[str, float]:
        for name in budgets:
            _check_name(name, BUDGET_FACTS, "fact")
        return budgets

    @model_validator(mode="after")
    def _check_task(self) -> Self:
        task = _find_metric(self.metric).task
        for name in self.floors:
            floor_task = _find_metric(name).task
            if floor_task != task:
                raise ValueError(f"floors.{name} is of a {floor_task} task, {self.metric} of a {task} one")
        if self.fairness and task == "regression":
            raise ValueError(
                f"fairness needs a classification metric, {self.metric} is for regression: remove fairness"
            )
        return self


def _find_metric(name: str) -> Metric:
    """Return a metric; pydantic adds the key of the policy to the message of a ``ValueError``."""
    try:
        return get_metric(name)
    except BadInput as error:
        raise ValueError(f"{error.what}; {error.hint}" if error.hint else error.what) from None


def _check_name(name: str, supported: Collection[str], kind: str) -> None:
    if name not in supported:
        near = difflib.get_close_matches(name, list(supported), n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"supported: {', '.join(sorted(supported))}"
        raise ValueError(f"unknown {kind} {name!r}; {hint}")
