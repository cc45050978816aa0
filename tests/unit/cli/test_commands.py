"""The commands are all there, and a report is printed in any form."""

from __future__ import annotations

import json
from argparse import Namespace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from airflow.cli.cli_config import ActionCommand, GroupCommand

from airflow_mlops.cli import run
from airflow_mlops.cli.commands import get_commands
from airflow_mlops.core.report import Check, Report
from airflow_mlops.hooks.store import connection_value
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
    for module in ("run", "db", "contract", "registry"):
        import_module(f"airflow_mlops.cli.{module}")


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Report:
    url = f"sqlite:///{tmp_path}/mlops.db"
    value = json.dumps(connection_value(url, f"file://{tmp_path}/snapshots"))
    monkeypatch.setenv("AIRFLOW_CONN_MLOPS_STORE_DEFAULT", value)
    database = Database(url)
    database.upgrade()
    report = Report.of("drift", "week 1", [Check("drift", "fail", where="x", message="mean 1 -> 2")])
    reports.publish(database, report, actor="a/b/c/-1")
    return report


@pytest.mark.parametrize(
    ("form", "begins"),
    [("text", "drift of week 1: fail"), ("html", "<!doctype html>"), ("json", "{"), ("markdown", "")],
)
def test_a_report_is_printed(form: str, begins: str, published: Report, capsys: pytest.CaptureFixture[str]) -> None:
    run.report(Namespace(report=published.id, format=form, store_conn_id="mlops_store_default"))
    printed = capsys.readouterr().out
    assert printed.lower().startswith(begins.lower())
    assert "mean 1" in printed


def test_a_report_that_is_not_there_ends_with_words(published: Report) -> None:
    with pytest.raises(SystemExit, match="there is no report nope"):
        run.report(Namespace(report="nope", format="text", store_conn_id="mlops_store_default"))
