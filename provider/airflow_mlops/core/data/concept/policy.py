"""How much is concept drift: what a team writes under ``concept`` in its policy."""

from __future__ import annotations

from pydantic import Field

from airflow_mlops.core.report import Severity
from airflow_mlops.core.settings import Settings


class ConceptPolicy(Settings):
    """How much is concept drift. Effects are in standard deviations of the reference's labels.

    :param effect: how far labels may be from what the same scores meant in the reference, for all scores together
        (``level``) and score by score (``calibration``, the root of the mean square).
    :param feature_effect: the same along a single feature, what all rows have in common taken away; None leaves the
        features out.
    :param alpha: the chance of one false alarm in the whole report.
    :param min_rows: independent labelled rows that both sides need.
    :param overlap: the share of current rows that must have scores as the reference had.
    :param broken: the share of rows by which missing values may take over a feature, or by which one may move while
        scores mean something else and labels come as before. Beyond it, and where one value has all rows, the feature
        is broken upstream, and the relation cannot be judged before that is mended.
    :param severity: what concept drift means.
    :param ignore: features that are not looked at.
    """

    effect: float = Field(default=0.1, gt=0)
    feature_effect: float | None = Field(default=0.2, gt=0)
    alpha: float = Field(default=0.01, gt=0, lt=1)
    min_rows: int = Field(default=200, ge=2)
    overlap: float = Field(default=0.5, gt=0, le=1)
    broken: float = Field(default=0.2, gt=0, le=1)
    severity: Severity = "error"
    ignore: tuple[str, ...] = ()
