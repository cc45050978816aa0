from __future__ import annotations

import logging
import runpy
import sys
import threading
import types

import pytest

from airflow_mlops import preload
from include.demo.environment import LOCAL_SETTINGS

SETTINGS = str(LOCAL_SETTINGS / "airflow_local_settings.py")


def test_a_missing_library_is_logged_and_the_others_are_imported(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, preload.__name__)
    assert set(preload.warm(["json", "no_such_library", "decimal"])) == {"json", "decimal"}
    assert "Skipping preload of no_such_library" in caplog.text


def test_nothing_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    before = threading.active_count()
    preload.warm(["json"])
    assert threading.active_count() == before


@pytest.mark.parametrize(
    ("arguments", "warmed"),
    [
        (["airflow", "scheduler", "--skip-serve-logs"], True),
        (["airflow", "api-server"], False),
        (["airflow"], False),
    ],
)
def test_only_the_scheduler_is_warmed(monkeypatch: pytest.MonkeyPatch, arguments: list[str], warmed: bool) -> None:
    calls: list[bool] = []
    monkeypatch.setattr(preload, "warm", lambda: calls.append(True))
    monkeypatch.setattr(sys, "argv", arguments)
    names = runpy.run_path(SETTINGS)
    assert bool(calls) is warmed
    assert names["__all__"] == []


def test_airflow_starts_without_the_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["airflow", "scheduler"])
    monkeypatch.setitem(sys.modules, "airflow_mlops.preload", types.ModuleType("empty"))
    runpy.run_path(SETTINGS)


def test_the_api_server_gives_up_a_locked_sqlite_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(LOCAL_SETTINGS / "demo_sqlite.py")
    monkeypatch.setattr(sys, "argv", ["airflow", "api-server"])
    patient_for = runpy.run_path(path)["connect_args"]["timeout"]
    monkeypatch.setattr(sys, "argv", ["airflow", "scheduler"])
    assert patient_for < runpy.run_path(path)["connect_args"]["timeout"]
