"""Validation of data against its contract."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from os import PathLike
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.data.contracts.contract import Contract

if TYPE_CHECKING:
    from airflow_mlops.common.report import Check, Report
    from airflow_mlops.core.data.profiles import Profile

__all__ = ["validate"]


def validate(
    data: Any,
    contract: Contract | Mapping[str, Any] | str | PathLike[str],
    *,
    subject: str = "",
    environment: str | None = None,
    reference: Profile | None = None,
    as_of: date | datetime | str | None = None,
) -> Report:
    """Validate data against its contract. Bad data results in a failed report, never in an exception.

    :param data: a Parquet path, a list of them, a ``Snapshot``, a Polars or a pandas frame; or a ``DatabaseTable``,
        which is validated inside the database.
    :param contract: the contract, its file or its content; or a pandera schema or the import path of one.
    :param subject: the name of the data in the report; by default the contract's name.
    :param environment: where the data is used, such as ``serving``.
    :param reference: the profile that outlier rules compare with; without it they are inconclusive.
    :param as_of: the reference time for freshness, or its ISO text; by default now. A time without a zone is UTC.
    :return: a report of the kind ``validation`` with one check per rule. A failed check has
        ``observed = {count, share, examples}``, with at most five examples of key (or row number) and value.
    :raises BadInput: when a file cannot be read, or the contract is not valid.
    """
    from airflow_mlops.common.report import Report
    from airflow_mlops.core.data.validation.rule_checks import resolve_as_of

    contract = Contract.load(contract).for_environment(environment)
    checks, columns = _run_checks(data, contract, reference, resolve_as_of(as_of))
    rows = next(check.observed["rows"] for check in checks if check.name == "rows" and check.where is None)
    facts = {"rows": rows, "columns": columns, "contract": contract.name, "environment": environment}
    return Report.from_checks("validation", subject or contract.name, checks, facts=facts)


def _run_checks(data: Any, contract: Contract, reference: Profile | None, as_of: datetime) -> tuple[list[Check], int]:
    """Run the checks where the rows are stored; return them and the number of columns."""
    if type(data).__module__ == "airflow_mlops.core.data.database":  # an import would require SQLAlchemy
        from airflow_mlops.core.data.validation import sql_engine

        return sql_engine.check_table(data, contract, sql_engine.prepare_rules(data, contract, reference), as_of), len(
            data.schema
        )
    from airflow_mlops.core.data.frames import open_table
    from airflow_mlops.core.data.validation import polars_engine

    table = open_table(data)
    return polars_engine.check_table(
        table, contract, polars_engine.prepare_rules(table, contract, reference), as_of
    ), len(table.schema)
