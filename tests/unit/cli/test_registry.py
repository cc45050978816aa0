"""The commands on champions, called as Airflow calls them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from getpass import getuser
from pathlib import Path
from typing import Any

import pytest

from airflow_mlops.cli import registry
from airflow_mlops.cli.commands import get_commands
from airflow_mlops.core.models.artifact import digest_of
from airflow_mlops.hooks.store import connection_dict
from airflow_mlops.store import ledger, versions
from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Version

Command = Callable[[str], str]


@pytest.fixture
def champions(database: Database, mlflow_client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Versions 1 and 2 of ``churn``, champions one after the other; 3 never was."""
    connections = {
        "MLOPS_STORE_DEFAULT": connection_dict(f"sqlite:///{tmp_path}/store.db", (tmp_path / "snapshots").as_uri()),
        "MLFLOW_DEFAULT": {"conn_type": "mlflow", "extra": {"tracking_uri": mlflow_client.tracking_uri}},
    }
    for name, value in connections.items():
        monkeypatch.setenv(f"AIRFLOW_CONN_{name}", json.dumps(value))
    files = tmp_path / "files"
    files.mkdir()
    (files / "model.skops").write_bytes(b"files")
    mlflow_client.create_registered_model("churn")
    for number in (1, 2, 3):
        mlflow_client.create_model_version("churn", str(files))
        versions.add(
            database,
            Version(
                model="churn", version=number, digest=digest_of(files), run_id="", artifact_uri=str(files), cutoff=None,
                candidate="c", data={}, baseline={}, contract=None, actor="dag/run/register/-1", recorded_at=now(),
            ),
        )  # fmt: skip
    for number in (1, 2):
        ledger.append(
            database, model="churn", expected_revision=number - 1 or None, version=number, digest=digest_of(files),
            gate_report=None, approver="anna", reason=f"why {number}", actor="dag/run/promote/-1",
        )  # fmt: skip
    return database


@pytest.fixture
def airflow_mlops(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command and return its output."""
    (group,) = get_commands()
    commands = {c.name: c for c in group.subcommands}  # type: ignore[attr-defined]

    def run(line: str) -> str:
        name, *words = line.split(" ")
        parser = argparse.ArgumentParser()
        for argument in commands[name].args:
            argument.add_to_parser(parser)
        capsys.readouterr()
        commands[name].func(parser.parse_args([word.replace("_", " ") for word in words]))
        return capsys.readouterr().out

    return run


@pytest.mark.usefixtures("champions")
def test_the_history_is_a_table_or_json_in_pages(airflow_mlops: Command) -> None:
    facts = json.loads(airflow_mlops("history churn -o json"))
    assert [(e["revision"], e["version"], e["action"], e["approver"]) for e in facts] == [
        (2, 2, "promote", "anna"),
        (1, 1, "promote", "anna"),
    ]
    assert "why 2" in airflow_mlops("history churn")
    assert [e["revision"] for e in json.loads(airflow_mlops("history churn --before-revision 2 -o json"))] == [1]
    assert airflow_mlops("history churn --before-revision 1").strip() == "churn had no champion before"
    assert airflow_mlops("history other").strip() == "other never had a champion"


@pytest.mark.usefixtures("champions")
@pytest.mark.parametrize("clock", ["effective", "recorded"])
def test_the_champion_at_a_time_is_printed_for_either_clock(airflow_mlops: Command, clock: str) -> None:
    found = json.loads(airflow_mlops(f"as-of churn 2126-01-01 --clock {clock} -o json"))
    assert [e["version"] for e in found] == [2]
    assert airflow_mlops(f"as-of churn 2000-01-01 --clock {clock}").strip() == "churn had no champion then"
    with pytest.raises(SystemExit, match="not an ISO date"):
        airflow_mlops("as-of churn yesterday")


@pytest.mark.usefixtures("champions")
def test_the_lineage_of_a_version_or_of_the_champion_is_printed(airflow_mlops: Command) -> None:
    facts = json.loads(airflow_mlops("lineage churn -o json"))
    assert facts["version"]["version"] == 2
    assert [e["reason"] for e in facts["champion_periods"]] == ["why 2"]
    assert "dag/run/register/-1" in airflow_mlops("lineage churn/1").replace("\n", "")
    with pytest.raises(SystemExit, match="churn v9"):
        airflow_mlops("lineage churn/9")


def test_a_rollback_stores_the_reason_and_the_user_in_the_ledger(
    airflow_mlops: Command, champions: Database, mlflow_client: Any
) -> None:
    (entry,) = json.loads(airflow_mlops("rollback churn --reason many_complaints -o json"))
    assert (entry["version"], entry["action"], entry["reason"]) == (1, "rollback", "many complaints")
    assert entry["actor"] == f"cli/{getuser()}"
    assert mlflow_client.get_registered_model("churn").aliases["champion"] in ("1", 1)
    assert "many complaints" not in airflow_mlops("rollback churn --to 2 --reason sorry")
    assert [e.version for e in ledger.history(champions, "churn")] == [2, 1, 2, 1]


@pytest.mark.usefixtures("champions")
def test_a_rejected_command_exits_with_a_message(airflow_mlops: Command) -> None:
    for line, message in {
        "rollback churn --to 3 --reason r": "was never champion",
        "rollback other --reason r": "has no champion",
        "adopt churn": "has a champion already: v2",
        "adopt nobody": "no such version of 'nobody'",
        "adopt nobody --data rows@2026": "no",
    }.items():
        with pytest.raises(SystemExit, match=message):
            airflow_mlops(line)
    with pytest.raises(SystemExit):
        airflow_mlops("rollback churn")  # the reason is required


def test_adopting_without_data_prints_a_warning(
    airflow_mlops: Command, champions: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from airflow_mlops.core.registry import adoption

    calls: list[Any] = []

    def fake_adopt(*_: Any, **arguments: Any) -> Any:
        calls.append(arguments)
        return ledger.head(champions, "churn")

    monkeypatch.setattr(adoption, "adopt", fake_adopt)
    registry.adopt(
        argparse.Namespace(
            model="new", version=None, uri="runs:/1/model", data=None, contract=None, trusted_type=["a.B"],
            reason="begun", output="table", store_conn_id="mlops_store_default", mlflow_conn_id="mlflow_default",
        )
    )  # fmt: skip
    assert "the gate blocks" in capsys.readouterr().err
    (arguments,) = calls
    assert (arguments["model"], arguments["uri"], arguments["trusted"], arguments["reason"]) == (
        "new",
        "runs:/1/model",
        ["a.B"],
        "begun",
    )
    assert arguments["actor"] == f"cli/{getuser()}"
