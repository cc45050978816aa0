"""Contracts: what a dataset promises, written by people in YAML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from airflow_mlops.core.data.contracts.columns import ColumnRule, Role
from airflow_mlops.core.data.contracts.durations import duration
from airflow_mlops.core.data.contracts.expression import Node, columns_of
from airflow_mlops.core.data.contracts.parser import parse
from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.imports import resolve
from airflow_mlops.core.report import Severity
from airflow_mlops.core.settings import Settings

IMPORT_PATH = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
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


class CrossRule(Settings):
    """What the columns of a row promise together.

    :param name: what to call it, such as ``end after start``.
    :param rule: a condition that each row keeps, such as ``end_date >= start_date``. A row in which it is unknown,
        because a value is missing, keeps it. What may be written: :func:`~.parser.parse`.
    :param severity: what it means when it is broken.
    :param max_share: the share of rows that may break it.
    """

    name: str = Field(min_length=1, max_length=100)
    rule: str
    severity: Severity = "error"
    max_share: float = Field(default=0.0, ge=0, le=1)


class Freshness(Settings):
    """How old the newest row may be.

    :param column: the moment that a row is from: a ``date`` or a ``datetime``.
    :param max_age: such as ``36h`` or ``7d``, up to the moment as of which the data is judged.
    :param severity: what older data means.
    """

    column: str
    max_age: str
    severity: Severity = "error"

    @field_validator("max_age")
    @classmethod
    def _is_a_span(cls, max_age: str) -> str:
        duration(max_age)
        return max_age

    @property
    def limit(self) -> timedelta:
        """The greatest age."""
        return duration(self.max_age)


class QuarantineRule(Settings):
    """That bad rows may be set aside, and how many.

    :param max_share: when a larger share of the rows is bad, something is wrong with the whole, and it fails.
    """

    max_share: float = Field(default=0.05, ge=0, le=1)


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
    :param checks: what the columns of a row promise together.
    :param freshness: how old the newest row may be.
    :param quarantine: bad rows are set aside, if they are few; ``true`` is the same as ``{}``.
    :param unknown_columns: what a column that is not in the contract means: ``error``, ``warn`` or
        ``ignore``.
    :param environments: name -> how data differs there.
    """

    name: str
    columns: dict[str, ColumnRule] = Field(min_length=1)
    key: tuple[str, ...] = ()
    cluster: str | None = None
    rows: RowRule = RowRule()
    checks: tuple[CrossRule, ...] = ()
    freshness: Freshness | None = None
    quarantine: QuarantineRule | None = None
    unknown_columns: Literal["error", "warn", "ignore"] = "warn"
    environments: dict[str, Environment] = Field(default_factory=dict)

    @classmethod
    def load(cls, value: Any, *, where: str | None = None) -> Self:
        """Read a contract.

        :param value: the path of a YAML file, its content as a dict, the contract itself; or a pandera schema, or the
            import path of one, such as ``include.churn.schema:rows``.
        :param where: where a dict came from, for the errors.
        :raises BadInput: when the file cannot be read, or a key or a value is wrong; it names file and key.
        """
        from airflow_mlops.core.data.contracts.pandera import from_pandera, is_schema

        if isinstance(value, str) and IMPORT_PATH.fullmatch(value):
            where, value = value, resolve(value)
            if not is_schema(value):
                raise BadInput(f"{where!r} is not a pandera schema", mend="name a schema, or a contract's YAML file")
        if is_schema(value):
            return cls.model_validate(from_pandera(value))
        return super().load(value, where=where)

    @field_validator("key", mode="before")
    @classmethod
    def _one_or_many(cls, key: Any) -> Any:
        return (key,) if isinstance(key, str) else key

    @field_validator("quarantine", mode="before")
    @classmethod
    def _yes_or_no(cls, quarantine: Any) -> Any:
        return ({} if quarantine else None) if isinstance(quarantine, bool) else quarantine

    @model_validator(mode="after")
    def _names_are_declared(self) -> Self:
        named = {"key": self.key, "cluster": (self.cluster,) if self.cluster else ()}
        named |= {"freshness.column": (self.freshness.column,)} if self.freshness else {}
        named |= {f"environments.{name}.without": env.without for name, env in self.environments.items()}
        for path, names in named.items():
            if unknown := [name for name in names if name not in self.columns]:
                raise ValueError(f"{path} names {unknown[:5]}, which is not under columns")
        return self

    @model_validator(mode="after")
    def _freshness_has_a_moment(self) -> Self:
        if self.freshness and self.columns[self.freshness.column].type not in ("date", "datetime"):
            raise ValueError(f"freshness.column {self.freshness.column!r} is neither a date nor a datetime")
        return self

    @model_validator(mode="after")
    def _checks_can_be_read(self) -> Self:
        names = [check.name for check in self.checks]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"checks has the name {twice[0]!r} twice")
        for _ in self.conditions():
            pass
        return self

    def conditions(self) -> Iterator[tuple[CrossRule, Node]]:
        """Give the cross-column rules, each with the condition that a row has to keep.

        :raises ValueError: when one cannot be read, with its name and the place in it.
        """
        types = {name: rule.type for name, rule in self.columns.items()}
        for number, check in enumerate(self.checks):
            try:
                condition = parse(check.rule, types)
            except ValueError as error:
                raise ValueError(f"checks.{number} ({check.name}): {error}") from None
            if not columns_of(condition):
                raise ValueError(f"checks.{number} ({check.name}): the rule {check.rule!r} reads no column")
            yield check, condition

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

        Columns left out there are neither required nor features, and the checks that read them do not hold there.

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
        return self.model_copy(
            update={
                "columns": {**self.columns, **changed},
                "key": tuple(column for column in self.key if column not in without),
                "checks": tuple(check for check, rule in self.conditions() if not {*columns_of(rule)} & {*without}),
                "freshness": None if self.freshness and self.freshness.column in without else self.freshness,
            }
        )

    def _with_role(self, role: Role) -> list[str]:
        return [column for column in self.columns if self.role(column) == role]
