"""All commands are registered, and a report is printed in any format."""

from __future__ import annotations

import json
from argparse import Namespace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from airflow.cli.cli_config import ActionCommand, GroupCommand

from airflow_mlops.cli import report
from airflow_mlops.cli.commands import get_commands
from airflow_mlops.common.report import Check, Report
from airflow_mlops.hooks.store import connection_dict
from airflow_mlops.store import reports
from airflow_mlops.store.database import Database


def actions(command: Any, path: str = "") -> dict[str, ActionCommand]:
    name = f"{path} {command.name}".strip()
    if isinstance(command, GroupCommand):
        return {n: found for sub in command.subcommands for n, found in actions(sub, name).items()}
    return {name: command}


def test_every_command_has_a_function_and_help() -> None:
    (group,) = get_commands()
    found = actions(group)
    assert {"mlops db upgrade", "mlops contract infer", "mlops history", "mlops rollback", "mlops report"} <= set(found)
    for command in found.values():
        assert command.help
    for module in ("report", "db", "contract", "registry"):
        import_module(f"airflow_mlops.cli.{module}")


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Report:
    url = f"sqlite:///{tmp_path}/mlops.db"
    value = json.dumps(connection_dict(url, f"file://{tmp_path}/snapshots"))
    monkeypatch.setenv("AIRFLOW_CONN_MLOPS_STORE_DEFAULT", value)
    database = Database(url)
    database.upgrade()
    report = Report.from_checks("drift", "week 1", [Check("drift", "fail", where="x", message="mean 1 -> 2")])
    reports.publish(database, report, actor="a/b/c/-1")
    return report


@pytest.mark.parametrize(
    ("form", "begins"),
    [("text", "drift of week 1: fail"), ("html", "<!doctype html>"), ("json", "{"), ("markdown", "")],
)
def test_a_report_is_printed(form: str, begins: str, published: Report, capsys: pytest.CaptureFixture[str]) -> None:
    report.report(Namespace(report=published.id, format=form, store_conn_id="mlops_store_default"))
    printed = capsys.readouterr().out
    assert printed.lower().startswith(begins.lower())
    assert "mean 1" in printed


def test_an_unknown_report_exits_with_a_message(published: Report) -> None:
    with pytest.raises(SystemExit, match="there is no report nope"):
        report.report(Namespace(report="nope", format="text", store_conn_id="mlops_store_default"))
