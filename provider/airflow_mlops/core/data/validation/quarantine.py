"""Quarantine: the rows that break a contract are set apart, so that the others can be used.

A row is bad when it breaks a rule of the severity ``error``. Rules that some rows may break (``max_missing``,
``max_share``, outliers) are about the whole, and make no row bad. Of rows that have the same key all are bad: which of
them is right is not known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import reduce
from os import PathLike
from typing import TYPE_CHECKING, Any

import polars as pl

from airflow_mlops.core.data.contracts.model import Contract, QuarantineRule
from airflow_mlops.core.data.frames import Table, open_table
from airflow_mlops.core.data.validation.files import judge, rules_for
from airflow_mlops.core.data.validation.judging import judged_at
from airflow_mlops.core.data.validation.keys import among_repeated, repeated
from airflow_mlops.core.data.validation.polars_rules import PolarsRules
from airflow_mlops.core.data.validation.rules import Rules
from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.report import Check, Report

if TYPE_CHECKING:
    from airflow_mlops.core.data.profiles.model import Profile

BROKEN = "broken_rules"


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Rows held against their contract, and how to part them.

    :param report: the report on all rows. Where the bad rows are few enough to be set apart, what is wrong with them is
        a ``warn``; what parting does not mend stays what it is. So: when the verdict is ``fail``, do not part them.
    :param bad_rows: how many rows are bad.
    :param rows: how many rows there are.
    """

    report: Report
    bad_rows: int
    rows: int
    _splitter: _Splitter

    def pairs(self) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
        """Read all rows slice by slice, and part them: (good, bad).

        Together they are all rows. Bad rows have one more column, ``broken_rules``: the rules that the row breaks, as
        text with semicolons.
        """
        return self._splitter.pairs()


def quarantine(
    data: Any,
    contract: Contract | Mapping[str, Any] | str | PathLike[str],
    *,
    subject: str = "",
    environment: str | None = None,
    reference: Profile | None = None,
    as_of: date | datetime | str | None = None,
) -> Quarantine:
    """Judge data by its contract, and make ready to part good rows from bad ones.

    The parameters are those of :func:`~airflow_mlops.core.data.validation.validate`. A contract without
    ``quarantine`` is taken as one with its defaults.

    :raises BadInput: when a file cannot be read, the contract is not valid, or the data has a column ``broken_rules``.
    """
    contract = Contract.load(contract).for_environment(environment)
    table = open_table(data)
    if BROKEN in table.schema:
        raise BadInput(
            f"the data has a column {BROKEN!r} of its own",
            where=table.where,
            mend="rename it: the quarantine writes there which rules a row breaks",
        )
    rules = rules_for(table, contract, reference)
    splitter = _Splitter(table, rules)
    bad = splitter.count()
    checks = judge(table, contract, rules, judged_at(as_of))
    limit = (contract.quarantine or QuarantineRule()).max_share
    report = Report.of(
        "validation",
        subject or contract.name,
        _softened(checks, splitter.mended, bad, table.rows, limit),
        facts={
            "rows": table.rows,
            "columns": len(table.schema),
            "contract": contract.name,
            "environment": environment,
            "bad_rows": bad,
        },
    )
    return Quarantine(report, bad, table.rows, splitter)


def _softened(
    checks: list[Check], mended: set[tuple[str, str | None]], bad: int, rows: int, limit: float
) -> Iterator[Check]:
    """Make a warning of what setting rows apart mends, if they are few enough, and tell how many they are.

    :param checks: the checks of all rows.
    :param mended: (name, where) of the rules whose broken rows are set apart.
    """
    share = bad / rows if rows else 0.0
    few = share <= limit
    for check in checks:
        if few and check.status == "fail" and (check.name, check.where) in mended:
            yield replace(check, severity="warn", message=f"{check.message}; set apart")
        else:
            yield check
    observed = {"count": bad, "share": share}
    message = f"{bad} of {rows} rows ({share:.2%}) are bad" + ("" if few else f", at most {limit:.2%} may be set apart")
    yield Check("quarantine", "pass" if few else "fail", "error", observed, {"max_share": limit}, None, message)


class _Splitter:
    """Parts the rows of a table.

    :param table: the rows.
    :param rules: the contract's rules for it.
    """

    def __init__(self, table: Table, rules: Rules) -> None:
        rows = [rule for rule in rules.rows if rule.severity == "error" and not rule.allowed]
        unique = [rule for rule in rules.unique if rule.severity == "error"]
        engine = PolarsRules(table.schema)
        self.table = table
        self.mended: set[tuple[str, str | None]] = {(rule.name, rule.where) for rule in rows}
        self.mended |= {(rule.name, rule.where) for rule in unique}
        self.marks = [(rule.label, engine.expression(rule.broken).fill_null(False)) for rule in rows]
        for rule in unique:
            twice = repeated(table, rule.columns)
            if twice.height:
                self.marks.append((rule.label, among_repeated(table, rule.columns, twice)))
        self.bad = reduce(lambda a, b: a | b, [broken for _, broken in self.marks], pl.lit(False))

    def count(self) -> int:
        """Count the bad rows."""
        counted = (piece.collect(piece.frame.select(self.bad.sum())) for piece in self.table.slices())
        return sum(int(found.item() or 0) for found in counted)

    def pairs(self) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
        """Part the rows, slice by slice."""
        marks = [pl.when(broken).then(pl.lit(label.replace(";", ","))) for label, broken in self.marks]
        told = pl.concat_str(marks, separator=";", ignore_nulls=True) if marks else pl.lit("")
        for piece in self.table.slices():
            rows = piece.collect(piece.frame.with_columns(self.bad.alias(BROKEN)))
            yield rows.filter(~pl.col(BROKEN)).drop(BROKEN), rows.filter(BROKEN).with_columns(told.alias(BROKEN))
