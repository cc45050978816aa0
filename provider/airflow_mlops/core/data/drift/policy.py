"""How much is drift: what a team writes under ``drift`` in its policy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from airflow_mlops.core.report import Severity
from airflow_mlops.core.settings import Settings

NumberMethod = Literal["wasserstein", "jensenshannon", "psi", "ks"]
NameMethod = Literal["jensenshannon", "psi", "chisquare"]
# The least effect that matters, by method; "ks" is the largest gap of the distribution functions, "chisquare"
# Cramer's V. 0.1 is Evidently's threshold for distances, and the usual one for PSI.
EFFECT = 0.1
PRESETS: dict[str, dict[str, Any]] = {
    "default": {},
    "evidently": {
        "share": None,
        "missing": None,
        "new_categories": None,
        "lengths": None,
        "alpha": None,
        "min_rows": 1,
        "severity": "info",
        "drifted_share": 0.5,
    },
}


class ColumnPolicy(Settings):
    """What is different for one column; what is not set is as in the policy.

    :param severity: what drift of this column means: ``error``, ``warn`` or ``info``.
    :param method: how the effect is measured, for a column of numbers or of categories.
    :param numeric: see :class:`DriftPolicy`; so for the other thresholds.
    """

    severity: Severity | None = None
    method: NumberMethod | NameMethod | None = None
    numeric: float | None = Field(default=None, gt=0)
    categorical: float | None = Field(default=None, gt=0)
    share: float | None = Field(default=None, gt=0)
    moved: float | None = Field(default=None, gt=0)
    missing: float | None = Field(default=None, gt=0)
    new_categories: float | None = Field(default=None, gt=0)
    lengths: float | None = Field(default=None, gt=0)


class DriftPolicy(Settings):
    """How much is drift. A threshold that is None is not judged.

    :param preset: ``evidently`` judges as Evidently 0.7 does by default: its choice of methods, a p-value of 0.05 up
        to 1,000 reference rows and a distance of 0.1 beyond, the dataset when half of its columns drifted. What is
        set beside it wins.
    :param numeric_method: how the effect on a number is measured: ``wasserstein`` (in standard deviations of the
        reference), ``jensenshannon``, ``psi`` (both on ten bins of equal share) or ``ks`` (the largest gap of the
        distribution functions).
    :param categorical_method: how the effect on a category is measured: ``jensenshannon`` (base 2), ``psi`` or
        ``chisquare`` (Cramer's V).
    :param numeric: the threshold of the former.
    :param categorical: the threshold of the latter.
    :param share: the change of one category's share; it tells of moves between large categories, to which
        Jensen-Shannon is blind (a share from 0.5 to 0.6 gives 0.085).
    :param moved: the share of values that left the one value of a constant reference.
    :param missing: the change of the share of missing values.
    :param new_categories: the share of values whose category the reference has never seen.
    :param lengths: the Wasserstein distance of text lengths, in standard deviations of the reference.
    :param alpha: the chance of one false alarm in the whole report; None asks for no significance.
    :param min_rows: independent rows that both sides need; with fewer a column is ``not_judged``.
    :param severity: what drift of a column means.
    :param drifted_share: the share of drifted columns, weighed by importance where that is given, at which the dataset
        fails; None leaves it to the columns.
    :param importance: column -> how much the model relies on it, in any unit. It weighs ``drifted_share``, and a
        column that has less than ``minor`` of the whole only warns. A column that is gone or has another type is an
        error all the same.
    :param minor: the share of all importance below which a column only warns.
    :param columns: column -> what is different there.
    :param ignore: columns that are not judged.
    """

    preset: Literal["default", "evidently"] = "default"
    numeric_method: NumberMethod = "wasserstein"
    categorical_method: NameMethod = "jensenshannon"
    numeric: float | None = Field(default=EFFECT, gt=0)
    categorical: float | None = Field(default=EFFECT, gt=0)
    share: float | None = Field(default=0.08, gt=0)
    moved: float | None = Field(default=0.05, gt=0)
    missing: float | None = Field(default=0.03, gt=0)
    new_categories: float | None = Field(default=0.05, gt=0)
    lengths: float | None = Field(default=0.2, gt=0)
    alpha: float | None = Field(default=0.01, gt=0, lt=1)
    min_rows: int = Field(default=100, ge=1)
    severity: Severity = "error"
    drifted_share: float | None = Field(default=None, gt=0, le=1)
    importance: dict[str, float] = Field(default_factory=dict)
    minor: float = Field(default=0.01, ge=0, lt=1)
    columns: dict[str, ColumnPolicy] = Field(default_factory=dict)
    ignore: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _fill_in_preset(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and value.get("preset") in PRESETS:
            return {**PRESETS[value["preset"]], **value}
        return value

    @model_validator(mode="after")
    def _importance_is_a_weight(self) -> DriftPolicy:
        if wrong := sorted(n for n, weight in self.importance.items() if not 0 <= weight < float("inf")):
            raise ValueError(f"importance has to be zero or more, and finite; it is not for {wrong[:5]}")
        return self

    def severity_of(self, column: str, *, gone: bool = False) -> Severity:
        """Say what drift of this column means.

        :param gone: it is not there any more, or of another type: that is no less an error for a minor column.
        """
        own = self.columns.get(column)
        if own and own.severity:
            return own.severity
        if self.severity == "error" and not gone and self.weight(column) < self.minor:
            return "warn"
        return self.severity

    def weight(self, column: str) -> float:
        """Give a column's share of all importance; 1 when the policy does not weigh it."""
        everything = sum(self.importance.values())
        return self.importance[column] / everything if everything and column in self.importance else 1.0

    def threshold(self, column: str, name: str) -> float | None:
        """Give a threshold as it holds for one column."""
        own: float | None = getattr(self.columns.get(column), name, None)
        common: float | None = getattr(self, name)
        return common if own is None else own

    def method(self, column: str, kind: Literal["numeric", "categorical"]) -> str:
        """Say how the effect on a column is measured; a method that is not for its kind is not taken."""
        own = self.columns.get(column)
        known = NumberMethod if kind == "numeric" else NameMethod
        if own and own.method and own.method in known.__args__:  # type: ignore[attr-defined]
            return own.method
        return self.numeric_method if kind == "numeric" else self.categorical_method
