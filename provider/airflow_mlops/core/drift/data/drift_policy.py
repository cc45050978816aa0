"""Drift policy: the section ``drift`` of a policy file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.report import Severity
from airflow_mlops.common.settings import Settings
from airflow_mlops.core.data.profiles.model import ColumnKind
from airflow_mlops.core.drift.data.drift_methods import (
    CATEGORICAL_KINDS,
    DEFAULT_EFFECT_THRESHOLD,
    DRIFT_METHODS,
    NUMERIC_KINDS,
)

DRIFT_PRESETS: dict[str, dict[str, Any]] = {
    "default": {},
    "evidently": {
        "share_threshold": None,
        "missing_threshold": None,
        "new_categories_threshold": None,
        "text_length_threshold": None,
        "alpha": None,
        "min_rows": 1,
        "severity": "info",
        "drifted_fraction_threshold": 0.5,
    },
}

_RENAMED = {
    "numeric": "numeric_threshold",
    "categorical": "categorical_threshold",
    "share": "share_threshold",
    "moved": "constant_threshold",
    "missing": "missing_threshold",
    "new_categories": "new_categories_threshold",
    "lengths": "text_length_threshold",
}


def _check_method(name: str, kinds: tuple[ColumnKind, ...]) -> None:
    """Raise ValueError unless there is such a drift method, which applies to some of these kinds of columns."""
    try:
        method = DRIFT_METHODS.get(name)
    except BadInput as error:
        raise ValueError(f"{error.what}; {error.hint}" if error.hint else error.what) from error
    if not {*kinds} & {*method.kinds}:
        raise ValueError(f"the drift method {name} applies to columns of kind {', '.join(method.kinds)} only")


class ColumnDriftPolicy(Settings):
    """Overrides for one column; keys that are not set default to the policy.

    :param severity: the severity of drift in this column: ``error``, ``warn`` or ``info``.
    :param method: the effect measure: the name or the import path of a drift method. A column of a kind that it does
        not apply to is ``inconclusive``.
    :param numeric_threshold: see :class:`DriftPolicy`, as for the other thresholds.
    """

    renamed: ClassVar[Mapping[str, str]] = _RENAMED
    severity: Severity | None = None
    method: str | None = None
    numeric_threshold: float | None = Field(default=None, gt=0)
    categorical_threshold: float | None = Field(default=None, gt=0)
    share_threshold: float | None = Field(default=None, gt=0)
    constant_threshold: float | None = Field(default=None, gt=0)
    missing_threshold: float | None = Field(default=None, gt=0)
    new_categories_threshold: float | None = Field(default=None, gt=0)
    text_length_threshold: float | None = Field(default=None, gt=0)

    @field_validator("method")
    @classmethod
    def _check_method(cls, method: str | None) -> str | None:
        if method is not None:
            _check_method(method, (*NUMERIC_KINDS, *CATEGORICAL_KINDS))
        return method


class DriftPolicy(Settings):
    """Thresholds of data drift. A threshold of None disables its check.

    :param preset: ``evidently`` uses Evidently 0.7's defaults: its choice of methods, a p-value of 0.05 up to 1,000
        reference rows and a distance of 0.1 beyond. The dataset drifts when half of its columns do. Other keys
        override the preset.
    :param numeric_method: the effect measure of numbers: ``wasserstein`` (in standard deviations of the reference),
        ``jensenshannon``, ``psi`` (both on ten bins of equal reference counts) or ``ks`` (the largest gap of the
        distribution functions).
    :param categorical_method: the effect measure of categories: ``jensenshannon`` (base 2), ``psi`` or ``chisquare``
        (Cramer's V). Both may also name a method of another package, or its import path.
    :param numeric_threshold: threshold of the effect on numbers; default: that of the method.
    :param categorical_threshold: threshold of the effect on categories; default: that of the method.
    :param share_threshold: threshold of the change of one category's proportion. It detects shifts between large
        categories, to which Jensen-Shannon is insensitive (a proportion from 0.5 to 0.6 gives 0.085).
    :param constant_threshold: threshold of the fraction of values that differ from a constant reference.
    :param missing_threshold: threshold of the change of the missing fraction.
    :param new_categories_threshold: threshold of the fraction of values whose category is not in the reference.
    :param text_length_threshold: threshold of the Wasserstein distance of text lengths, in standard deviations of the
        reference.
    :param alpha: the family-wise error rate of the report; None disables significance tests.
    :param min_rows: the minimum number of independent rows on each side; with fewer a column is ``inconclusive``.
    :param severity: the severity of drift in a column.
    :param drifted_fraction_threshold: the fraction of drifted columns, weighted by importance if given, at which the
        dataset fails; None disables the dataset check.
    :param importance: column -> its importance for the model, in any unit. It weights the fraction of drifted columns;
        a column below the fraction ``minor_importance`` of the total only warns. A missing column or
        another type is still an error.
    :param minor_importance: the fraction of the total importance below which a column only warns.
    :param columns: column -> overrides for it.
    :param ignore: columns that are skipped.
    """

    renamed: ClassVar[Mapping[str, str]] = {
        **_RENAMED,
        "drifted_share": "drifted_fraction_threshold",
        "minor": "minor_importance",
    }
    preset: Literal["default", "evidently"] = "default"
    numeric_method: str = "wasserstein"
    categorical_method: str = "jensenshannon"
    numeric_threshold: float | None = Field(default=DEFAULT_EFFECT_THRESHOLD, gt=0)
    categorical_threshold: float | None = Field(default=DEFAULT_EFFECT_THRESHOLD, gt=0)
    share_threshold: float | None = Field(default=0.08, gt=0)
    constant_threshold: float | None = Field(default=0.05, gt=0)
    missing_threshold: float | None = Field(default=0.03, gt=0)
    new_categories_threshold: float | None = Field(default=0.05, gt=0)
    text_length_threshold: float | None = Field(default=0.2, gt=0)
    alpha: float | None = Field(default=0.01, gt=0, lt=1)
    min_rows: int = Field(default=100, ge=1)
    severity: Severity = "error"
    drifted_fraction_threshold: float | None = Field(default=None, gt=0, le=1)
    importance: dict[str, float] = Field(default_factory=dict)
    minor_importance: float = Field(default=0.01, ge=0, lt=1)
    columns: dict[str, ColumnDriftPolicy] = Field(default_factory=dict)
    ignore: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _apply_preset(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and value.get("preset") in DRIFT_PRESETS:
            return {**DRIFT_PRESETS[value["preset"]], **value}
        return value

    @field_validator("numeric_method", "categorical_method")
    @classmethod
    def _check_methods(cls, method: str, info: ValidationInfo) -> str:
        _check_method(method, NUMERIC_KINDS if info.field_name == "numeric_method" else CATEGORICAL_KINDS)
        return method

    @model_validator(mode="after")
    def _check_preset(self) -> DriftPolicy:
        chosen = {"numeric_method", "categorical_method"} & self.model_fields_set
        chosen |= {f"columns.{name}.method" for name, column in self.columns.items() if column.method}
        if self.preset == "evidently" and chosen:
            raise ValueError(f"the preset evidently chooses the methods itself; remove {min(chosen)}, or the preset")
        return self

    @model_validator(mode="after")
    def _check_importance(self) -> DriftPolicy:
        if invalid := sorted(n for n, weight in self.importance.items() if not 0 <= weight < float("inf")):
            raise ValueError(f"importance must be finite and not negative; it is not for {invalid[:5]}")
        return self

    def severity_of(self, column: str, *, is_absent: bool = False) -> Severity:
        """Return the severity of drift in a column.

        :param is_absent: whether the column is missing or has another type, which is an error also for a minor column.
        """
        override = self.columns.get(column)
        if override and override.severity:
            return override.severity
        if self.severity == "error" and not is_absent and self.weight(column) < self.minor_importance:
            return "warn"
        return self.severity

    def weight(self, column: str) -> float:
        """Return a column's fraction of the total importance; 1 when the policy has no importance of it."""
        total = sum(self.importance.values())
        return self.importance[column] / total if total and column in self.importance else 1.0

    def threshold(self, column: str, name: str) -> float | None:
        """Return a threshold for one column."""
        override: float | None = getattr(self.columns.get(column), name, None)
        default: float | None = getattr(self, name)
        return default if override is None else override

    def method(self, column: str, kind: ColumnKind) -> str:
        """Return the name of the effect measure of a column of this kind."""
        override = self.columns.get(column)
        if override and override.method:
            return override.method
        return self.numeric_method if kind in NUMERIC_KINDS else self.categorical_method

    def effect_threshold(self, column: str, kind: ColumnKind) -> float | None:
        """Return the threshold of the effect measure of a column: that of the policy, else that of the measure."""
        name = "numeric_threshold" if kind in NUMERIC_KINDS else "categorical_threshold"
        override = self.columns.get(column)
        if name in self.model_fields_set or (override and getattr(override, name) is not None):
            return self.threshold(column, name)
        return DRIFT_METHODS.get(self.method(column, kind)).threshold
