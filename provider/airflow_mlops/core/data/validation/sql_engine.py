# ruff: noqa: S608 - the parts are quoted names, and the caller's SELECT
"""Validation of database tables: one query for all rules, and a few example rows per violated rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.report import Check
from airflow_mlops.core.data.contracts.contract import Contract
from airflow_mlops.core.data.contracts.expression import CheckViolation, patterns_of
from airflow_mlops.core.data.database import DatabaseTable, TableReader
from airflow_mlops.core.data.validation.generated_names import count_name, find_free_name, row_number_name
from airflow_mlops.core.data.validation.polars_compiler import check_patterns, describe_storage
from airflow_mlops.core.data.validation.rule_checks import (
    MAX_EXAMPLES,
    check_freshness,
    check_not_run,
    check_row_count,
    check_row_rule,
    check_uniqueness,
    is_within_limit,
)
from airflow_mlops.core.data.validation.rules import RuleSet, UniqueRule, ValidationRule, build_rules
from airflow_mlops.core.data.validation.sql_compiler import SqlCompiler
from airflow_mlops.core.data.validation.sqlite_functions import SQLITE_FUNCTIONS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_RULES_PER_QUERY = 500  # per query: PostgreSQL returns at most 1,664 columns


def prepare_rules(table: DatabaseTable, contract: Contract, reference: Any = None) -> RuleSet:
    """Build the rules of a contract for a table in a database.

    :raises BadInput: when a pattern is not supported by Polars or by this database.
    """
    schema = {name: describe_storage(dtype) for name, dtype in table.schema.items()}
    rules = build_rules(contract, schema, reference=reference)
    check_patterns(rules.row_rules, contract.name)
    _check_database_patterns(table, rules, contract)
    missing = "the contract check {!r} has no violates_sql, so it cannot run in a database"
    return _without(rules, {r.label: missing.format(r.name) for r in _contract_checks(rules) if not _has_sql(r)})


def _contract_checks(rules: RuleSet) -> list[ValidationRule]:
    return [rule for rule in rules.row_rules if isinstance(rule.violation, CheckViolation)]


def _has_sql(rule: ValidationRule) -> bool:
    return callable(getattr(getattr(rule.violation, "check", None), "violates_sql", None))


def _without(rules: RuleSet, reasons: Mapping[str, str]) -> RuleSet:
    """Replace row rules by inconclusive checks.

    :param reasons: label of a rule -> why it cannot be run.
    """
    checks = [check_not_run(rule, reasons[rule.label]) for rule in rules.row_rules if rule.label in reasons]
    row_rules = tuple(rule for rule in rules.row_rules if rule.label not in reasons)
    return replace(rules, checks=(*rules.checks, *checks), row_rules=row_rules)


def check_table(table: DatabaseTable, contract: Contract, rules: RuleSet, as_of: datetime) -> list[Check]:
    """Run all rules in the database; return the same checks as for a file of these rows.

    One query counts the violations of all rules. Only for a violated rule at most five rows are fetched: the first by
    key, or without a key the first that the database returns, numbered in that order.

    Patterns are written for files (Rust's syntax). PostgreSQL interprets them in its own syntax: it does not support
    ``\\p{..}`` and ``\\z``, accepts options such as ``(?i)`` only at the beginning, and a negated set excludes line
    breaks. SQLite uses Python's syntax.

    :param table: the rows.
    :param contract: the contract of the data's environment.
    :param rules: its rules for this table (:func:`prepare_rules`).
    :param as_of: the reference time for freshness.
    """
    try:
        return _check_rows(table, contract, rules, as_of)
    except BadInput:
        failures = {rule.label: error for rule in _contract_checks(rules) if (error := _failure_of(table, rule))}
        if not failures:
            raise
    return _check_rows(table, contract, _without(rules, failures), as_of)


def _failure_of(table: DatabaseTable, rule: ValidationRule) -> str | None:
    """Run a contract check of another package alone, and return its error in the database."""
    try:
        with table.open_reader(SQLITE_FUNCTIONS) as reader:
            _Scan(table, reader, RuleSet((), (rule,), ()), ()).count()
    except BadInput as error:
        return f"the contract check {rule.name!r} failed: {error.what}"
    return None


def _check_rows(table: DatabaseTable, contract: Contract, rules: RuleSet, as_of: datetime) -> list[Check]:
    with table.open_reader(SQLITE_FUNCTIONS) as reader:
        scan = _Scan(table, reader, rules, [name for name in contract.key if name in table.schema])
        rows, counts, newest = scan.count()
        checks = [check_row_count(contract, rows), *rules.checks]
        for rule, count in zip(rules.row_rules, counts, strict=True):
            examples = [] if is_within_limit(rule, count, rows) else scan.examples(rule)
            checks.append(check_row_rule(rule, count, rows, examples))
        checks += [scan.unique(rule, rows) for rule in rules.unique_rules]
    if rules.newest_rule:
        checks.append(check_freshness(rules.newest_rule, newest, as_of))
    return checks


@dataclass(frozen=True, slots=True)
class _Scan:
    """Queries of one validation.

    :param table: the rows.
    :param reader: the connection to read with.
    :param rules: the rules.
    :param key: the key columns, shown in examples.
    """

    table: DatabaseTable
    reader: TableReader
    rules: RuleSet
    key: Sequence[str]

    def compiler(self) -> SqlCompiler:
        return SqlCompiler(self.table.dialect, self.table.schema, self.table.quote)

    def violation(self, compiler: SqlCompiler, rule: ValidationRule) -> str:
        """Return the violation condition of a rule; values of another storage type violate the rule ``type``."""
        condition = compiler.compile(rule.violation)
        if rule.name == "type" and len(rule.columns) == 1:
            name = rule.columns[0]
            if misfit := self.table.dialect.type_mismatch(self.table.quote(name), self.table.schema[name]):
                return f"({condition} OR {misfit})"
        return condition

    def count(self) -> tuple[int, list[int], datetime | None]:
        """Return the number of rows, the violations of each rule and the newest timestamp."""
        rows, counts, newest = 0, [], None  # type: int, list[int], Any
        for start in range(0, max(len(self.rules.row_rules), 1), MAX_RULES_PER_QUERY):
            compiler = self.compiler()
            selected = [
                f"sum(CASE WHEN {self.violation(compiler, rule)} THEN 1 ELSE 0 END)"
                for rule in self.rules.row_rules[start : start + MAX_RULES_PER_QUERY]
            ]
            latest = (
                f"max({compiler.compile_column(self.rules.newest_rule.column)})" if self.rules.newest_rule else "NULL"
            )
            query = f"SELECT {', '.join(['count(*)', latest, *selected])} FROM {self.reader.from_clause}"
            rows, newest, *violations = self.reader.query(query, compiler.parameters)[0]
            counts += [int(count or 0) for count in violations]
        return int(rows), counts, _EPOCH + timedelta(microseconds=newest) if isinstance(newest, int) else newest

    def examples(self, rule: ValidationRule) -> list[dict[str, Any]]:
        """Fetch a few rows that violate a rule: their key, or a row number, and the rule's columns."""
        compiler, quoted = self.compiler(), self.table.quote
        selected = list(dict.fromkeys([*self.key, *rule.columns]))
        expressions, rows, order = [quoted(name) for name in selected], self.reader.from_clause, ""
        if self.key:
            order = f" ORDER BY {', '.join(self._sort_expression(name) for name in self.key)}"
        else:
            taken = {name.lower() for name in self.table.schema}  # column names may be case-insensitive
            number = quoted(find_free_name(taken, "mlops_number"))
            expressions.append(number)
            rows = f"(SELECT row_number() OVER () - 1 AS {number}, mlops_rows.* FROM {rows}) AS mlops_rows"
        query = f"SELECT {', '.join(expressions)} FROM {rows} WHERE {self.violation(compiler, rule)}{order}"
        fetched = self.reader.query(f"{query} LIMIT {MAX_EXAMPLES}", compiler.parameters)
        examples = [self._restore(selected, row[: len(selected)]) for row in fetched]
        if self.key:
            return examples
        number = row_number_name(rule.columns)
        return [{number: row[-1], **example} for row, example in zip(fetched, examples, strict=True)]

    def unique(self, rule: UniqueRule, rows: int) -> Check:
        """Check that no two rows have the same values in some columns; rows with a missing value are not compared."""
        compiler, count = self.compiler(), count_name(rule.columns)
        values = [self._sort_expression(name) for name in rule.columns]
        present = " AND ".join(f"NOT {compiler.compile_missing(name)}" for name in rule.columns)
        aliases = [f"v{i}" for i in range(len(values))]
        inner = ", ".join(f"{value} AS {alias}" for value, alias in zip(values, aliases, strict=True))
        query = (
            f"SELECT {', '.join(aliases)}, n, sum(n - 1) OVER () FROM"
            f" (SELECT {', '.join(aliases)}, count(*) AS n"
            f" FROM (SELECT {inner} FROM {self.reader.from_clause} WHERE {present}) AS present"
            f" GROUP BY {', '.join(aliases)} HAVING count(*) > 1) AS duplicates"
            f" ORDER BY n DESC, {', '.join(aliases)} LIMIT {MAX_EXAMPLES}"
        )
        duplicates = self.reader.query(query)
        examples = [{**self._restore(rule.columns, row[:-2]), count: row[-2]} for row in duplicates]
        return check_uniqueness(rule, int(duplicates[0][-1]) if duplicates else 0, rows, examples)

    def _sort_expression(self, name: str) -> str:
        """Return the expression to compare and sort a column by: text by code points, as in files."""
        column, is_text = self.table.quote(name), self.table.schema[name] == pl.String
        return f"CAST({column} AS text) COLLATE {self.table.dialect.binary}" if is_text else column

    def _restore(self, names: Sequence[str], row: Sequence[Any]) -> dict[str, Any]:
        """Convert a fetched row to the values that a file would have."""
        restore, schema = self.table.dialect.to_python, self.table.schema
        return {name: restore(value, schema[name]) for name, value in zip(names, row, strict=True)}


def _check_database_patterns(table: DatabaseTable, rules: RuleSet, contract: Contract) -> None:
    """Run patterns on an empty text: regular expressions of a database differ from those of files."""
    for rule in rules.row_rules:
        for pattern in patterns_of(rule.violation):
            try:
                with table.open_reader() as reader:
                    expression = table.dialect.matches("''", ":pattern")
                    reader.query(f"SELECT {expression}", {"pattern": table.dialect.pattern(pattern)})
            except BadInput as error:
                raise BadInput(
                    f"the pattern {pattern!r} is not supported by this database: {error.what}",
                    where=f"contract {contract.name}, {rule.where}",
                    hint="use only syntax that Polars and the database support: sets, classes, repetition",
                ) from None
