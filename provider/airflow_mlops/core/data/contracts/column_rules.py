"""Rules for one column of a contract."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, JsonValue, ValidationInfo, field_validator, model_validator

from airflow_mlops.common.report import Severity
from airflow_mlops.common.settings import Settings
from airflow_mlops.core.data.contracts.expression import ColumnType, to_utc

ColumnRole = Literal["key", "feature", "label", "ignore"]
BoundValue = int | float | date | datetime
RULE_NAMES = (
    "required",
    "type",
    "missing",
    "finite",
    "min",
    "max",
    "values",
    "pattern",
    "min_length",
    "max_length",
    "unique",
    "outliers",
)
TEXT_TYPES = ("str", "category")
TIME_TYPES = ("date", "datetime")


class OutlierRule(Settings):
    """Rule on values that lie far outside the reference profile.

    :param method: ``iqr``: ``factor`` times the distance between the quartiles below the first or above the third;
        ``z``: ``factor`` standard deviations from the mean; ``quantile``: below the quantile ``low`` or above the
        quantile ``high``.
    :param factor: for ``iqr`` and ``z``.
    :param low: for ``quantile``: a fraction, 0 to 1.
    :param high: for ``quantile``: a fraction, 0 to 1.
    :param max_fraction: the maximum fraction of rows that may lie outside.
    """

    renamed: ClassVar[Mapping[str, str]] = {"max_share": "max_fraction"}
    method: Literal["iqr", "z", "quantile"] = "iqr"
    factor: float = Field(default=3.0, gt=0)
    low: float = Field(default=0.001, ge=0, le=1)
    high: float = Field(default=0.999, ge=0, le=1)
    max_fraction: float = Field(default=0.01, ge=0, le=1)

    @model_validator(mode="after")
    def _check_settings(self) -> Self:
        inapplicable = {"factor"} if self.method == "quantile" else {"low", "high"}
        if unused := sorted(inapplicable & self.model_fields_set):
            raise ValueError(f"{unused[0]} does not apply to the method {self.method}")
        if self.low >= self.high:
            raise ValueError(f"low {self.low} must be less than high {self.high}")
        return self


class ColumnRule(Settings):
    """Rules for one column.

    :param type: the type of its values. ``category`` is text or codes from a small set.
    :param required: whether the column must be present.
    :param nullable: whether values may be missing (null or NaN). By default key columns are not nullable.
    :param max_missing: the maximum fraction of missing values, 0 to 1.
    :param unique: whether values must be unique; missing values are not compared.
    :param min: the minimum, inclusive.
    :param max: the maximum, inclusive.
    :param values: the allowed values.
    :param pattern: a regular expression that the full text must match (no look-around).
    :param min_length: the minimum number of characters.
    :param max_length: the maximum number of characters.
    :param outliers: how far values may lie from those of the reference profile.
    :param checks: contract checks of other packages, by name or import path, with the parameters of each; ``true`` for
        none.
    :param severity: the severity of a violation: ``error``, ``warn`` or ``info``; or one per rule name, such as
        ``{missing: warn}``, where rules that are not listed default to ``error``.
    :param role: ``key``, ``feature``, ``label`` or ``ignore``; by default ``key`` for the key's columns, else
        ``feature``.
    """

    type: ColumnType
    required: bool = True
    nullable: bool = True
    max_missing: float | None = Field(default=None, ge=0, le=1)
    unique: bool = False
    min: BoundValue | None = None
    max: BoundValue | None = None
    values: tuple[bool | int | float | str, ...] | None = Field(default=None, min_length=1)
    pattern: str | None = None
    min_length: int | None = Field(default=None, ge=0)
    max_length: int | None = Field(default=None, ge=0)
    outliers: OutlierRule | None = None
    checks: dict[str, dict[str, JsonValue]] = Field(default_factory=dict)
    severity: Severity | dict[str, Severity] = "error"
    role: ColumnRole = "feature"

    @field_validator("pattern")
    @classmethod
    def _check_pattern(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"is not a regular expression: {error}") from None
        return pattern

    @field_validator("checks", mode="before")
    @classmethod
    def _normalise_checks(cls, checks: Any) -> Any:
        if not isinstance(checks, Mapping):
            return checks
        for name in checks:
            if name in RULE_NAMES:
                raise ValueError(f"{name!r} is a rule of the column itself, not a contract check; move it up one level")
        return {name: {} if parameters is True else parameters for name, parameters in checks.items()}

    @field_validator("severity", mode="before")
    @classmethod
    def _check_severity_names(cls, severity: Any, info: ValidationInfo) -> Any:
        names = (*RULE_NAMES, *info.data.get("checks", ()))
        for name in severity if isinstance(severity, Mapping) else ():
            if name not in names:
                matches = difflib.get_close_matches(str(name), names, n=1)
                hint = f"did you mean {matches[0]!r}?" if matches else f"rules are {', '.join(names)}"
                raise ValueError(f"{name!r} is not a column rule; {hint}")
        return severity

    @model_validator(mode="after")
    def _check_bounds(self) -> Self:
        for key, bound in (("min", self.min), ("max", self.max)):
            if isinstance(bound, float) and not math.isfinite(bound):
                raise ValueError(f"{key} {bound!r} is not a finite number")
            if bound is not None and (
                self.type in (*TEXT_TYPES, "bool") or isinstance(bound, date) != (self.type in TIME_TYPES)
            ):
                raise ValueError(f"{key} {bound!r} does not fit the type {self.type}")
        if self.min is not None and self.max is not None and _comparable(self.min) > _comparable(self.max):
            raise ValueError(f"min {self.min} is greater than max {self.max}")
        return self

    @model_validator(mode="after")
    def _check_text_rules(self) -> Self:
        for key in ("pattern", "min_length", "max_length"):
            if getattr(self, key) is not None and self.type not in TEXT_TYPES:
                raise ValueError(f"{key} applies to text, not to the type {self.type}")
        if self.min_length is not None and self.max_length is not None and self.min_length > self.max_length:
            raise ValueError(f"min_length {self.min_length} is greater than max_length {self.max_length}")
        return self

    @model_validator(mode="after")
    def _check_values(self) -> Self:
        if self.outliers is not None and self.type not in ("int", "float"):
            raise ValueError(f"outliers applies to numbers, not to the type {self.type}")
        for value in self.values or ():
            self._check_value(value)
        return self

    def severity_of(self, rule_name: str) -> Severity:
        """Return the severity of a violation of one rule.

        :param rule_name: the rule's name, one of :data:`RULE_NAMES` or of ``checks``.
        """
        if isinstance(self.severity, str):
            return self.severity
        return self.severity.get(rule_name, "error")

    def _check_value(self, value: Any) -> None:
        if self.type in TEXT_TYPES and isinstance(value, bool):
            raise ValueError(f"values has a {value}: YAML reads yes, no, on and off as booleans; put quotes around it")
        python_types = {
            "int": (int,),
            "float": (int, float),
            "bool": (bool,),
            "str": (str,),
            "category": (str, int, float),
        }
        if not isinstance(value, python_types.get(self.type, ())) or (isinstance(value, bool) and self.type != "bool"):
            raise ValueError(f"the value {value!r} does not fit the type {self.type}")


def _comparable(bound: Any) -> Any:
    """Return a bound in comparable form: dates and datetimes become UTC datetimes."""
    return to_utc(bound) if isinstance(bound, date) else bound
