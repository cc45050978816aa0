"""The examples of the page on champions work as described."""

from __future__ import annotations

import argparse
import json
import re
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from airflow.cli.cli_config import ActionCommand

from airflow_mlops.cli.commands import get_commands
from airflow_mlops.core.registry.promotion import GuardRefused
from airflow_mlops.core.registry.promotion_race import MAX_REEVALUATIONS, LostPromotionRace
from airflow_mlops.hooks.store import connection_dict
from airflow_mlops.store import ledger
from airflow_mlops.store.database import Database

PAGE = (Path(__file__).parents[3] / "docs" / "champion.md").read_text(encoding="utf-8")
PROSE = " ".join(PAGE.split())


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def ran(name: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(blocks(f"python {name}")[0], "docs/champion.md", "exec"), names)
    return names


def test_the_tasks_can_be_made_as_they_stand_there() -> None:
    from airflow_mlops.execution.steps.parameters import EvaluateParameters

    names = ran("promotion")
    parameters = names["promote"].evaluation
    assert set(parameters) < set(EvaluateParameters.model_fields)
    assert parameters["target"] == "churned"
    assert ran("rollback")["rollback"].to_version is None


def test_the_question_is_answered(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    url = database.url.render_as_string(hide_password=False)
    monkeypatch.setenv("AIRFLOW_CONN_MLOPS_STORE_DEFAULT", json.dumps(connection_dict(url, "file:///nowhere")))
    assert ran("question")["champion"] is None


def test_every_command_that_is_shown_is_understood() -> None:
    (group,) = get_commands()
    known = {c.name: c for c in group.subcommands if isinstance(c, ActionCommand)}  # type: ignore[attr-defined]
    shown = re.findall(r"^airflow mlops (\S+) (.*?)(?:  +#.*)?$", PAGE, flags=re.MULTILINE)
    assert {name for name, _ in shown} == {"history", "as-of", "lineage", "rollback", "adopt"}
    for name, rest in shown:
        parser = argparse.ArgumentParser(exit_on_error=False)
        for argument in known[name].args:
            argument.add_to_parser(parser)
        parser.parse_args(shlex.split(rest))


def test_the_table_of_the_clocks_is_what_the_ledger_says(database: Database) -> None:
    rows = re.findall(r"^\| (\d) \| .*?version (\d).*? \| (\d+) May \|", PAGE, flags=re.MULTILINE)
    assert [(int(e), int(v), int(d)) for e, v, d in rows] == [(1, 1, 1), (2, 2, 17), (3, 1, 8)]
    for revision, version, day in rows:
        moment = datetime(2026, 5, int(day), tzinfo=UTC)
        ledger.append(
            database, model="m", expected_revision=int(revision) - 1 or None, version=int(version), digest="d",
            gate_report=None, approver=None, reason="r", actor="a", effective_at=moment,
        )  # fmt: skip
        if revision == "2":
            announced = ledger.as_of(database, "m", datetime(2026, 5, 20, tzinfo=UTC))
            assert announced is not None
            assert announced.version == 2
    found = [ledger.as_of(database, "m", datetime(2026, 5, day, tzinfo=UTC)) for day in (3, 10, 20)]
    assert [(e and e.revision, e and e.version) for e in found] == [(1, 1), (3, 1), (3, 1)]


def test_the_promises_on_the_loser_are_those_of_the_code() -> None:
    assert MAX_REEVALUATIONS == 3
    assert "It tries three times" in PROSE
    assert issubclass(LostPromotionRace, GuardRefused), "which skips the task"


def test_the_columns_of_an_entry_are_those_that_are_named() -> None:
    from airflow_mlops.store.tables import LedgerEntry

    (named,) = re.findall(r"An entry is `\((.*?)\)`", PROSE)
    assert sorted(n.strip().replace(" ", "_") for n in named.split(",")) == sorted(LedgerEntry.__table__.columns.keys())
