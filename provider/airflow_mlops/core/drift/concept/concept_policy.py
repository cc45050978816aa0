"""Concept drift policy: the section ``concept`` of a policy file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from airflow_mlops.common.report import Severity
from airflow_mlops.common.settings import Settings


class ConceptPolicy(Settings):
    """Thresholds of concept drift. Effects are in standard deviations of the reference's labels.

    :param effect_threshold: threshold of the change of labels at equal scores: over all scores (``level``) and by score
        (``calibration``, the root mean square).
    :param feature_effect_threshold: the same by a single feature, after the common change is subtracted; None skips the
        features.
    :param alpha: the family-wise error rate of the report.
    :param min_rows: the minimum number of independent labelled rows on each side.
    :param min_overlap: the minimum fraction of current rows with scores in the range of the reference.
    :param broken_threshold: the maximum fraction of rows by which missing values may increase in a feature, or by which
        a feature may shift while scores change and labels do not. Above it, or if one value takes over, the feature is
        broken upstream; the check is inconclusive until that is fixed.
    :param severity: the severity of concept drift.
    :param ignore: features that are skipped.
    """

    renamed: ClassVar[Mapping[str, str]] = {
        "effect": "effect_threshold",
        "feature_effect": "feature_effect_threshold",
        "overlap": "min_overlap",
        "broken": "broken_threshold",
    }
    effect_threshold: float = Field(default=0.1, gt=0)
    feature_effect_threshold: float | None = Field(default=0.2, gt=0)
    alpha: float = Field(default=0.01, gt=0, lt=1)
    min_rows: int = Field(default=200, ge=2)
    min_overlap: float = Field(default=0.5, gt=0, le=1)
    broken_threshold: float = Field(default=0.2, gt=0, le=1)
    severity: Severity = "error"
    ignore: tuple[str, ...] = ()
