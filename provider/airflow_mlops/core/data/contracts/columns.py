"""What one column promises."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal, Self, get_args

from pydantic import Field, field_validator, model_validator

from airflow_mlops.core.data.contracts.expression import ColumnType, moment
from airflow_mlops.core.report import Severity
from airflow_mlops.core.settings import Settings

Role = Literal["key", "feature", "label", "ignore"]
Bound = int | float | date | datetime
RuleName = Literal[
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
]
RULE_NAMES: tuple[str, ...] = get_args(RuleName)
TEXTS = ("str", "category")
TIMES = ("date", "datetime")


class Outliers(Settings):
    """How far values may lie from what the reference profile has seen.

    :param method: ``iqr``: ``factor`` times the distance between the quartiles below the first or above the third;
        ``z``: ``factor`` standard deviations from the mean; ``quantile``: below the quantile ``low`` or above the
        quantile ``high``.
    :param factor: for ``iqr`` and ``z``.
    :param low: for ``quantile``: a share, 0 to 1.
    :param high: for ``quantile``: a share, 0 to 1.
    :param max_share: the share of rows that may lie outside.
    """

    method: Literal["iqr", "z", "quantile"] = "iqr"
    factor: float = Field(default=3.0, gt=0)
    low: float = Field(default=0.001, ge=0, le=1)
    high: float = Field(default=0.999, ge=0, le=1)
    max_share: float = Field(default=0.01, ge=0, le=1)

    @model_validator(mode="after")
    def _settings_fit_method(self) -> Self:
        foreign = {"factor"} if self.method == "quantile" else {"low", "high"}
        if unused := sorted(foreign & self.model_fields_set):
            raise ValueError(f"{unused[0]} is not for the method {self.method}")
        if self.low >= self.high:
            raise ValueError(f"low {self.low} is not below high {self.high}")
        return self


class ColumnRule(Settings):
    """What one column promises.

    :param type: the type of its values. ``category`` is text or codes from a small set.
    :param required: it has to be there.
    :param nullable: values may be missing (null or NaN). Key columns are not nullable unless this says so.
    :param max_missing: the largest share of missing values, 0 to 1.
    :param unique: no value occurs twice; missing values are not compared.
    :param min: the least value allowed, itself allowed.
    :param max: the greatest value allowed, itself allowed.
    :param values: the only values allowed.
    :param pattern: a regular expression that the whole text has to match (no look-around).
    :param min_length: the least number of characters.
    :param max_length: the greatest number of characters.
    :param outliers: how far values may lie from the reference profile's.
    :param severity: what a broken rule means: ``error``, ``warn`` or ``info``; or one for each rule by name, such as
        ``{missing: warn}``, where rules that are not named keep ``error``.
    :param role: ``key``, ``feature``, ``label`` or ``ignore``; by default ``key`` for the key's columns, else
        ``feature``.
    """

    type: ColumnType
    required: bool = True
    nullable: bool = True
    max_missing: float | None = Field(default=None, ge=0, le=1)
    unique: bool = False
    min: Bound | None = None
    max: Bound | None = None
    values: tuple[bool | int | float | str, ...] | None = Field(default=None, min_length=1)
    pattern: str | None = None
    min_length: int | None = Field(default=None, ge=0)
    max_length: int | None = Field(default=None, ge=0)
    outliers: Outliers | None = None
    severity: Severity | dict[RuleName, Severity] = "error"
    role: Role = "feature"

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"is not a regular expression: {error}") from None
        return pattern

    @field_validator("severity", mode="before")
    @classmethod
    def _names_rules(cls, severity: Any) -> Any:
        for name in severity if isinstance(severity, Mapping) else ():
            if name not in RULE_NAMES:
                near = difflib.get_close_matches(str(name), RULE_NAMES, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"rules are {', '.join(RULE_NAMES)}"
                raise ValueError(f"{name!r} is no rule of a column; {hint}")
        return severity

    @model_validator(mode="after")
    def _bounds_fit(self) -> Self:
        for key, bound in (("min", self.min), ("max", self.max)):
            if isinstance(bound, float) and not math.isfinite(bound):
                raise ValueError(f"{key} {bound!r} is not a finite number")
            if bound is not None and (self.type in (*TEXTS, "bool") or isinstance(bound, date) != (self.type in TIMES)):
                raise ValueError(f"{key} {bound!r} does not fit the type {self.type}")
        if self.min is not None and self.max is not None and _comparable(self.min) > _comparable(self.max):
            raise ValueError(f"min {self.min} is more than max {self.max}")
        return self

    @model_validator(mode="after")
    def _text_rules_fit(self) -> Self:
        for key in ("pattern", "min_length", "max_length"):
            if getattr(self, key) is not None and self.type not in TEXTS:
                raise ValueError(f"{key} is for text, not for the type {self.type}")
        if self.min_length is not None and self.max_length is not None and self.min_length > self.max_length:
            raise ValueError(f"min_length {self.min_length} is more than max_length {self.max_length}")
        return self

    @model_validator(mode="after")
    def _values_fit(self) -> Self:
        if self.outliers is not None and self.type not in ("int", "float"):
            raise ValueError(f"outliers are for numbers, not for the type {self.type}")
        for value in self.values or ():
            self._check_value(value)
        return self

    def severity_of(self, rule: str) -> Severity:
        """Say what breaking one rule means.

        :param rule: its name, one of :data:`RULE_NAMES`.
        """
        if isinstance(self.severity, str):
            return self.severity
        return {str(name): severity for name, severity in self.severity.items()}.get(rule, "error")

    def _check_value(self, value: Any) -> None:
        if self.type in TEXTS and isinstance(value, bool):
            raise ValueError(f"values has a {value}: YAML reads yes, no, on and off so; put quotes around the word")
        fits = {
            "int": (int,),
            "float": (int, float),
            "bool": (bool,),
            "str": (str,),
            "category": (str, int, float),
        }
        if not isinstance(value, fits.get(self.type, ())) or (isinstance(value, bool) and self.type != "bool"):
            raise ValueError(f"the value {value!r} does not fit the type {self.type}")


def _comparable(bound: Any) -> Any:
    """Let dates and times be compared."""
    return moment(bound) if isinstance(bound, date) else bound
