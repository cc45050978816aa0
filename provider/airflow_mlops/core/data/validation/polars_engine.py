"""Validation of files and frames: one Polars query per slice for all rules.

Each rule counts its violations. Only for a violated rule a few rows are read again, as examples.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import polars as pl

from airflow_mlops.common.report import Check
from airflow_mlops.core.data.contracts.contract import Contract
from airflow_mlops.core.data.contracts.expression import CheckViolation
from airflow_mlops.core.data.frames import LazyTable, RowSlice
from airflow_mlops.core.data.validation.duplicates import IncreasingColumn, check_duplicates, find_duplicates
from airflow_mlops.core.data.validation.generated_names import find_free_name, row_number_name
from airflow_mlops.core.data.validation.polars_compiler import (
    PolarsCompiler,
    check_patterns,
    describe_storage,
    to_python_rows,
)
from airflow_mlops.core.data.validation.polars_expressions import exact_column
from airflow_mlops.core.data.validation.rule_checks import (
    MAX_EXAMPLES,
    check_freshness,
    check_not_run,
    check_row_count,
    check_row_rule,
    from_microseconds,
    is_within_limit,
)
from airflow_mlops.core.data.validation.rules import RuleSet, UniqueRule, ValidationRule, build_rules

_NEWEST = "newest"
FIRST_ROWS = 20_000


def prepare_rules(table: LazyTable, contract: Contract, reference: Any = None) -> RuleSet:
    """Build the rules of a contract for a table.

    :raises BadInput: when a pattern is not supported by Polars.
    """
    schema = {name: describe_storage(dtype) for name, dtype in table.schema.items()}
    rules = build_rules(contract, schema, reference=reference)
    check_patterns(rules.row_rules, contract.name)
    return rules


def check_table(table: LazyTable, contract: Contract, rules: RuleSet, as_of: datetime) -> list[Check]:
    """Run all rules over a table; return a check for each.

    :param table: the rows.
    :param contract: the contract of the data's environment.
    :param rules: its rules for this table.
    :param as_of: the reference time for freshness.
    """
    return [check for _, check in scan_table(table, contract, rules).build_checks(contract, as_of)]


def scan_table(table: LazyTable, contract: Contract, rules: RuleSet) -> TableScan:
    """Run all rules over a table; return the completed scan."""
    scan = TableScan(table, rules, key=[name for name in contract.key if name in table.schema])
    for piece in table.slices():
        scan.update(piece)
    for unique, rising in zip(rules.unique_rules, scan.increasing, strict=True):
        scan.duplicates.append(None if rising.is_increasing else find_duplicates(table, unique.columns))
    return scan


@dataclass(slots=True)
class TableScan:
    """State of one pass over a table.

    :param table: the rows.
    :param rules: the rules.
    :param key: the key columns, shown in examples.
    :param newest: the newest timestamp, in microseconds since 1970.
    :param duplicates: for each uniqueness rule the duplicate values (:func:`~.duplicates.find_duplicates`), set when
        all rows are read; None where the column rises strictly, so that there are none.
    :param failures: position of a row rule whose contract check raises on the rows -> the error.
    """

    table: LazyTable
    rules: RuleSet
    key: list[str]
    newest: int | None = None
    duplicates: list[pl.DataFrame | None] = field(default_factory=list)
    failures: dict[int, str] = field(default_factory=dict)
    counts: list[int] = field(init=False)
    examples: list[list[dict[str, Any]]] = field(init=False)
    increasing: list[IncreasingColumn] = field(init=False)
    violations: list[pl.Expr] = field(init=False)
    query: list[pl.Expr] = field(init=False)

    def __post_init__(self) -> None:
        """Compile the rules once for all slices."""
        engine = PolarsCompiler(self.table.schema)
        self.violations = [engine.compile(rule.violation) for rule in self.rules.row_rules]
        self.counts, self.examples = [0] * len(self.violations), [[] for _ in self.violations]
        self.query = [expression.sum().alias(str(i)) for i, expression in enumerate(self.violations)]
        first = [rule.columns[0] for rule in self.rules.unique_rules]
        self.increasing = [IncreasingColumn(name, self.table.schema[name]) for name in first]
        for rule, column in zip(self.rules.unique_rules, self.increasing, strict=True):
            column.is_increasing = column.is_increasing and len(rule.columns) == 1
        if self.rules.newest_rule:
            self.query.append(engine.compile_column(self.rules.newest_rule.column).max().to_physical().alias(_NEWEST))

    def update(self, piece: RowSlice) -> None:
        """Run the rules over one slice."""
        tracked = [(i, column) for i, column in enumerate(self.increasing) if column.is_increasing]
        orders = [expression for i, column in tracked for expression in column.expressions(f"unique {i}")]
        if not self.query and not orders:
            return
        result = self._run(piece, orders)
        for i, column in tracked:
            column.update(*(result[f"unique {i} {name}"] for name in ("rises", "first", "last")))
        if self.rules.newest_rule and (newest := result[_NEWEST]) is not None:
            self.newest = newest if self.newest is None else max(self.newest, newest)
        for i, rule in enumerate(self.rules.row_rules):
            count = int(result[str(i)] or 0)
            self.counts[i] += count
            limit = MAX_EXAMPLES - len(self.examples[i])
            if count and limit and not is_within_limit(rule, self.counts[i], self.table.rows):
                self.examples[i] += read_examples(piece, self.violations[i], self.key, rule.columns, limit)

    def _run(self, piece: RowSlice, orders: Sequence[pl.Expr]) -> dict[str, Any]:
        """Run the query on a slice; contract checks of other packages that raise are left out from then on."""
        try:
            return piece.collect(piece.frame.select([*self.query, *orders])).row(0, named=True)
        except Exception:
            failures = dict(self._find_failures(piece))
            if not failures:
                raise
        self.failures |= failures
        for i in failures:
            self.violations[i] = pl.lit(False)
            self.query[i] = self.violations[i].sum().alias(str(i))
        return piece.collect(piece.frame.select([*self.query, *orders])).row(0, named=True)

    def _find_failures(self, piece: RowSlice) -> Iterator[tuple[int, str]]:
        for i, rule in enumerate(self.rules.row_rules):
            if isinstance(rule.violation, CheckViolation):
                try:
                    piece.frame.select(self.query[i]).collect()
                except Exception as error:  # another package's code may raise anything
                    text = (str(error).splitlines() or [""])[0][:300]
                    yield i, f"the contract check {rule.name!r} failed: {type(error).__name__}: {text}"

    def build_checks(
        self, contract: Contract, as_of: datetime
    ) -> Iterator[tuple[ValidationRule | UniqueRule | None, Check]]:
        """Yield each check of a completed scan, with its rule if the rule is about rows."""
        yield None, check_row_count(contract, self.table.rows)
        yield from ((None, check) for check in self.rules.checks)
        results = zip(self.rules.row_rules, self.counts, self.examples, strict=True)
        for i, (rule, count, examples) in enumerate(results):
            if i in self.failures:
                yield None, check_not_run(rule, self.failures[i])
            else:
                yield rule, check_row_rule(rule, count, self.table.rows, examples)
        for unique, twice in zip(self.rules.unique_rules, self.duplicates, strict=True):
            yield unique, check_duplicates(self.table, unique, twice)
        if self.rules.newest_rule:
            newest = None if self.newest is None else from_microseconds(self.newest)
            yield None, check_freshness(self.rules.newest_rule, newest, as_of)


def read_examples(
    piece: RowSlice, violation: pl.Expr, key: Sequence[str], columns: Sequence[str], limit: int
) -> list[dict[str, Any]]:
    """Read a few rows that violate a rule: their key, or the row's number, and the rule's columns."""
    frame, names = piece.frame, list(dict.fromkeys([*key, *columns]))
    selected = [exact_column(name) for name in names]
    if not key:
        number = find_free_name(frame.collect_schema().names(), "row")
        frame, selected = frame.with_row_index(number, offset=piece.first_row), [exact_column(number), *selected]
        names.insert(0, row_number_name(columns))
    for part in (frame.head(FIRST_ROWS), frame):  # most violations occur early: then the rest is not read again
        examples = to_python_rows(piece.collect(part.filter(violation).select(selected).head(limit)))
        if len(examples) == limit:
            break
    return [dict(zip(names, row.values(), strict=True)) for row in examples]
