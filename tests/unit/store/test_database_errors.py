"""Each cause of an unusable store gets its own message and hint, with the real drivers' errors."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url

from airflow_mlops.common.errors import StoreNotReady
from airflow_mlops.store import database as database_module
from airflow_mlops.store import database_errors
from airflow_mlops.store.database import Database

DRIVERS = ["postgresql+psycopg2", "postgresql+psycopg"]


def check_error(url: str | URL) -> StoreNotReady:
    with pytest.raises(StoreNotReady) as refused:
        Database(url).check()
    return refused.value


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The port of a server that takes connections and says nothing."""
    monkeypatch.setattr(database_module, "CONNECT_SECONDS", 2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def another_service() -> Iterator[int]:
    """The port of a server that speaks HTTP."""

    def answer() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.recv(1000)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=answer, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("driver", DRIVERS)
def test_addresses_that_are_wrong_have_messages_of_their_own(
    driver: str, silent: int, another_service: int, tmp_path: Path
) -> None:
    pytest.importorskip(driver.partition("+")[2])
    asked = {
        f"{driver}://me:secret@127.0.0.1:1/x": "nothing listens at that port",
        f"{driver}://me:secret@no-such-host.invalid/x": "no such host",
        f"{driver}://me:secret@127.0.0.1:{silent}/x": "no response from that address",
        f"{driver}://me:secret@127.0.0.1:{another_service}/x": "is not PostgreSQL",
        f"{driver}://me:secret@/x?host={tmp_path}": "no database server listens at that socket",
    }
    for url, words in asked.items():
        error = check_error(url)
        assert words in error.what
        assert str(error.hint).startswith("correct ")
        assert "secret" not in str(error)


@pytest.fixture
def guarded(postgres: str) -> URL:
    """A server with a login that needs its password, one that may not come in, and one that may not do anything."""
    url = make_url(postgres)
    with create_engine(url, isolation_level="AUTOCOMMIT").connect() as connection:
        for role in ("locked", "outlaw", "stranger"):
            if not connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}):
                connection.execute(text(f"CREATE ROLE {role} LOGIN PASSWORD 'right'"))
        file = Path(connection.scalar(text("SHOW hba_file")) or "")
        rules = "local all locked scram-sha-256\nlocal all outlaw reject\n"
        if not file.read_text().startswith(rules):
            file.write_text(rules + file.read_text())
            connection.execute(text("SELECT pg_reload_conf()"))
    return url


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_wrong_login_and_a_missing_database_have_messages_of_their_own(driver: str, guarded: URL) -> None:
    pytest.importorskip(driver.partition("+")[2])
    url = guarded.set(drivername=driver)
    login, door, missing = "login or the password is wrong", "does not accept this login", "the database does not exist"
    assert login in check_error(url.set(username="nobody_at_all")).what
    wrong = check_error(url.set(username="locked", password="wrong"))
    assert login in wrong.what
    assert "wrong@" not in str(wrong)
    assert login in check_error(url.set(username="locked")).what
    assert door in check_error(url.set(username="outlaw")).what
    nowhere = check_error(url.set(database="nowhere"))
    assert missing in nowhere.what
    assert "CREATE DATABASE" in str(nowhere.hint)
    inside = check_error(url.set(username="locked", password="right"))
    assert "the login lacks the required privilege (permission denied for table mlops_alembic_version)" in inside.what


def test_a_login_that_may_not_write_or_may_not_make_tables_is_check_error(guarded: URL) -> None:
    stranger = Database(guarded.set(username="stranger"))
    with pytest.raises(StoreNotReady, match="the login lacks the required privilege .*mlops_") as refused:
        stranger.check_rights()
    assert "grant it" in str(refused.value.hint)
    Database(guarded).check_rights()
    with create_engine(guarded, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text("DROP DATABASE IF EXISTS empty_one"))
        connection.execute(text("CREATE DATABASE empty_one"))
    with pytest.raises(StoreNotReady, match="lacks the required privilege .*schema public"):
        Database(guarded.set(username="stranger", database="empty_one")).upgrade()


def test_asking_for_the_rights_changes_nothing(each_database: Database) -> None:
    before = each_database.row_counts()
    each_database.check_rights()
    assert each_database.row_counts() == before
    assert set(before.values()) == {0}


def test_files_that_are_wrong_have_messages_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("this is no database, however long it is. " * 100)
    assert "the file cannot be opened" in check_error(f"sqlite:///{tmp_path}/no/folder/s.db").what
    assert "not a SQLite database" in check_error(f"sqlite:///{tmp_path}/text.db").what
    assert "no tables yet" in check_error(f"sqlite:///{tmp_path}/new.db").what


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_file_that_cannot_be_written_is_check_error(database: Database) -> None:
    Path(str(database.url.database)).chmod(0o400)
    with pytest.raises(StoreNotReady, match="cannot be written to"):
        database.check_rights()


def test_a_wrong_statement_is_not_an_error_of_the_store(each_database: Database) -> None:
    from sqlalchemy.exc import DBAPIError

    with pytest.raises(DBAPIError) as error, each_database.session() as session:
        session.execute(text("INSERT INTO mlops_claims (kind) VALUES ('certificate, disk is full')"))
    assert database_errors.explain(error.value, "x") is None


@pytest.mark.parametrize("trouble", database_errors._CAUSES, ids=lambda t: t.what)
def test_every_cause_has_a_hint(trouble: Any) -> None:
    assert trouble.what
    assert trouble.hint[0].islower()
    assert not trouble.hint.endswith(".")
