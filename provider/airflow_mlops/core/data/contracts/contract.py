"""Contract of a dataset, as written in YAML."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.imports import resolve_callable
from airflow_mlops.common.report import Severity
from airflow_mlops.common.settings import Settings
from airflow_mlops.core.data.contracts.column_rules import ColumnRole, ColumnRule
from airflow_mlops.core.data.contracts.contract_check import find_check
from airflow_mlops.core.data.contracts.durations import parse_duration
from airflow_mlops.core.data.contracts.expression import CheckViolation, ColumnRef, Node, columns_of
from airflow_mlops.core.data.contracts.pandera import convert_schema, is_pandera_schema
from airflow_mlops.core.data.contracts.rule_parser import parse_rule

_IMPORT_PATH = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
_PROFILE_KINDS = {"int": "number", "float": "number", "bool": "bool", "date": "date", "datetime": "date"}


class RowCountRule(Settings):
    """Rule on the number of rows.

    :param min: the minimum; empty data fails unless this is 0.
    :param max: the maximum.
    """

    min: int = Field(default=1, ge=0)
    max: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.max is not None and self.max < self.min:
            raise ValueError(f"max {self.max} is less than min {self.min}")
        return self


class CrossColumnRule(Settings):
    """Rule over several columns of a row.

    :param name: its name, such as ``end after start``.
    :param rule: a condition that each row must satisfy, such as ``end_date >= start_date``. A row in which it is
        unknown, because a value is missing, satisfies it. Syntax: :func:`~.rule_parser.parse_rule`.
    :param severity: the severity of a violation.
    :param max_fraction: the maximum fraction of rows that may violate it.
    """

    renamed: ClassVar[Mapping[str, str]] = {"max_share": "max_fraction"}
    name: str = Field(min_length=1, max_length=100)
    rule: str
    severity: Severity = "error"
    max_fraction: float = Field(default=0.0, ge=0, le=1)


class FreshnessRule(Settings):
    """Rule on the age of the newest row.

    :param column: the timestamp of a row: a ``date`` or a ``datetime`` column.
    :param max_age: the maximum age at validation time, such as ``36h`` or ``7d``.
    :param severity: the severity of a violation.
    """

    column: str
    max_age: str
    severity: Severity = "error"

    @field_validator("max_age")
    @classmethod
    def _check_max_age(cls, max_age: str) -> str:
        parse_duration(max_age)
        return max_age

    @property
    def limit(self) -> timedelta:
        """Return the maximum age."""
        return parse_duration(self.max_age)


class QuarantineRule(Settings):
    """Rule on quarantining bad rows.

    :param max_fraction: the maximum fraction of bad rows; validation fails above it.
    """

    renamed: ClassVar[Mapping[str, str]] = {"max_share": "max_fraction"}
    max_fraction: float = Field(default=0.05, ge=0, le=1)


class ContractEnvironment(Settings):
    """Differences of the data in one environment.

    :param without: columns that are absent there, such as the label when serving.
    """

    without: tuple[str, ...] = ()


class Contract(Settings):
    """Expected columns, types and rules of a dataset.

    :param name: the dataset's name.
    :param columns: column name -> its rules.
    :param key: columns that are unique in combination.
    :param cluster: the column that identifies clusters of dependent rows, such as the customer of daily rows.
    :param rows: the allowed number of rows.
    :param checks: rules over several columns of a row.
    :param freshness: the maximum age of the newest row.
    :param quarantine: quarantine bad rows if they are few; ``true`` is the same as ``{}``.
    :param unknown_columns: the severity of columns that are not in the contract: ``error``, ``warn`` or
        ``ignore``.
    :param environments: environment name -> differences of the data there.
    """

    name: str
    columns: dict[str, ColumnRule] = Field(min_length=1)
    key: tuple[str, ...] = ()
    cluster: str | None = None
    rows: RowCountRule = RowCountRule()
    checks: tuple[CrossColumnRule, ...] = ()
    freshness: FreshnessRule | None = None
    quarantine: QuarantineRule | None = None
    unknown_columns: Literal["error", "warn", "ignore"] = "warn"
    environments: dict[str, ContractEnvironment] = Field(default_factory=dict)

    @classmethod
    def load(cls, value: Any, *, where: str | None = None) -> Self:
        """Load a contract.

        :param value: the path of a YAML file, its content as a dict, the contract itself; or a pandera schema, or the
            import path of one, such as ``include.churn.schema:rows``.
        :param where: the origin of a dict, for error messages.
        :raises BadInput: when the file cannot be read, or a key or a value is invalid; it names file and key.
        """
        if isinstance(value, str) and _IMPORT_PATH.fullmatch(value):
            where, value = value, resolve_callable(value)
            if not is_pandera_schema(value):
                raise BadInput(f"{where!r} is not a pandera schema", hint="name a schema, or a contract's YAML file")
        if is_pandera_schema(value):
            value = convert_schema(value)
            where = f"pandera schema {value['name']}"
        return super().load(value, where=where)

    @field_validator("key", mode="before")
    @classmethod
    def _key_as_tuple(cls, key: Any) -> Any:
        return (key,) if isinstance(key, str) else key

    @field_validator("quarantine", mode="before")
    @classmethod
    def _quarantine_as_rule(cls, quarantine: Any) -> Any:
        return ({} if quarantine else None) if isinstance(quarantine, bool) else quarantine

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        references = {"key": self.key, "cluster": (self.cluster,) if self.cluster else ()}
        references |= {"freshness.column": (self.freshness.column,)} if self.freshness else {}
        references |= {f"environments.{name}.without": env.without for name, env in self.environments.items()}
        for path, names in references.items():
            if unknown := [name for name in names if name not in self.columns]:
                raise ValueError(f"{path} names {unknown[:5]}, which is not defined under columns")
        return self

    @model_validator(mode="after")
    def _check_freshness_type(self) -> Self:
        if self.freshness and self.columns[self.freshness.column].type not in ("date", "datetime"):
            raise ValueError(f"freshness.column {self.freshness.column!r} is neither a date nor a datetime column")
        return self

    @model_validator(mode="after")
    def _check_conditions(self) -> Self:
        names = [check.name for check in self.checks]
        if duplicates := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"checks has the duplicate name {duplicates[0]!r}")
        for _ in self.conditions():
            pass
        return self

    def conditions(self) -> Iterator[tuple[CrossColumnRule, Node]]:
        """Yield the cross-column rules, each with its parsed condition.

        :raises ValueError: when a rule cannot be parsed, with its name and the position of the error.
        """
        types = {name: rule.type for name, rule in self.columns.items()}
        for number, check in enumerate(self.checks):
            try:
                condition = parse_rule(check.rule, types)
            except ValueError as error:
                raise ValueError(f"checks.{number} ({check.name}): {error}") from None
            if not columns_of(condition):
                raise ValueError(
                    f"checks.{number} ({check.name}): the rule {check.rule!r} does not refer to any column"
                )
            yield check, condition

    def check_violations(self, column: str) -> list[CheckViolation]:
        """Return the violation conditions of a column's contract checks, which are imported.

        :raises BadInput: when a check is not installed, or a parameter is unknown or missing.
        """
        rule = self.columns[column]
        try:
            ref = ColumnRef(column, rule.type)
            return [CheckViolation(ref, name, find_check(name, values), values) for name, values in rule.checks.items()]
        except BadInput as error:
            where = f"contract {self.name}, columns.{column}.checks"
            raise BadInput(error.what, where=where, hint=error.hint) from error

    @property
    def features(self) -> list[str]:
        """Return the columns that a model may be trained on, in the contract's order."""
        return self._with_role("feature")

    @property
    def label(self) -> str | None:
        """Return the first column with the role ``label``."""
        return next(iter(self._with_role("label")), None)

    @property
    def kinds(self) -> dict[str, str]:
        """Return column -> kind for ``profile(columns=...)``, without keys and ignored columns.

        Numbers with a list of allowed values are codes, so they are categories.
        """
        profiled = {*self._with_role("feature"), *self._with_role("label")}
        return {
            name: "category" if rule.values and rule.type != "bool" else _PROFILE_KINDS.get(rule.type, "category")
            for name, rule in self.columns.items()
            if name in profiled
        }

    def role(self, column: str) -> ColumnRole:
        """Return the role of a column."""
        rule = self.columns[column]
        return "key" if column in self.key and "role" not in rule.model_fields_set else rule.role

    def nullable(self, column: str) -> bool:
        """Check whether values may be missing: by default yes, except in key columns."""
        rule = self.columns[column]
        return rule.nullable and (column not in self.key or "nullable" in rule.model_fields_set)

    def for_environment(self, name: str | None) -> Contract:
        """Return the contract for one environment.

        Columns that are absent there are neither required nor features; checks that read them are dropped.

        :raises BadInput: when the contract does not define the environment.
        """
        if name is None:
            return self
        if name not in self.environments:
            raise BadInput(
                f"the contract has no environment {name!r}",
                where=self.name,
                hint=f"it has {sorted(self.environments) or 'none'}; add it under environments",
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

    def _with_role(self, role: ColumnRole) -> list[str]:
        return [column for column in self.columns if self.role(column) == role]
