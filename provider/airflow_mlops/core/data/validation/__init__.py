"""Validation: does the data keep its contract?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from os import PathLike
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.data.contracts.model import Contract

if TYPE_CHECKING:
    from airflow_mlops.core.data.profiles import Profile
    from airflow_mlops.core.report import Check, Report

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
    """Judge data by its contract. Bad data gives a report that fails, never an exception.

    :param data: a Parquet path, a list of them, a ``Snapshot``, a Polars or a pandas frame; or a ``DatabaseTable``,
        which is judged where it is.
    :param contract: the contract, its file or its content; or a pandera schema or the import path of one.
    :param subject: what to call the data; by default the contract's name.
    :param environment: where the data is used, such as ``serving``.
    :param reference: the profile that outlier rules compare with; without it they are not judged.
    :param as_of: the moment at which the data is judged, for freshness, or its ISO text; by default now. A time without
        zone is UTC's.
    :return: a report of the kind ``validation``: one check for each rule of each column, kept or broken. A
        broken one has ``observed = {count, share, examples}``, at most five examples with key (or row number)
        and value.
    :raises BadInput: when a file cannot be read, or the contract is not valid.
    """
    from airflow_mlops.core.data.validation.judging import judged_at
    from airflow_mlops.core.report import Report

    contract = Contract.load(contract).for_environment(environment)
    checks, columns = _judged(data, contract, reference, judged_at(as_of))
    rows = next(check.observed["rows"] for check in checks if check.name == "rows" and check.where is None)
    facts = {"rows": rows, "columns": columns, "contract": contract.name, "environment": environment}
    return Report.of("validation", subject or contract.name, checks, facts=facts)


def _judged(data: Any, contract: Contract, reference: Profile | None, as_of: datetime) -> tuple[list[Check], int]:
    """Judge rows where they are; give the checks, and how many columns there are."""
    if type(data).__module__ == "airflow_mlops.core.data.database":  # not imported to ask: it needs SQLAlchemy
        from airflow_mlops.core.data.validation import database

        return database.judge(data, contract, database.rules_for(data, contract, reference), as_of), len(data.schema)
    from airflow_mlops.core.data.frames import open_table
    from airflow_mlops.core.data.validation import files

    table = open_table(data)
    return files.judge(table, contract, files.rules_for(table, contract, reference), as_of), len(table.schema)
