from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from include.demo.environment import LOCAL_SETTINGS, Secrets, airflow_environment, write_private
from include.demo.processes import MARKER

HOME = Path("/somewhere/build/airflow")
REPO = Path("/somewhere")
KEYS = Secrets(password="p", jwt="j", fernet="f", session="s")


def build(
    database_url: str | None = None, extra: dict[str, str] | None = None, base: dict[str, str] | None = None
) -> dict[str, str]:
    base = {"HOME": "/root", "PATH": "/usr/bin"} if base is None else base
    return airflow_environment(HOME, REPO, database_url, 8123, KEYS, extra, base)


def test_a_nearly_empty_environment_is_enough() -> None:
    env = build()
    assert env["HOME"] == "/root"
    assert env["PATH"].endswith(f"{os.pathsep}/usr/bin")
    assert env["AIRFLOW_HOME"] == str(HOME)
    assert env[MARKER] == str(HOME)


def test_everything_listens_on_loopback_and_tasks_find_the_chosen_port() -> None:
    env = build()
    assert env["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert env["AIRFLOW__API__PORT"] == "8123"
    assert env["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:8123/execution/"


def test_settings_of_another_airflow_are_left_out_but_connections_stay() -> None:
    base = {
        "PATH": "/usr/bin",
        "AIRFLOW_HOME": "/real",
        "AIRFLOW_CONFIG": "/real/airflow.cfg",
        "AIRFLOW__CORE__DAGS_FOLDER": "/real/dags",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql://real",
        "AIRFLOW_CONN_MY_DB": "postgresql://mine",
    }
    env = build(base=base)
    assert env["AIRFLOW_HOME"] == str(HOME)
    assert "AIRFLOW_CONFIG" not in env
    assert "AIRFLOW__CORE__DAGS_FOLDER" not in env
    assert "real" not in env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
    assert env["AIRFLOW_CONN_MY_DB"] == "postgresql://mine"


def test_extra_settings_win() -> None:
    env = build(extra={"AIRFLOW__CORE__PARALLELISM": "2", "MINE": "1"})
    assert env["AIRFLOW__CORE__PARALLELISM"] == "2"
    assert env["MINE"] == "1"


def test_python_path_keeps_what_the_user_has_and_finds_local_settings_and_repository() -> None:
    env = build(extra={"PYTHONPATH": "/first"}, base={"PYTHONPATH": "/last"})
    assert env["PYTHONPATH"].split(os.pathsep) == ["/first", str(LOCAL_SETTINGS), str(REPO), "/last"]
    assert (LOCAL_SETTINGS / "airflow_local_settings.py").is_file()


def test_only_sqlite_gets_sqlite_arguments() -> None:
    name = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONNECT_ARGS"
    assert build()["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == f"sqlite:///{HOME}/airflow.db"
    assert build()[name] == "demo_sqlite.connect_args"
    assert build("sqlite:////elsewhere.db")[name] == "demo_sqlite.connect_args"
    assert name not in build("postgresql+psycopg2://postgres:@/airflow?host=/tmp/x")


def test_the_bundle_is_the_repository() -> None:
    bundles = json.loads(build()["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"])
    assert [(bundle["name"], bundle["kwargs"]) for bundle in bundles] == [("airflow-mlops", {"path": str(REPO)})]


def test_a_proxy_never_sees_loopback() -> None:
    env = build(base={"NO_PROXY": "corp.example"})
    assert env["NO_PROXY"] == env["no_proxy"] == "corp.example,127.0.0.1,localhost"


def test_nobody_is_let_in_without_the_password() -> None:
    env = build()
    assert env["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS"] == "False"
    assert env["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"] == "admin:admin"


def test_secrets_stay_the_same_in_a_home_and_differ_between_homes(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    assert Secrets.load(first) == Secrets.load(first)
    assert Secrets.load(first).password != Secrets.load(second).password
    for file in first.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_damaged_secrets_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "demo_secrets.json").write_text('{"password": ')
    assert Secrets.load(tmp_path) == Secrets.load(tmp_path)


def test_a_private_file_that_others_could_read_becomes_private(tmp_path: Path) -> None:
    path = tmp_path / "passwords.json"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_base_is_the_process_environment_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_NAME_OF_MINE", "1")
    before = dict(os.environ)
    env = airflow_environment(HOME, REPO, None, 8080, KEYS)
    assert env["A_NAME_OF_MINE"] == "1"
    assert dict(os.environ) == before
