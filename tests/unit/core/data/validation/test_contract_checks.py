"""A contract check of another package counts, quarantines and refuses rows like a built-in rule."""

from __future__ import annotations

import re
from argparse import Namespace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
import yaml

from airflow_mlops.cli.contract import check as check_command
from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.data.contracts import Contract
from airflow_mlops.core.data.contracts.contract_check import CONTRACT_CHECKS
from airflow_mlops.core.data.database import DatabaseTable
from airflow_mlops.core.data.validation import validate
from airflow_mlops.core.data.validation.quarantine import quarantine
from airflow_mlops.core.model_card.overview import format_column_rules
from airflow_mlops.core.serving.errors import RequestError
from airflow_mlops.core.serving.request_validation import RequestContract

ACME = '''
import polars as pl


class Iban:
    def violates(self, column, country=None):
        return ~column.str.contains(rf"^{country or '[A-Z]{2}'}[0-9]{{2}}")


class Even:
    """A check for files and databases."""

    def violates(self, column):
        return column % 2 == 1

    def violates_sql(self, column, dialect):
        return f"CAST({column} AS bigint) % 2 = 1"


class Year:
    def violates(self, column):
        return column.str.to_date("%Y-%m-%d") < pl.date(2000, 1, 1)

    def violates_sql(self, column, dialect):
        return f"no_such_function({column})"


class Returns:
    def __init__(self, value):
        self.value = value

    def violates(self, column):
        return self.value(column)


def _raise(column):
    raise ValueError("no rule today")


iban, even, year = Iban(), Even(), Year()
number, scalar, text, raises = (
    Returns(lambda column: 1), Returns(lambda column: column.is_null().any()), Returns(lambda column: column),
    Returns(_raise),
)
'''
ROWS = pl.DataFrame(
    {
        "id": [1, 2, 3, 4],
        "account": ["DE12", "FR76", None, "x"],
        "n": [2, 3, 4, None],
        "day": ["2020-01-01", "soon"] * 2,
    }
)


@pytest.fixture
def acme(installed_entry_point: Any) -> str:
    """The module of the checks; its ``iban`` is also an entry point."""
    path: str = installed_entry_point(CONTRACT_CHECKS, "iban", "iban", ACME)
    return path.partition(":")[0]


def contract(column: str, kind: str, checks: Any, **more: Any) -> dict[str, Any]:
    rules = {"id": {"type": "int"}, column: {"type": kind, "checks": checks, **more}}
    return {"name": "rows", "key": "id", "unknown_columns": "ignore", "columns": rules}


def only(report: Report, name: str) -> Check:
    (check,) = [check for check in report.checks if check.name == name]
    return check


@pytest.mark.parametrize("by_name", [True, False])
def test_violations_are_counted_and_shown(by_name: bool, acme: str) -> None:
    name = "iban" if by_name else f"{acme}:iban"
    check = only(validate(ROWS, contract("account", "str", {name: True})), name)
    assert (check.status, check.severity, check.where, check.expected) == ("fail", "error", "account", name)
    assert check.observed == {"count": 1, "fraction": 0.25, "examples": [{"id": 4, "account": "x"}]}
    assert check.message == f"1 of 4 values (25.00%) violate {name}, such as 'x'"


def test_good_rows_pass(acme: str) -> None:
    assert validate(ROWS.head(3), contract("account", "str", {"iban": True})).verdict == "pass"


def test_parameters_and_severity_are_those_of_the_contract(acme: str) -> None:
    rules = contract("account", "str", {"iban": {"country": "DE"}}, severity={"iban": "warn"})
    report = validate(ROWS, Contract.load(Contract.load(rules).to_dict()))
    check = only(report, "iban")
    assert (report.verdict, check.observed["count"], check.expected) == ("warn", 2, "iban (country 'DE')")


def test_bad_rows_are_quarantined(acme: str) -> None:
    result = quarantine(ROWS, {**contract("account", "str", {"iban": True}), "quarantine": {"max_fraction": 0.5}})
    ((good, bad),) = result.split()
    assert (result.report.verdict, result.bad_rows, good["id"].to_list()) == ("warn", 1, [1, 2, 3])
    assert bad.select("id", "violated_rules").rows() == [(4, "account: iban")]


def test_a_request_that_violates_it_is_refused(acme: str) -> None:
    rules = RequestContract(Contract.load(contract("account", "str", {"iban": {"country": "DE"}})))
    assert rules.validate({"account": ["DE12", None]}).height == 2
    with pytest.raises(RequestError) as caught:
        rules.validate({"account": ["DE12", "FR76"]})
    (problem,) = caught.value.to_dict()["problems"]
    assert (problem["column"], problem["rule"], problem["rows"]) == ("account", "iban", (1,))
    assert "iban (country 'DE')" in problem["hint"]


