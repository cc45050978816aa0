"""The gate's section of ``policy.yaml``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from airflow_mlops.core.settings import Settings


class GatePolicy(Settings):
    """What a challenger has to prove.

    :param metric: the figure that decides, such as ``roc_auc``.
    :param minimum_gain: the challenger must be better by more than this, in the metric's own unit.
    :param confidence: how sure: the one-sided bound of the paired bootstrap of the gain has to be above
        ``minimum_gain``. At 0.975 an equal model passes about once in forty times.
    :param resamples: bootstrap resamples.
    :param seed: seed of the resampling: the same evidence always gives the same decision.
    :param min_rows: fewer gate rows block.
    :param min_positives: fewer rows of either class block (binary tasks).
    :param floors: metric -> the worst value allowed, whoever the champion is.
    :param budgets: fact -> the largest value allowed: ``bytes``, ``predict_ms_per_1000``.
    :param approval: ``never``; ``when_held``: a gain that is seen but not sure waits for a person; ``always``: a
        person confirms each promotion.
    """

    metric: str = "roc_auc"
    minimum_gain: float = Field(default=0.0, ge=0)
    confidence: float = Field(default=0.975, gt=0.5, lt=1)
    resamples: int = Field(default=2000, ge=200, le=100_000)
    seed: int = 0
    min_rows: int = Field(default=200, ge=2)
    min_positives: int = Field(default=20, ge=1)
    floors: dict[str, float] = Field(default_factory=dict)
    budgets: dict[str, float] = Field(default_factory=dict)
    approval: Literal["never", "when_held", "always"] = "never"
