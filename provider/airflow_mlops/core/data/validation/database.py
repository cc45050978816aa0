# ruff: noqa: S608 - the parts are quoted names, and the SELECT that the caller wants to be read
"""Validation of rows where they live: all rules in one query, and a few rows of each rule that is broken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from airflow_mlops.core.data.contracts.expression import patterns_of
from airflow_mlops.core.data.contracts.model import Contract
from airflow_mlops.core.data.database import DatabaseTable, Reader
from airflow_mlops.core.data.validation.judging import (
    MOST_EXAMPLES,
    freshness_judged,
    kept,
    row_count,
    rule_judged,
    unique_judged,
)
from airflow_mlops.core.data.validation.names import count_name, free_name, row_name
from airflow_mlops.core.data.validation.polars_rules import check_patterns, stored
from airflow_mlops.core.data.validation.row_functions import FUNCTIONS
from airflow_mlops.core.data.validation.rules import Rule, Rules, Unique, rules_of
from airflow_mlops.core.data.validation.sql_rules import SqlRules
from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.report import Check

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOST_RULES = 500  # in one query: PostgreSQL gives at most 1,664 columns


def rules_for(table: DatabaseTable, contract: Contract, reference: Any = None) -> Rules:
    """Make the rules of a contract for a table in a database.

    :raises BadInput: when a pattern is one that cannot be run, on files or in this database.
    """
    schema = {name: stored(dtype) for name, dtype in table.schema.items()}
    rules = rules_of(contract, schema, reference=reference)
    check_patterns(rules.rows, contract.name)
    _try_patterns(table, rules, contract)
    return rules


def judge(table: DatabaseTable, contract: Contract, rules: Rules, as_of: datetime) -> list[Check]:
    """Run all rules in the database, and give the checks that a file of the same rows would get.

    One query counts for all rules; only for a broken one are at most five rows fetched. These are the first by key;
    without a key they are the first that the database gives, numbered as it gives them.

    Patterns are written for files (Rust's syntax). PostgreSQL reads them as its own: ``\\p{..}`` and ``\\z`` are not
    known there, options such as ``(?i)`` may only stand at the beginning, and a negated set leaves line breaks out. In
    SQLite they are Python's.

    :param table: the rows.
    :param contract: the contract, as it holds in the data's environment.
    :param rules: its rules for this table (:func:`rules_for`).
    :param as_of: the moment at which the data is judged.
    """
    with table.reading(FUNCTIONS) as reader:
        scan = _Scan(table, reader, rules, [name for name in contract.key if name in table.schema])
        rows, counts, newest = scan.counted()
        checks = [row_count(contract, rows), *rules.checks]
        for rule, count in zip(rules.rows, counts, strict=True):
            examples = [] if kept(rule, count, rows) else scan.examples(rule)
            checks.append(rule_judged(rule, count, rows, examples))
        checks += [scan.unique(rule, rows) for rule in rules.unique]
    if rules.newest:
        checks.append(freshness_judged(rules.newest, newest, as_of))
    return checks


@dataclass(frozen=True, slots=True)
class _Scan:
    """The queries of one validation.

    :param table: the rows.
    :param reader: where they are read.
    :param rules: the rules.
    :param key: the columns of the key, to be shown in examples.
    """

    table: DatabaseTable
    reader: Reader
    rules: Rules
    key: Sequence[str]

    def compiler(self) -> SqlRules:
        return SqlRules(self.table.dialect, self.table.schema, self.table.quoted)

    def broken(self, compiler: SqlRules, rule: Rule) -> str:
        """Say where a row breaks a rule; where a database lets a column have other types, they break its type."""
        condition = compiler.expression(rule.broken)
        if rule.name == "type" and len(rule.columns) == 1:
            name = rule.columns[0]
            if misfit := self.table.dialect.misfit(self.table.quoted(name), self.table.schema[name]):
                return f"({condition} OR {misfit})"
        return condition

    def counted(self) -> tuple[int, list[int], datetime | None]:
        """Count the rows, those that break each rule, and find the newest moment."""
        rows, counts, newest = 0, [], None  # type: int, list[int], Any
        for start in range(0, max(len(self.rules.rows), 1), MOST_RULES):
            compiler = self.compiler()
            wanted = [
                f"sum(CASE WHEN {self.broken(compiler, rule)} THEN 1 ELSE 0 END)"
                for rule in self.rules.rows[start : start + MOST_RULES]
            ]
            latest = f"max({compiler.read(self.rules.newest.column)})" if self.rules.newest else "NULL"
            query = f"SELECT {', '.join(['count(*)', latest, *wanted])} FROM {self.reader.rows}"
            rows, newest, *found = self.reader.ask(query, compiler.bound)[0]
            counts += [int(count or 0) for count in found]
        return int(rows), counts, EPOCH + timedelta(microseconds=newest) if isinstance(newest, int) else newest

    def examples(self, rule: Rule) -> list[dict[str, Any]]:
        """Fetch a few rows that break a rule: their key, or a number, and the rule's columns."""
        compiler, quoted = self.compiler(), self.table.quoted
        wanted = list(dict.fromkeys([*self.key, *rule.columns]))
        listed, rows, order = [quoted(name) for name in wanted], self.reader.rows, ""
        if self.key:
            order = f" ORDER BY {', '.join(self._ordered(name) for name in self.key)}"
        else:
            there = {name.lower() for name in self.table.schema}  # databases take names in any case
            number = quoted(free_name(there, "mlops_number"))
            listed.append(number)
            rows = f"(SELECT row_number() OVER () - 1 AS {number}, mlops_rows.* FROM {rows}) AS mlops_rows"
        query = f"SELECT {', '.join(listed)} FROM {rows} WHERE {self.broken(compiler, rule)}{order}"
        found = self.reader.ask(f"{query} LIMIT {MOST_EXAMPLES}", compiler.bound)
        shown = [self._restored(wanted, row[: len(wanted)]) for row in found]
        if self.key:
            return shown
        number = row_name(rule.columns)
        return [{number: row[-1], **example} for row, example in zip(found, shown, strict=True)]

    def unique(self, rule: Unique, rows: int) -> Check:
        """Judge that no two rows have the same values in some columns; rows where one is missing are not compared."""
        compiler, count = self.compiler(), count_name(rule.columns)
        values = [self._ordered(name) for name in rule.columns]
        there = " AND ".join(f"NOT {compiler.missing(name)}" for name in rule.columns)
        marks = [f"v{i}" for i in range(len(values))]
        inner = ", ".join(f"{value} AS {mark}" for value, mark in zip(values, marks, strict=True))
        query = (
            f"SELECT {', '.join(marks)}, n, sum(n - 1) OVER () FROM"
            f" (SELECT {', '.join(marks)}, count(*) AS n"
            f" FROM (SELECT {inner} FROM {self.reader.rows} WHERE {there}) AS present"
            f" GROUP BY {', '.join(marks)} HAVING count(*) > 1) AS twice"
            f" ORDER BY n DESC, {', '.join(marks)} LIMIT {MOST_EXAMPLES}"
        )
        found = self.reader.ask(query)
        examples = [{**self._restored(rule.columns, row[:-2]), count: row[-2]} for row in found]
        return unique_judged(rule, int(found[0][-1]) if found else 0, rows, examples)

    def _ordered(self, name: str) -> str:
        """Give a column as it is compared and ordered: text by its characters, as in files."""
        column, is_text = self.table.quoted(name), self.table.schema[name] == pl.String
        return f"CAST({column} AS text) COLLATE {self.table.dialect.binary}" if is_text else column

    def _restored(self, names: Sequence[str], row: Sequence[Any]) -> dict[str, Any]:
        """Give a row that came over as a file would give it."""
        restored, schema = self.table.dialect.restored, self.table.schema
        return {name: restored(value, schema[name]) for name, value in zip(names, row, strict=True)}


def _try_patterns(table: DatabaseTable, rules: Rules, contract: Contract) -> None:
    """Try patterns on nothing: a database's regular expressions are not quite those of files."""
    for rule in rules.rows:
        for pattern in patterns_of(rule.broken):
            try:
                with table.reading() as reader:
                    asked = table.dialect.matches("''", ":pattern")
                    reader.ask(f"SELECT {asked}", {"pattern": table.dialect.pattern(pattern)})
            except BadInput as error:
                raise BadInput(
                    f"the pattern {pattern!r} cannot be used in this database: {error.what}",
                    where=f"contract {contract.name}, {rule.where}",
                    mend="write it in the syntax that files and the database share: sets, classes, repetition",
                ) from None