def stored(url: str) -> DatabaseTable:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE acme_rows (id bigint, account text, n bigint, day text)")
        for row in ROWS.rows():
            values = ", ".join("NULL" if value is None else repr(value) for value in row)
            connection.exec_driver_sql(f"INSERT INTO acme_rows VALUES ({values})")
    return DatabaseTable(engine, "acme_rows")


@pytest.fixture
def table(tmp_path: Any) -> DatabaseTable:
    (tmp_path / "rows.db").touch()
    return stored(f"sqlite:///{tmp_path}/rows.db")


def test_in_a_database_it_runs_as_sql(acme: str, table: DatabaseTable) -> None:
    rules = contract("n", "int", {f"{acme}:even": True})
    assert validate(table, rules).to_dict()["checks"] == validate(ROWS, rules).to_dict()["checks"]
    assert only(validate(table, rules), f"{acme}:even").observed["examples"] == [{"id": 2, "n": 3}]


def test_without_sql_it_is_inconclusive_in_a_database(acme: str, table: DatabaseTable) -> None:
    report = validate(table, contract("account", "str", {"iban": True}))
    check = only(report, "iban")
    assert (report.verdict, check.status, check.where) == ("inconclusive", "inconclusive", "account")
    assert (
        check.message == "inconclusive: the contract check 'iban' has no violates_sql, so it cannot run in a database"
    )


def test_sql_that_fails_is_inconclusive_and_other_rules_still_run(acme: str, table: DatabaseTable) -> None:
    report = validate(table, contract("day", "str", {f"{acme}:year": True}, max_length=5))
    assert only(report, "max_length").observed["count"] == 2
    assert re.match(
        r"inconclusive: the contract check '.*:year' failed: .*function", only(report, f"{acme}:year").message
    )


def test_a_check_that_raises_on_the_rows_is_inconclusive_and_other_rules_still_run(acme: str) -> None:
    rules = contract("day", "str", {f"{acme}:year": True}, max_length=5)
    report = validate(ROWS, rules)
    check = only(report, f"{acme}:year")
    assert (check.status, check.observed, only(report, "max_length").observed["count"]) == ("inconclusive", None, 2)
    assert "failed: InvalidOperationError: conversion from `str` to `date` failed" in check.message
    assert quarantine(ROWS, {**rules, "quarantine": {"max_fraction": 1}, "rows": {"min": 0}}).bad_rows == 2


@pytest.mark.parametrize(
    ("check", "message"),
    [
        ("number", "of the column 'account' returned an object of type int"),
        ("scalar", "of the column 'account' returned one value for all rows"),
        ("text", "of the column 'account' returned values of type String"),
        ("raises", "of the column 'account' failed: ValueError: no rule today"),
        ("Iban", "it is a class; name an object of it"),
        ("pl", "it has no method violates"),
        ("nothing", "has no 'nothing'"),
    ],
)
def test_a_check_that_is_not_one_is_an_error_that_names_it(check: str, message: str, acme: str) -> None:
    with pytest.raises(BadInput, match=re.escape(message)):
        validate(ROWS, contract("account", "str", {f"{acme}:{check}": True}))


def test_an_unknown_check_or_parameter_is_an_error_that_names_the_place(acme: str) -> None:
    with pytest.raises(BadInput, match="'ibann' is not a known contract check") as caught:
        validate(ROWS, contract("account", "str", {"ibann": True}))
    assert caught.value.where == "contract rows, columns.account.checks"
    assert "did you mean 'iban'?" in str(caught.value.hint)
    with pytest.raises(BadInput, match="'land' is not an option of the contract check 'iban'"):
        validate(ROWS, contract("account", "str", {"iban": {"land": "DE"}}))


@pytest.mark.parametrize(
    ("checks", "severity", "message"),
    [
        ({"min": True}, "error", "'min' is a rule of the column itself"),
        ({"iban": 3}, "error", "checks.iban"),
        ({"iban": True}, {"ibann": "warn"}, "did you mean 'iban'"),
    ],
)
def test_a_contract_refuses_what_is_no_check(checks: Any, severity: Any, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        Contract.load(contract("account", "str", checks, severity=severity))


def test_the_command_that_checks_a_contract_imports_its_checks(acme: str, tmp_path: Path) -> None:
    file = tmp_path / "contract.yaml"
    file.write_text(yaml.safe_dump(contract("account", "str", {"iban": True})))
    check_command(Namespace(contract=str(file)))
    file.write_text(yaml.safe_dump(contract("account", "str", {f"{acme}:gone": True})))
    with pytest.raises(SystemExit, match="has no 'gone'"):
        check_command(Namespace(contract=str(file)))


def test_a_model_card_names_the_checks_of_a_column() -> None:
    rule = Contract.load(contract("account", "str", {"acme.checks:iban": True})).columns["account"]
    assert format_column_rules(rule) == "satisfies acme.checks:iban"
