"""Quarantine of rows that violate a contract, so that the other rows can be used.

A row is bad when it violates a rule of the severity ``error``. Rules with a tolerance (``max_missing``,
``max_fraction``, outliers) concern the dataset and make no row bad. Of rows with the same key all are bad, because the
correct one is unknown.
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

from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.data.contracts.contract import Contract, QuarantineRule
from airflow_mlops.core.data.frames import open_table
from airflow_mlops.core.data.validation.duplicates import is_duplicate
from airflow_mlops.core.data.validation.generated_names import find_free_name
from airflow_mlops.core.data.validation.polars_engine import TableScan, prepare_rules, scan_table
from airflow_mlops.core.data.validation.rule_checks import resolve_as_of
from airflow_mlops.core.data.validation.rules import UniqueRule, ValidationRule

if TYPE_CHECKING:
    from airflow_mlops.core.data.profiles.model import Profile

VIOLATED_RULES_COLUMN = "violated_rules"


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Validated rows, which can be split into good and bad.

    :param report: the report on all rows. Where few enough rows are bad, violations that the split removes become
        ``warn``; all others keep their severity. When the verdict is ``fail``, do not split.
    :param bad_rows: the number of bad rows.
    :param rows: the number of all rows.
    :param reason_column: the additional column of bad rows: ``violated_rules``, with a number appended where the data
        has a column of that name.
    """

    report: Report
    bad_rows: int
    rows: int
    reason_column: str
    _splitter: _Splitter

    def split(self) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
        """Yield (good, bad) rows slice by slice.

        Together they are all rows. Bad rows have the additional column ``column``: the violated rules, separated by
        semicolons.
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
    """Validate data against its contract, and prepare the split into good and bad rows.

    The parameters are those of :func:`~airflow_mlops.core.data.validation.validate`. A contract without
    ``quarantine`` gets its defaults.

    :raises BadInput: when a file cannot be read, or the contract is not valid.
    """
    contract = Contract.load(contract).for_environment(environment)
    table = open_table(data)
    scan = scan_table(table, contract, prepare_rules(table, contract, reference))
    splitter = _Splitter(scan)
    bad = splitter.count()
    limit_check = _check_limit(contract, bad, table.rows)
    checks = scan.build_checks(contract, resolve_as_of(as_of))
    report = Report.from_checks(
        "validation",
        subject or contract.name,
        [*_downgrade(checks, can_split=limit_check.status == "pass"), limit_check],
        facts={
            "rows": table.rows,
            "columns": len(table.schema),
            "contract": contract.name,
            "environment": environment,
            "bad_rows": bad,
        },
    )
    return Quarantine(report, bad, table.rows, splitter.column, splitter)


def _is_quarantining(rule: ValidationRule | UniqueRule | None) -> bool:
    """Check whether the rows that violate a rule are bad."""
    return (
        rule is not None and rule.severity == "error" and not (isinstance(rule, ValidationRule) and rule.max_fraction)
    )


def _downgrade(
    checks: Iterable[tuple[ValidationRule | UniqueRule | None, Check]], *, can_split: bool
) -> Iterator[Check]:
    """Downgrade violations that the quarantine removes to warnings.

    :param checks: the checks of all rows, each with its rule if the rule is about rows.
    :param can_split: whether the bad rows can be quarantined.
    """
    for rule, check in checks:
        if can_split and check.status == "fail" and _is_quarantining(rule):
            yield replace(check, severity="warn", message=f"{check.message}; quarantined")
        else:
            yield check


def _check_limit(contract: Contract, bad: int, rows: int) -> Check:
    """Check that few enough rows are bad, and that enough good ones remain."""
    limit = (contract.quarantine or QuarantineRule()).max_fraction
    fraction = bad / rows if rows else 0.0
    observed, minimum = {"count": bad, "fraction": fraction}, contract.rows.min
    message = f"{bad} of {rows} rows ({fraction:.2%}) are bad"
    if fraction > limit:
        message += f", at most {limit:.2%} may be quarantined"
    elif rows - bad < minimum <= rows:
        message += f", the {rows - bad} others are fewer than {minimum}"
    else:
        return Check("quarantine", "pass", "error", observed, {"max_fraction": limit}, None, message)
    return Check("quarantine", "fail", "error", observed, {"max_fraction": limit}, None, message)


class _Splitter:
    """Splits the rows of a table into good and bad.

    :param scan: the completed scan of the table.
    """

    def __init__(self, scan: TableScan) -> None:
        self.table = scan.table
        self.column = find_free_name(self.table.schema, VIOLATED_RULES_COLUMN)
        rows = zip(scan.rules.row_rules, scan.violations, strict=True)
        self.conditions = [(rule.label, broken.fill_null(False)) for rule, broken in rows if _is_quarantining(rule)]
        for rule, twice in zip(scan.rules.unique_rules, scan.duplicates, strict=True):
            if _is_quarantining(rule) and twice is not None and twice.height:
                self.conditions.append((rule.label, is_duplicate(self.table, rule.columns, twice)))
        self.bad = reduce(lambda a, b: a | b, [broken for _, broken in self.conditions], pl.lit(False))

    def count(self) -> int:
        """Count the bad rows."""
        counted = (piece.collect(piece.frame.select(self.bad.sum())) for piece in self.table.slices())
        return sum(int(frame.item() or 0) for frame in counted)

    def pairs(self) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
        """Yield (good, bad) rows, slice by slice."""
        labels = [pl.when(broken).then(pl.lit(label.replace(";", ","))) for label, broken in self.conditions]
        reason = pl.concat_str(labels, separator=";", ignore_nulls=True) if labels else pl.lit("")
        for piece in self.table.slices():
            rows = piece.collect(piece.frame.with_columns(self.bad.alias(self.column)))
            broken = rows[self.column]
            rows = rows.drop(cs.by_name(self.column))
            yield rows.filter(~broken), rows.filter(broken).with_columns(reason.alias(self.column))
