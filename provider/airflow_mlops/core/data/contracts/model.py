"""Contracts: what a dataset promises, written by people in YAML."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.report import Severity
from airflow_mlops.core.settings import Settings

ColumnType = Literal["int", "float", "str", "category", "bool", "date", "datetime"]
Role = Literal["key", "feature", "label", "ignore"]
Bound = int | float | date | datetime
KINDS = {"int": "number", "float": "number", "bool": "bool", "date": "date", "datetime": "date"}


class RowRule(Settings):
    """How many rows there may be.

    :param min: at least so many; empty data fails unless this is 0.
    :param max: at most so many.
    """

    min: int = Field(default=1, ge=0)
    max: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.max is not None and self.max < self.min:
            raise ValueError(f"max {self.max} is less than min {self.min}")
        return self


class ColumnRule(Settings):
    """What one column promises.

    :param type: the type of its values. ``category`` is text or codes from a small set.
    :param required: it has to be there.
    :param nullable: values may be missing (null or NaN). Key columns are not nullable unless this says so.
    :param max_missing: the largest share of missing values, 0 to 1.
    :param min: the least value allowed, itself allowed.
    :param max: the greatest value allowed, itself allowed.
    :param values: the only values allowed.
    :param pattern: a regular expression that the whole text has to match (no look-around).
    :param severity: what a broken rule means: ``error``, ``warn`` or ``info``.
    :param role: ``key``, ``feature``, ``label`` or ``ignore``; by default ``key`` for the key's columns, else
        ``feature``.
    """

    type: ColumnType
    required: bool = True
    nullable: bool = True
    max_missing: float | None = Field(default=None, ge=0, le=1)
    min: Bound | None = None
    max: Bound | None = None
    values: tuple[bool | int | float | str, ...] | None = Field(default=None, min_length=1)
    pattern: str | None = None
    severity: Severity = "error"
    role: Role = "feature"

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"is not a regular expression: {error}") from None
        return pattern

    @model_validator(mode="after")
    def _rules_fit_type(self) -> Self:
        in_time = self.type in ("date", "datetime")
        for key, bound in (("min", self.min), ("max", self.max)):
            if bound is not None and (self.type in ("str", "category", "bool") or isinstance(bound, date) != in_time):
                raise ValueError(f"{key} {bound!r} does not fit the type {self.type}")
        if self.min is not None and self.max is not None and _comparable(self.min) > _comparable(self.max):
            raise ValueError(f"min {self.min} is more than max {self.max}")
        if self.pattern is not None and self.type not in ("str", "category"):
            raise ValueError(f"pattern is for text, not for the type {self.type}")
        for value in self.values or ():
            self._check_value(value)
        return self

    def _check_value(self, value: Any) -> None:
        if self.type in ("str", "category") and isinstance(value, bool):
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
    """Let dates and times be compared: a date is its midnight, a time without zone is UTC's."""
    if isinstance(bound, date):
        moment = bound if isinstance(bound, datetime) else datetime(bound.year, bound.month, bound.day)
        return moment.timestamp() if moment.tzinfo else (moment - datetime(1970, 1, 1)).total_seconds()
    return bound


class Environment(Settings):
    """How data differs in one place of use.

    :param without: columns that are not there, as the label is not when serving.
    """

    without: tuple[str, ...] = ()


class Contract(Settings):
    """What a dataset promises.

    :param name: the dataset's name.
    :param columns: column name -> its rules.
    :param key: columns that together are unique.
    :param cluster: the column that says which rows belong together, such as a customer's days.
    :param rows: how many rows there may be.
    :param unknown_columns: what a column that is not in the contract means: ``error``, ``warn`` or
        ``ignore``.
    :param environments: name -> how data differs there.
    """

    name: str
    columns: dict[str, ColumnRule] = Field(min_length=1)
    key: tuple[str, ...] = ()
    cluster: str | None = None
    rows: RowRule = RowRule()
    unknown_columns: Literal["error", "warn", "ignore"] = "warn"
    environments: dict[str, Environment] = Field(default_factory=dict)

    @field_validator("key", mode="before")
    @classmethod
    def _one_or_many(cls, key: Any) -> Any:
        return (key,) if isinstance(key, str) else key

    @model_validator(mode="after")
    def _names_are_declared(self) -> Self:
        named = {"key": self.key, "cluster": (self.cluster,) if self.cluster else ()}
        named |= {f"environments.{name}.without": env.without for name, env in self.environments.items()}
        for path, names in named.items():
            if unknown := [name for name in names if name not in self.columns]:
                raise ValueError(f"{path} names {unknown[:5]}, which is not under columns")
        return self

    @property
    def features(self) -> list[str]:
        """The columns that a model may learn from, in the contract's order."""
        return self._with_role("feature")

    @property
    def label(self) -> str | None:
        """The first column with the role ``label``."""
        return next(iter(self._with_role("label")), None)

    @property
    def kinds(self) -> dict[str, str]:
        """Column -> kind for ``profile(columns=...)``; keys and ignored columns are left out.

        Numbers with a list of allowed values are codes, and so categories.
        """
        wanted = {*self._with_role("feature"), *self._with_role("label")}
        return {
            name: "category" if rule.values and rule.type != "bool" else KINDS.get(rule.type, "category")
            for name, rule in self.columns.items()
            if name in wanted
        }

    def role(self, column: str) -> Role:
        """Say what a column is for."""
        rule = self.columns[column]
        return "key" if column in self.key and "role" not in rule.model_fields_set else rule.role

    def nullable(self, column: str) -> bool:
        """Say whether values may be missing: by default yes, but not in key columns."""
        rule = self.columns[column]
        return rule.nullable and (column not in self.key or "nullable" in rule.model_fields_set)

    def for_environment(self, name: str | None) -> Contract:
        """Give the contract as it holds in one place of use.

        Columns left out there are neither required nor features.

        :raises BadInput: when the contract does not know the environment.
        """
        if name is None:
            return self
        if name not in self.environments:
            raise BadInput(
                f"the contract has no environment {name!r}",
                where=self.name,
                mend=f"it has {sorted(self.environments) or 'none'}; add it under environments",
            )
        without = self.environments[name].without
        absent = {"required": False, "role": "ignore"}
        changed = {c: self.columns[c].model_copy(update=absent) for c in without}
        key = tuple(column for column in self.key if column not in without)
        return self.model_copy(update={"columns": {**self.columns, **changed}, "key": key})

    def _with_role(self, role: Role) -> list[str]:
        return [column for column in self.columns if self.role(column) == role]
