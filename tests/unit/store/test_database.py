"""The store says where it is and what to do, and writes moments that every database reads back alike."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, inspect, select, text

from airflow_mlops.common.errors import StoreNotReady
from airflow_mlops.store import catalogue, claims, episodes, ledger, reports, schema, versions, windows
from airflow_mlops.store.clock import from_iso, to_iso
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Base, Claim

zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=st.just(UTC) | zones)


# Migration.


def test_upgrading_makes_all_tables_and_may_be_done_again(unmigrated: Database) -> None:
    assert unmigrated.version() is None
    for _ in range(2):
        unmigrated.upgrade()
    assert unmigrated.version() == schema.head()
    unmigrated.check()
    names = set(inspect(unmigrated.engine).get_table_names())
    assert names == {*Base.metadata.tables, schema.VERSION_TABLE}
    assert all(n.startswith("mlops_") for n in names)


def test_upgrading_from_many_containers_at_once_works(unmigrated: Database) -> None:
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: Database(unmigrated.url).upgrade(), range(6)))
    unmigrated.check()


@pytest.mark.parametrize(
    "question",
    [
        lambda d: d.check(),
        lambda d: ledger.head(d, "m"),
        lambda d: claims.begin(d, "run", "k"),
        lambda d: catalogue.partitions(d, "x"),
        lambda d: reports.get(d, "r"),
        lambda d: windows.of_model(d, "m", "drift"),
        lambda d: episodes.pending_requests(d),
        lambda d: versions.of_model(d, "m"),
    ],
    ids=["check", "ledger", "claims", "catalogue", "reports", "windows", "episodes", "versions"],
)
def test_a_store_that_was_not_migrated_names_the_command(unmigrated: Database, question: Any) -> None:
    with pytest.raises(StoreNotReady, match="airflow mlops db upgrade"):
        question(unmigrated)


def test_a_database_that_cannot_be_reached_is_told_without_the_password(tmp_path: Path) -> None:
    pytest.importorskip("psycopg2")
    for url in ("postgresql+psycopg2://me:secret@127.0.0.1:1/x", f"sqlite:///{tmp_path}/no/such/folder/s.db"):
        with pytest.raises(StoreNotReady) as told:
            ledger.head(Database(url), "m")
        assert "secret" not in str(told.value)
        assert str(told.value.hint).startswith("correct the connection's ")


# Sessions.


def test_an_error_rolls_everything_of_the_session_back(each_database: Database) -> None:
    def work() -> None:
        with each_database.session() as session:
            session.add(Claim(kind="run", key="k", value=None, claimed_at=datetime.now(UTC), finished_at=None))
            session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert claims.begin(each_database, "run", "k") is None


def test_no_connection_is_held_between_uses(each_database: Database) -> None:
    claims.begin(each_database, "run", "k")
    assert each_database.engine.pool.status() == "NullPool"


def test_sqlite_keeps_foreign_keys(database: Database) -> None:
    with database.session() as session:
        assert session.execute(text("PRAGMA foreign_keys")).scalar() == 1


# Moments.


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moments)
def test_a_moment_comes_back_in_utc_to_the_microsecond(each_database: Database, moment: datetime) -> None:
    with each_database.session() as session:
        session.execute(delete(Claim))
        session.add(Claim(kind="k", key="k", value=None, claimed_at=moment, finished_at=None))
    with each_database.session() as session:
        found = session.scalars(select(Claim.claimed_at)).one()
    assert found == moment
    assert found.utcoffset() == timedelta(0)


@given(moments, moments)
def test_the_text_of_moments_sorts_as_they_do(one: datetime, other: datetime) -> None:
    assert (to_iso(one) < to_iso(other)) == (one < other)
    assert from_iso(to_iso(one)) == one
    assert len(to_iso(one)) == 32


def test_moments_and_partitions_sort_in_the_database_as_in_python(each_database: Database) -> None:
    moments_ = [datetime(2026, 4, 6, 9, 59, 59, 999999, UTC) + timedelta(microseconds=i) for i in (0, 1, 10, 10**7)]
    with each_database.session() as session:
        session.add_all(
            Claim(kind="k", key=str(i), value=None, claimed_at=m, finished_at=None)
            for i, m in enumerate(moments_[::-1])
        )
    with each_database.session() as session:
        assert list(session.scalars(select(Claim.claimed_at).order_by(Claim.claimed_at))) == moments_


def test_a_moment_without_a_zone_is_utc() -> None:
    assert from_iso("2026-04-06") == datetime(2026, 4, 6, tzinfo=UTC)
    assert to_iso(datetime(2026, 4, 6)) == "2026-04-06T00:00:00.000000+00:00"
    with pytest.raises(ValueError, match="Invalid isoformat"):
        from_iso("latest")


# Two processes.


def claim_in_another_process(url: str, start: Any, found: Any) -> None:
    start.wait()
    found.put(claims.begin(Database(url), "run", "the task") is None)


def test_of_two_processes_one_has_the_claim(each_database: Database) -> None:
    context = multiprocessing.get_context("fork")
    start, found = context.Event(), context.Queue()
    url = each_database.url.render_as_string(hide_password=False)
    workers = [context.Process(target=claim_in_another_process, args=(url, start, found)) for _ in range(2)]
    for worker in workers:
        worker.start()
    start.set()
    assert sorted(found.get(timeout=30) for _ in workers) == [False, True]
    for worker in workers:
        worker.join(30)
