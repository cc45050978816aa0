"""Validation of files and frames: all rules of all columns in one Polars query, run once a slice.

Each rule counts the rows that break it. Only for a rule that is broken are a few rows read again, to be shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import polars as pl

from airflow_mlops.core.data.contracts.model import Contract
from airflow_mlops.core.data.frames import Slice, Table
from airflow_mlops.core.data.validation.judging import (
    MOST_EXAMPLES,
    freshness_judged,
    kept,
    moment_at,
    row_count,
    rule_judged,
)
from airflow_mlops.core.data.validation.keys import Rising, judge_unique, repeated
from airflow_mlops.core.data.validation.names import free_name, row_name
from airflow_mlops.core.data.validation.polars_rules import PolarsRules, check_patterns, shown, stored
from airflow_mlops.core.data.validation.polars_values import named
from airflow_mlops.core.data.validation.rules import Rule, Rules, Unique, rules_of
from airflow_mlops.core.report import Check

_NEWEST = "newest"
FIRST_ROWS = 20_000


def rules_for(table: Table, contract: Contract, reference: Any = None) -> Rules:
    """Make the rules of a contract for a table.

    :raises BadInput: when a pattern is one that Polars cannot run.
    """
    schema = {name: stored(dtype) for name, dtype in table.schema.items()}
    rules = rules_of(contract, schema, reference=reference)
    check_patterns(rules.rows, contract.name)
    return rules


def judge(table: Table, contract: Contract, rules: Rules, as_of: datetime) -> list[Check]:
    """Run all rules over a table, and give a check for each.

    :param table: the rows.
    :param contract: the contract, as it holds in the data's environment.
    :param rules: its rules for this table.
    :param as_of: the moment at which the data is judged.
    """
    return [check for _, check in scanned(table, contract, rules).judged(contract, as_of)]


def scanned(table: Table, contract: Contract, rules: Rules) -> Scan:
    """Run all rules over a table."""
    scan = Scan(table, rules, key=[name for name in contract.key if name in table.schema])
    for piece in table.slices():
        scan.see(piece)
    for unique, rising in zip(rules.unique, scan.rising, strict=True):
        scan.twice.append(None if rising.sure else repeated(table, unique.columns))
    return scan


@dataclass(slots=True)
class Scan:
    """One pass over a table: what each rule has counted so far.

    :param table: the rows.
    :param rules: the rules.
    :param key: the columns of the key, to be shown in examples.
    :param newest: the newest moment, in microseconds since 1970.
    :param twice: for each rule about repetition the values that occur twice (:func:`~.keys.repeated`), when all rows
        have been seen; None where none can.
    """

    table: Table
    rules: Rules
    key: list[str]
    newest: int | None = None
    twice: list[pl.DataFrame | None] = field(default_factory=list)
    counts: list[int] = field(init=False)
    examples: list[list[dict[str, Any]]] = field(init=False)
    rising: list[Rising] = field(init=False)
    broken: list[pl.Expr] = field(init=False)
    query: list[pl.Expr] = field(init=False)

    def __post_init__(self) -> None:
        """Compile the rules once for all slices."""
        engine = PolarsRules(self.table.schema)
        self.broken = [engine.expression(rule.broken) for rule in self.rules.rows]
        self.counts, self.examples = [0] * len(self.broken), [[] for _ in self.broken]
        self.query = [expression.sum().alias(str(i)) for i, expression in enumerate(self.broken)]
        first = [rule.columns[0] for rule in self.rules.unique]
        self.rising = [Rising(name, self.table.schema[name]) for name in first]
        for rule, one in zip(self.rules.unique, self.rising, strict=True):
            one.sure = one.sure and len(rule.columns) == 1
        if self.rules.newest:
            self.query.append(engine.read(self.rules.newest.column).max().to_physical().alias(_NEWEST))

    def see(self, piece: Slice) -> None:
        """Run the rules over one slice."""
        watched = [(i, one) for i, one in enumerate(self.rising) if one.sure]
        orders = [expression for i, one in watched for expression in one.expressions(f"unique {i}")]
        if not self.query and not orders:
            return
        found = piece.collect(piece.frame.select([*self.query, *orders])).row(0, named=True)
        for i, one in watched:
            one.see(*(found[f"unique {i} {what}"] for what in ("rises", "first", "last")))
        if self.rules.newest and (newest := found[_NEWEST]) is not None:
            self.newest = newest if self.newest is None else max(self.newest, newest)
        for i, rule in enumerate(self.rules.rows):
            count = int(found[str(i)] or 0)
            self.counts[i] += count
            room = MOST_EXAMPLES - len(self.examples[i])
            if count and room and not kept(rule, self.counts[i], self.table.rows):
                self.examples[i] += read_examples(piece, self.broken[i], self.key, rule.columns, room)

    def judged(self, contract: Contract, as_of: datetime) -> Iterator[tuple[Rule | Unique | None, Check]]:
        """Give a check for each rule, when all slices have been seen; beside it the rule, if it is about rows."""
        yield None, row_count(contract, self.table.rows)
        yield from ((None, check) for check in self.rules.checks)
        for rule, count, examples in zip(self.rules.rows, self.counts, self.examples, strict=True):
            yield rule, rule_judged(rule, count, self.table.rows, examples)
        for unique, twice in zip(self.rules.unique, self.twice, strict=True):
            yield unique, judge_unique(self.table, unique, twice)
        if self.rules.newest:
            newest = None if self.newest is None else moment_at(self.newest)
            yield None, freshness_judged(self.rules.newest, newest, as_of)


def read_examples(
    piece: Slice, broken: pl.Expr, key: Sequence[str], columns: Sequence[str], room: int
) -> list[dict[str, Any]]:
    """Read a few rows that break a rule: their key, or the row's number, and the rule's columns."""
    frame, names = piece.frame, list(dict.fromkeys([*key, *columns]))
    wanted = [named(name) for name in names]
    if not key:
        number = free_name(frame.collect_schema().names(), "row")
        frame, wanted = frame.with_row_index(number, offset=piece.first_row), [named(number), *wanted]
        names.insert(0, row_name(columns))
    for part in (frame.head(FIRST_ROWS), frame):  # most broken rules are broken early: then not all is read again
        found = shown(piece.collect(part.filter(broken).select(wanted).head(room)))
        if len(found) == room:
            break
    return [dict(zip(names, row.values(), strict=True)) for row in found]
