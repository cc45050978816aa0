"""Request validation: rows of a request, typed and checked against the contract.

The rules are the contract's own, compiled once (:mod:`airflow_mlops.core.data.validation`). Rules about a whole data
set do not apply to a request: fractions, uniqueness, row counts and age.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.data.contracts.contract import Contract
from airflow_mlops.core.data.validation.polars_compiler import PolarsCompiler, check_patterns, describe_storage
from airflow_mlops.core.data.validation.rules import ValidationRule, build_rules
from airflow_mlops.core.serving.errors import RequestProblem, contract_error, preview
from airflow_mlops.core.serving.protocol import Columns
from airflow_mlops.core.serving.types import parse_column

if TYPE_CHECKING:
    import pandas as pd

ENVIRONMENT = "serving"
_MAX_ROWS_SHOWN, MAX_SCHEMAS = 5, 64
_HINTS = {
    "missing": "send a value: null is not allowed",
    "finite": "send a finite number, or null for a missing value",
    "values": "send one of the expected values",
    "pattern": "send text that matches the expected pattern",
}


@dataclass(frozen=True, slots=True)
class CompiledRules:
    """The compiled rules for one schema.

    :param rules: the rules that apply to single rows.
    :param query: for each rule, an expression that is true for a row that breaks it.
    """

    rules: tuple[ValidationRule, ...]
    query: tuple[pl.Expr, ...]


class RequestContract:
    """The contract that each row of a request must satisfy.

    :param contract: the version's contract, with the rules of its environment ``serving`` if it has one.
    :param max_text_length: the maximum length of a text, where the contract does not set one.
    :raises BadInput: when the contract has no features.
    """

    def __init__(self, contract: Contract, *, max_text_length: int = 10_000) -> None:
        environment = ENVIRONMENT if ENVIRONMENT in contract.environments else None
        self.contract, self.max_text_length = contract.for_environment(environment), max_text_length
        self.features = list(self.contract.features)
        if not self.features:
            raise BadInput("the contract has no features", where=contract.name, hint="set the role feature on columns")
        self.key_columns = [name for name in self.contract.columns if self.contract.role(name) == "key"]
        self.request_columns = [*self.features, *self.key_columns]
        self._compiled: dict[tuple[Any, ...], CompiledRules] = {}
        check_patterns(self._compile({name: pl.String() for name in self.request_columns}).rules, contract.name)

    def validate(self, columns: Columns) -> pl.DataFrame:
        """Return the typed rows: the features, and the key columns that were sent.

        :raises RequestError: when rows break the contract, with column, rule, rows and hint.
        """
        if problems := list(self._column_problems(columns)):
            raise contract_error(problems)
        rows = len(next(iter(columns.values())))
        series, problems = [], []
        for name in self.request_columns:
            if name not in columns and name not in self.features:
                continue
            column = parse_column(
                name, columns.get(name) or [None] * rows, self.contract.columns[name], self.max_text_length
            )
            if isinstance(column, RequestProblem):
                problems.append(column)
            else:
                series.append(column)
        if problems:
            raise contract_error(problems)
        frame = pl.DataFrame(series)
        if problems := list(self._rule_problems(frame)):
            raise contract_error(problems)
        return frame

    def to_model_input(self, frame: pl.DataFrame) -> pd.DataFrame:
        """Return the features as a snapshot passes them to the model: integers with missing values become floats."""
        timestamps = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.Datetime)]
        features = frame.with_columns(pl.col(timestamps).dt.replace_time_zone(None)).select(self.features)
        nullable_booleans = [
            name for name, dtype in features.schema.items() if dtype == pl.Boolean and features[name].null_count()
        ]
        pandas_frame: pd.DataFrame = (
            features.with_columns(pl.col(nullable_booleans).cast(pl.Float64)).to_arrow().to_pandas()
        )
        return pandas_frame

    def _column_problems(self, columns: Mapping[str, Any]) -> Iterator[RequestProblem]:
        for name in self.features:
            if name not in columns and self.contract.columns[name].required:
                yield RequestProblem(
                    name, "required", (), 0, True, "the column is missing", f"send the column {name!r}"
                )
        names = list(self.contract.columns)
        for name in columns:
            if name not in self.contract.columns:
                matches = difflib.get_close_matches(name[:100], names, n=1)
                hint = f"did you mean {matches[0]!r}?" if matches else "remove it"
                yield RequestProblem(
                    preview(name)[1:-1], "unknown column", (), 0, None, "the contract has no such column", hint
                )

    def _rule_problems(self, frame: pl.DataFrame) -> Iterator[RequestProblem]:
        compiled = self._for_schema(frame)
        if not compiled.query:
            return
        counts = frame.select(expression.sum().alias(str(i)) for i, expression in enumerate(compiled.query)).row(0)
        for rule, expression, count in zip(compiled.rules, compiled.query, counts, strict=True):
            if count:
                where = frame.select(expression.fill_null(False).arg_true()).to_series().head(_MAX_ROWS_SHOWN)
                yield _problem(rule, frame, where.to_list(), int(count))

    def _for_schema(self, frame: pl.DataFrame) -> CompiledRules:
        key = tuple(frame.schema.items())
        if key not in self._compiled:
            if len(self._compiled) >= MAX_SCHEMAS:
                self._compiled.clear()
            self._compiled[key] = self._compile(dict(frame.schema))
        return self._compiled[key]

    def _compile(self, schema: Mapping[str, pl.DataType]) -> CompiledRules:
        engine = PolarsCompiler(schema)
        rules = build_rules(self.contract, {name: describe_storage(dtype) for name, dtype in schema.items()}).row_rules
        row_rules = tuple(
            r for r in rules if r.severity == "error" and not r.max_fraction and {*r.columns} <= {*schema}
        )
        return CompiledRules(row_rules, tuple(engine.compile(rule.violation) for rule in row_rules))


def _problem(rule: ValidationRule, frame: pl.DataFrame, rows: Sequence[int], count: int) -> RequestProblem:
    values = [frame[rows[0], name] for name in rule.columns] if rows else []
    observed = preview(values[0]) if len(values) == 1 else preview(dict(zip(rule.columns, values, strict=True)))
    expected = rule.expected if isinstance(rule.expected, (bool, int, float, str, list)) else str(rule.expected)
    hint = _HINTS.get(rule.name) or _hint(rule)
    return RequestProblem(rule.where, rule.name, tuple(rows), count, expected, observed, hint)


def _hint(rule: ValidationRule) -> str:
    """Return a hint on the value to send."""
    if rule.name in ("min", "max"):
        return f"send a value of at {'least' if rule.name == 'min' else 'most'} {rule.expected}"
    return f"send values that satisfy: {rule.expected}"
