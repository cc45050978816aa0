"""A request's rows held against the contract: typed as the model was trained on them, or refused in words.

The rules are the contract's own, compiled once (:mod:`airflow_mlops.core.data.validation`). What a contract says of a
whole data set is not judged here, as one row cannot break it: shares, repetition, how many rows, how old they are.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from airflow_mlops.core.data.contracts.model import Contract
from airflow_mlops.core.data.validation.polars_rules import PolarsRules, check_patterns, stored
from airflow_mlops.core.data.validation.rules import Rule, rules_of
from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.serving.protocol import Columns
from airflow_mlops.core.serving.refusals import Problem, broken, shown
from airflow_mlops.core.serving.values import typed

if TYPE_CHECKING:
    import pandas as pd

ENVIRONMENT = "serving"
MOST_ROWS_SHOWN, MOST_SCHEMAS = 5, 64
_MENDS = {
    "missing": "send a value: it may not be null",
    "finite": "send a finite number, or null where the value is not known",
    "values": "send one of the values that are expected",
    "pattern": "send text of the form that is expected",
}


@dataclass(frozen=True, slots=True)
class Compiled:
    """The rules for rows of one schema.

    :param rules: each rule that a row can break by itself.
    :param query: for each an expression that is true for a row that breaks it.
    """

    rules: tuple[Rule, ...]
    query: tuple[pl.Expr, ...]


class RequestContract:
    """What each row of a request has to keep.

    :param contract: the version's contract; its environment ``serving`` holds, where it has one.
    :param most_text: the most characters that a text may have, where the contract does not say.
    :raises BadInput: when the contract names no features.
    """

    def __init__(self, contract: Contract, *, most_text: int = 10_000) -> None:
        here = ENVIRONMENT if ENVIRONMENT in contract.environments else None
        self.contract, self.most_text = contract.for_environment(here), most_text
        self.features = list(self.contract.features)
        if not self.features:
            raise BadInput("the contract has no features", where=contract.name, mend="give columns the role feature")
        self.keys = [name for name in self.contract.columns if self.contract.role(name) == "key"]
        self.read = [*self.features, *self.keys]
        self._compiled: dict[tuple[Any, ...], Compiled] = {}
        check_patterns(self._compile({name: pl.String() for name in self.read}).rules, contract.name)

    def checked(self, columns: Columns) -> pl.DataFrame:
        """Give the rows, typed: the features, and the key's columns where they came.

        :raises BadRequest: when rows break the contract; it names column, rule, rows and mend.
        """
        if problems := list(self._columns_there(columns)):
            raise broken(problems)
        rows = len(next(iter(columns.values())))
        series, problems = [], []
        for name in self.read:
            if name not in columns and name not in self.features:
                continue
            found = typed(name, columns.get(name) or [None] * rows, self.contract.columns[name], self.most_text)
            if isinstance(found, Problem):
                problems.append(found)
            else:
                series.append(found)
        if problems:
            raise broken(problems)
        frame = pl.DataFrame(series)
        if problems := list(self._broken(frame)):
            raise broken(problems)
        return frame

    def for_model(self, frame: pl.DataFrame) -> pd.DataFrame:
        """Give the features as a snapshot gives them to the model: with gaps, whole numbers are floats with NaN."""
        moments = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.Datetime)]
        features = frame.with_columns(pl.col(moments).dt.replace_time_zone(None)).select(self.features)
        gaps = [name for name, dtype in features.schema.items() if dtype == pl.Boolean and features[name].null_count()]
        frame_of_pandas: pd.DataFrame = features.with_columns(pl.col(gaps).cast(pl.Float64)).to_arrow().to_pandas()
        return frame_of_pandas

    def _columns_there(self, columns: Mapping[str, Any]) -> Iterator[Problem]:
        for name in self.features:
            if name not in columns and self.contract.columns[name].required:
                yield Problem(name, "required", (), 0, True, "the column is missing", f"send the column {name!r}")
        known = list(self.contract.columns)
        for name in columns:
            if name not in self.contract.columns:
                near = difflib.get_close_matches(name[:100], known, n=1)
                mend = f"did you mean {near[0]!r}?" if near else "leave it out"
                yield Problem(shown(name)[1:-1], "unknown column", (), 0, None, "the contract has no such column", mend)

    def _broken(self, frame: pl.DataFrame) -> Iterator[Problem]:
        compiled = self._for_schema(frame)
        if not compiled.query:
            return
        counts = frame.select(expression.sum().alias(str(i)) for i, expression in enumerate(compiled.query)).row(0)
        for rule, expression, count in zip(compiled.rules, compiled.query, counts, strict=True):
            if count:
                where = frame.select(expression.fill_null(False).arg_true()).to_series().head(MOST_ROWS_SHOWN)
                yield _told(rule, frame, where.to_list(), int(count))

    def _for_schema(self, frame: pl.DataFrame) -> Compiled:
        key = tuple(frame.schema.items())
        if key not in self._compiled:
            if len(self._compiled) >= MOST_SCHEMAS:
                self._compiled.clear()
            self._compiled[key] = self._compile(dict(frame.schema))
        return self._compiled[key]

    def _compile(self, schema: Mapping[str, pl.DataType]) -> Compiled:
        engine = PolarsRules(schema)
        rules = rules_of(self.contract, {name: stored(dtype) for name, dtype in schema.items()}).rows
        own = tuple(r for r in rules if r.severity == "error" and not r.allowed and {*r.columns} <= {*schema})
        return Compiled(own, tuple(engine.expression(rule.broken) for rule in own))


def _told(rule: Rule, frame: pl.DataFrame, rows: Sequence[int], count: int) -> Problem:
    values = [frame[rows[0], name] for name in rule.columns] if rows else []
    observed = shown(values[0]) if len(values) == 1 else shown(dict(zip(rule.columns, values, strict=True)))
    expected = rule.expected if isinstance(rule.expected, (bool, int, float, str, list)) else str(rule.expected)
    mend = _MENDS.get(rule.name) or _mend(rule)
    return Problem(rule.where, rule.name, tuple(rows), count, expected, observed, mend)


def _mend(rule: Rule) -> str:
    """Say what to send instead."""
    if rule.name in ("min", "max"):
        return f"send a value of at {'least' if rule.name == 'min' else 'most'} {rule.expected}"
    return f"send values for which holds: {rule.expected}"
