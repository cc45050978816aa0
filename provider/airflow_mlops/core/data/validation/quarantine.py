"""Quarantine: the rows that break a contract are set apart, so that the others can be used.

A row is bad when it breaks a rule of the severity ``error``. Rules that some rows may break (``max_missing``,
``max_share``, outliers) are about the whole, and make no row bad. Of rows that have the same key all are bad: which of
them is right is not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import reduce
from os import PathLike
from typing import TYPE_CHECKING, Any

import polars as pl
import polars.selectors as cs

from airflow_mlops.core.data.contracts.model import Contract, QuarantineRule
from airflow_mlops.core.data.frames import open_table
from airflow_mlops.core.data.validation.files import Scan, rules_for, scanned
from airflow_mlops.core.data.validation.judging import judged_at
from airflow_mlops.core.data.validation.keys import among_repeated
from airflow_mlops.core.data.validation.names import free_name
from airflow_mlops.core.data.validation.rules import Rule, Unique
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
    :param column: the column that bad rows have beside their own: ``broken_rules``, or, where the data has a column of
        that name, the same with a number behind it.
    """

    report: Report
    bad_rows: int
    rows: int
    column: str
    _splitter: _Splitter

    def pairs(self) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
        """Read all rows slice by slice, and part them: (good, bad).

        Together they are all rows. Bad rows have one more column (``column``): the rules that the row breaks, as text
        with semicolons.
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

    :raises BadInput: when a file cannot be read, or the contract is not valid.
    """
    contract = Contract.load(contract).for_environment(environment)
    table = open_table(data)
    scan = scanned(table, contract, rules_for(table, contract, reference))
    splitter = _Splitter(scan)
    bad = splitter.count()
    whole = _whole(contract, bad, table.rows)
    judged = scan.judged(contract, judged_at(as_of))
    report = Report.of(
        "validation",
        subject or contract.name,
        [*_softened(judged, soften=whole.status == "pass"), whole],
        facts={
            "rows": table.rows,
            "columns": len(table.schema),
            "contract": contract.name,
            "environment": environment,
            "bad_rows": bad,
        },
    )
    return Quarantine(report, bad, table.rows, splitter.column, splitter)


def _sets_apart(rule: Rule | Unique | None) -> bool:
    """Say whether the rows that break a rule are set apart."""
    return rule is not None and rule.severity == "error" and not (isinstance(rule, Rule) and rule.allowed)


def _softened(judged: Iterable[tuple[Rule | Unique | None, Check]], *, soften: bool) -> Iterator[Check]:
    """Make a warning of what setting rows apart mends.

    :param judged: the checks of all rows, each with the rule about rows that it judges, if it is one.
    :param soften: whether the bad rows can be set apart.
    """
    for rule, check in judged:
        if soften and check.status == "fail" and _sets_apart(rule):
            yield replace(check, severity="warn", message=f"{check.message}; set apart")
        else:
            yield check


def _whole(contract: Contract, bad: int, rows: int) -> Check:
    """Judge whether the bad rows are so few, and the good ones so many, that they can be parted."""
    limit = (contract.quarantine or QuarantineRule()).max_share
    share = bad / rows if rows else 0.0
    observed, least = {"count": bad, "share": share}, contract.rows.min
    message = f"{bad} of {rows} rows ({share:.2%}) are bad"
    if share > limit:
        message += f", at most {limit:.2%} may be set apart"
    elif rows - bad < least <= rows:
        message += f", the {rows - bad} others are fewer than {least}"
    else:
        return Check("quarantine", "pass", "error", observed, {"max_share": limit}, None, message)
    return Check("quarantine", "fail", "error", observed, {"max_share": limit}, None, message)


class _Splitter:
    """Parts the rows of a table.

    :param scan: the table, when all its rows have been seen.
    """

    def __init__(self, scan: Scan) -> None:
        self.table = scan.table
        self.column = free_name(self.table.schema, BROKEN)
        rows = zip(scan.rules.rows, scan.broken, strict=True)
        self.marks = [(rule.label, broken.fill_null(False)) for rule, broken in rows if _sets_apart(rule)]
        for rule, twice in zip(scan.rules.unique, scan.twice, strict=True):
            if _sets_apart(rule) and twice is not None and twice.height:
                self.marks.append((rule.label, among_repeated(self.table, rule.columns, twice)))
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
            rows = piece.collect(piece.frame.with_columns(self.bad.alias(self.column)))
            broken = rows[self.column]
            rows = rows.drop(cs.by_name(self.column))
            yield rows.filter(~broken), rows.filter(broken).with_columns(told.alias(self.column))
