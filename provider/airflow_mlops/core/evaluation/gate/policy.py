"""The gate's section of ``policy.yaml``."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from airflow_mlops.core.metrics import METRICS
from airflow_mlops.core.settings import Settings

Told = Literal["tell", "hold", "reject"]
FACTS = (
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
"""What an evaluation measures of a model beside its predictions: what budgets can be held against."""


class SlicePolicy(Settings):
    """In no slice may the challenger be worse than the champion.

    :param columns: the slice columns that have to be there; empty: whichever the evaluation has.
    :param min_rows: a slice with fewer rows is not judged.
    :param min_positives: nor is one with fewer rows of either class.
    :param maximum_loss: how much worse it may be in a slice, in the metric's own unit.
    :param confidence: how sure that no slice is refused by chance, over all slices of all columns together: p-values
        are adjusted after Holm. In small slices with skewed losses chance refuses a little more often than it says:
        with 0.97 it stays below one in twenty.
    :param not_judged: what a slice that is too small means: ``tell`` names it and warns, ``hold`` asks a person,
        ``reject``.
    """

    columns: tuple[str, ...] = ()
    min_rows: int = Field(default=100, ge=2)
    min_positives: int = Field(default=10, ge=1)
    maximum_loss: float = Field(default=0.0, ge=0)
    confidence: float = Field(default=0.97, gt=0.5, lt=1)
    not_judged: Told = "tell"


class FairnessPolicy(Settings):
    """How far decisions may differ between the groups of a protected attribute.

    :param demographic_parity: the largest difference between two groups' shares of positive decisions.
    :param equalised_odds: the largest difference between two groups' rates of true, or of false, positives.
    :param threshold: a score from here on is a positive decision (binary tasks; of several classes the likeliest).
    :param min_rows: a group with fewer rows is not judged.
    :param min_positives: nor are the odds of one with fewer rows of either class.
    :param not_judged: what such a group means: ``tell``, ``hold`` or ``reject``.
    """

    demographic_parity: float | None = Field(default=None, ge=0, le=1)
    equalised_odds: float | None = Field(default=None, ge=0, le=1)
    threshold: float = Field(default=0.5, ge=0, le=1)
    min_rows: int = Field(default=50, ge=1)
    min_positives: int = Field(default=10, ge=1)
    not_judged: Told = "tell"

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.demographic_parity is None and self.equalised_odds is None:
            raise ValueError("give demographic_parity, equalised_odds, or both")
        return self


class PredictionPolicy(Settings):
    """How far the challenger's predictions may be from the champion's, however good they are.

    :param max_shift: how far the mean may move, in standard deviations of the champion's predictions.
    :param min_correlation: the least correlation of the two (Pearson's).
    """

    max_shift: float | None = Field(default=None, ge=0)
    min_correlation: float | None = Field(default=None, ge=-1, le=1)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.max_shift is None and self.min_correlation is None:
            raise ValueError("give max_shift, min_correlation, or both")
        return self


class GatePolicy(Settings):
    """What a challenger has to prove.

    :param metric: the figure that decides, such as ``roc_auc``.
    :param minimum_gain: the challenger must be better by more than this, in the metric's own unit.
    :param confidence: how sure: the one-sided lower bound of the paired gain has to be above ``minimum_gain``. At 0.975
        an equal model passes about once in forty times.
    :param resamples: into how many parts the rows are dealt to say how sure the gain is: the jackknife leaves each
        out once. More make a finer error at a higher price; 200 leave it uncertain by a twentieth of its size, which
        the bound allows for.
    :param seed: seed of the dealing: the same evidence always gives the same decision.
    :param min_rows: fewer gate rows block.
    :param min_positives: fewer rows of either class block (binary tasks; of several classes two need so many).
    :param floors: metric -> the worst value allowed, whoever the champion is.
    :param budgets: fact -> the largest value allowed: ``bytes``, ``predict_ms_p95``, ``memory_mb``, ``train_seconds``.
    :param slices: in which slices the challenger must not be worse. When it is left out, slices that the evaluation
        has are judged by the defaults; when it is there, an evaluation without slices blocks.
    :param fairness: protected attribute -> bounds.
    :param predictions: how far predictions may differ from the champion's.
    :param self_tests: ``if_given``: failed self-tests reject; ``required``: without any that was judged it blocks, too.
    :param approval: ``never``; ``when_held``: a gain that is seen but not sure waits for a person; ``always``: a
        person confirms each promotion.
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
    self_tests: Literal["if_given", "required"] = "if_given"
    approval: Literal["never", "when_held", "always"] = "never"

    @field_validator("budgets")
    @classmethod
    def _facts_are_known(cls, budgets: dict[str, float]) -> dict[str, float]:
        for name in budgets:
            _one_of(name, FACTS, "nothing measures")
        return budgets

    @model_validator(mode="after")
    def _fits_the_task(self) -> Self:
        for name in self.floors:
            _one_of(name, METRICS, "there is no metric")
        if self.metric not in METRICS:
            return self  # who looks the metric up says so, with those that there are
        task = METRICS[self.metric].task
        for name in self.floors:
            if METRICS[name].task != task:
                raise ValueError(f"floors.{name} is of a {METRICS[name].task} task, {self.metric} of a {task} one")
        if self.fairness and task == "regression":
            raise ValueError(f"fairness compares decisions, and {self.metric} judges values: leave fairness out")
        return self


def _one_of(name: str, known: Collection[str], what: str) -> None:
    if name not in known:
        near = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)
        meant = f"; did you mean {' or '.join(map(repr, near))}?" if near else f"; known: {', '.join(sorted(known))}"
        raise ValueError(f"{what} {name!r}{meant}")
