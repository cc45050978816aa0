"""A fence: whatever a superseded attempt writes is refused, and only the attempt that began last may publish."""

from __future__ import annotations

import multiprocessing
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, text
from sqlalchemy.exc import OperationalError

import airflow_mlops.store
from airflow_mlops.common.errors import Conflict, StoreNotReady, Superseded
from airflow_mlops.common.refs import ModelVersionRef, SnapshotRef
from airflow_mlops.common.report import Check, Report
from airflow_mlops.store import (
    attempts,
    baselines,
    catalogue,
    claims,
    episodes,
    ledger,
    reports,
    score_sets,
    versions,
    windows,
)
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Attempt, Base, MonitoringWindow, Version

KEY = "dag/run/task/-1"


def attempt(database: Database, key: str = KEY, **of: Any) -> Database:
    """Begin an attempt as another process would: with a connection of its own."""
    own = Database(database.url)
    return own.fenced(key, attempts.begin(own, key, **of))


def version() -> Version:
    return Version(
        model="m",
        version=2,
        digest="d",
        run_id="r",
        artifact_uri="file:///a",
        candidate="c",
        data={},
        baseline={},
        actor=KEY,
        recorded_at=datetime.now(UTC),
    )


def entry(database: Database) -> Any:
    return ledger.append(
        database,
        model="m",
        expected_revision=None,
        version=1,
        digest="d",
        gate_report=None,
        approver=None,
        reason="",
        actor=KEY,
    )


def window(database: Database, value: float = 1) -> None:
    windows.record(database, windows.WindowResult("m", 1, "drift", "p", "pass", 1, value))


def scored(database: Database) -> None:
    rows = SnapshotRef("d", "id", "file:///id", 1, "2026-04-06")
    version = ModelVersionRef("m", 1, "d", "r", None)
    score_sets.record(database, "key", version=version, rows=rows, scores=rows, actor=KEY)


PUBLISHING: dict[str, Callable[[Database], Any]] = {
    "report": lambda d: reports.publish(d, Report.from_checks("drift", "s", [Check("c", "pass")]), actor=KEY),
    "snapshot": lambda d: catalogue.record(d, SnapshotRef("d", "id", "file:///id", 1, "2026-04-06")),
    "version": lambda d: versions.add(d, version()),
    "gate": lambda d: versions.bind_gate(d, "m", 1, report_id="r", decision="promote"),
    "baseline": lambda d: baselines.save(d, "m", 1, "scores", {}),
    "promotion": entry,
    "window": window,
    "scores": scored,
    "claim": lambda d: claims.begin(d, "run", "new"),
    "claim noted": lambda d: claims.record(d, "run", "old", {"run_id": "mine"}, finished=True),
    "claim finished": lambda d: claims.finish(d, "run", "old", {}, holder="old"),
    "episode": lambda d: episodes.open_episode(d, model="other", version=1, change_partition="p", report=None),
    "episode requested": lambda d: episodes.request(d, 1, partition="p", cutoff="c"),
    "episode claimed": lambda d: episodes.claim(d, 1, actor=KEY),
    "episode closed": lambda d: episodes.close(d, 1, actor=KEY, outcome="promoted"),
    "episode given back": lambda d: episodes.release(d, 1, actor=KEY, outcome="failed"),
    "episode superseded": lambda d: episodes.supersede(d, 1),
}


def fill(database: Database) -> None:
    """Put there what the publishing steps change."""
    first = version()
    first.version = 1
    versions.add(database, first)
    claims.begin(database, "run", "old")
    claims.record(database, "run", "old", {"run_id": "old"}, finished=False)
    episodes.open_episode(database, model="m", version=1, change_partition="p", report=None)


def content(database: Database) -> dict[str, list[Any]]:
    with database.session() as session:
        tables = [t for t in Base.metadata.sorted_tables if t.name != "mlops_attempts"]
        return {t.name: [tuple(row) for row in session.execute(select(t))] for t in tables}


@pytest.mark.parametrize("what", PUBLISHING)
def test_a_zombie_beside_its_retry_publishes_nothing(each_database: Database, what: str) -> None:
    fill(each_database)
    zombie = attempt(each_database)
    retry = attempt(each_database)
    before = content(each_database)
    with pytest.raises(Superseded, match="a later attempt of this task has taken over"):
        PUBLISHING[what](zombie)
    assert content(each_database) == before
    PUBLISHING[what](retry)


def test_every_module_that_writes_is_tried() -> None:
    folder = Path(airflow_mlops.store.__file__).parent
    writing = [
        f.stem for f in folder.glob("*.py") if re.search(r"session\.(add|merge)|update\(|insert\(", f.read_text())
    ]
    tried = {name for step in PUBLISHING.values() for name in step.__code__.co_names}
    assert [name for name in writing if name not in {*tried, "attempts", "database"}] == []


def test_a_superseded_attempt_is_told_by_whom(each_database: Database) -> None:
    zombie = attempt(each_database, try_number=1, try_id="0191-a")
    attempt(each_database, try_number=2, try_id="0192-b")
    with pytest.raises(Superseded, match=r"taken over, try 2, begun at 20\d\d-") as told:
        window(zombie)
    assert told.value.where == KEY
    assert isinstance(told.value, Conflict)


def test_attempts_of_other_tasks_and_readers_are_not_in_the_way(each_database: Database) -> None:
    one, other = attempt(each_database), attempt(each_database, "dag/run/task/0")
    window(one, 1)
    window(other, 2)
    window(each_database, 3)
    assert [w.value for w in windows.of_model(one, "m", "drift")] == [3]


@pytest.mark.parametrize(
    ("stored", "late", "refused"),
    [
        ((2, "0192-b"), (1, "0191-a"), True),
        ((1, "0191-a"), (2, "0192-b"), False),
        ((2, "0192-b"), (2, "0192-b"), False),  # goes on after a deferral
        ((2, "0192-b"), (1, "0193-c"), False),  # the run was deleted and made anew
        ((1, "0192-b"), (2, "0191-a"), False),  # a scheduler's clock is behind
        ((2, "0192-b"), (None, None), False),
        ((None, None), (1, "0191-a"), False),
    ],
)
def test_an_attempt_that_wakes_up_after_a_later_try_began_does_not_take_over(
    each_database: Database, stored: tuple[Any, Any], late: tuple[Any, Any], refused: bool
) -> None:
    first = attempt(each_database, try_number=stored[0], try_id=stored[1])
    if refused:
        with pytest.raises(Superseded):
            attempt(each_database, try_number=late[0], try_id=late[1])
        window(first)
    else:
        attempt(each_database, try_number=late[0], try_id=late[1])
        with pytest.raises(Superseded):
            window(first)


def test_an_attempt_that_the_store_does_not_know_publishes_nothing(each_database: Database) -> None:
    running = attempt(each_database)
    with each_database.session() as session:  # the store was restored from a backup
        session.execute(delete(Attempt))
    with pytest.raises(Superseded, match="does not know this attempt"):
        window(running)


def test_the_next_attempt_begins_only_when_what_the_zombie_has_begun_to_write_is_done(postgres: str) -> None:
    database = Database(postgres)
    zombie = attempt(database)
    held = text("SELECT 1 FROM mlops_attempts WHERE key = :key FOR UPDATE NOWAIT")
    with zombie.session():
        with pytest.raises(OperationalError, match="could not obtain lock"), database.engine.connect() as connection:
            connection.execute(held, {"key": KEY})
        with zombie.session() as beside:  # while sessions of one attempt do not wait for each other
            assert beside.scalar(select(Attempt.key).where(Attempt.key == KEY)) == KEY
    with database.engine.connect() as connection:
        connection.execute(held, {"key": KEY})


def test_a_zombie_that_is_frozen_while_it_writes_does_not_keep_its_retry_waiting(
    postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(postgres)
    zombie = attempt(database)
    monkeypatch.setattr(attempts, "FROZEN_SECONDS", 1)

    def frozen() -> None:
        with zombie.session() as session:
            session.add(version())
            session.flush()
            attempt(database)  # waits until the server has ended the zombie's session
            session.execute(select(Version))

    with pytest.raises(StoreNotReady, match="the connection was lost"):
        frozen()
    assert database.row_counts()["mlops_versions"] == 0


def publish_in_another_process(url: str, go: Any, said: Any) -> None:
    own = Database(url)
    fenced = own.fenced(KEY, attempts.begin(own, KEY))
    said.put("begun")
    go.wait()
    try:
        window(fenced)
        said.put("published")
    except Superseded:
        said.put("superseded")


def test_a_process_that_lives_on_beside_its_retry_publishes_nothing(each_database: Database) -> None:
    context = multiprocessing.get_context("fork")
    go, said = context.Event(), context.Queue()
    url = each_database.url.render_as_string(hide_password=False)
    zombie = context.Process(target=publish_in_another_process, args=(url, go, said))
    zombie.start()
    assert said.get(timeout=30) == "begun"
    retry = attempt(each_database)
    go.set()
    assert said.get(timeout=30) == "superseded"
    zombie.join(30)
    assert windows.of_model(each_database, "m", "drift") == []
    window(retry)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 2)), max_size=12))
def test_in_any_order_only_the_attempt_that_began_last_publishes(
    each_database: Database, steps: list[tuple[bool, int]]
) -> None:
    with each_database.session() as session:
        session.execute(delete(MonitoringWindow))
        session.execute(delete(Attempt))
    fenced: dict[int, Database] = {}
    last, published = None, []
    for number, (begins, who) in enumerate(steps):
        if begins:
            fenced[who], last = attempt(each_database), who
        elif who in fenced:
            if who == last:
                window(fenced[who], number)
                published.append(float(number))
            else:
                with pytest.raises(Superseded):
                    window(fenced[who], number)
    assert [w.value for w in windows.of_model(each_database, "m", "drift")] == published[-1:]


def test_of_many_attempts_at_once_exactly_one_may_publish_in_the_end(each_database: Database) -> None:
    start = threading.Barrier(6)

    def run(_: int) -> Database:
        start.wait()
        return attempt(each_database)

    with ThreadPoolExecutor(6) as pool:
        begun = list(pool.map(run, range(6)))
    may = []
    for number, database in enumerate(begun):
        try:
            window(database, number)
            may.append(float(number))
        except Superseded:
            pass
    assert len(may) == 1
    assert [w.value for w in windows.of_model(each_database, "m", "drift")] == may


def test_what_began_long_ago_is_counted_by_its_day_and_forgotten(
    each_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, day in enumerate((1, 1, 2, 9)):
        monkeypatch.setattr(attempts, "now", lambda day=day: datetime(2026, 4, day, 12, tzinfo=UTC))
        attempt(each_database, f"dag/run{number}/task/-1")
    before = datetime(2026, 4, 9, tzinfo=UTC)
    assert attempts.count_expired(each_database, before) == {"2026-04-01": 2, "2026-04-02": 1}
    assert [
        attempts.delete_expired(each_database, day, before) for day in ("2026-04-01", "2026-04-01", "2026-04-09")
    ] == [
        2,
        0,
        0,
    ]
    assert attempts.count_expired(each_database, before) == {"2026-04-02": 1}


@pytest.mark.parametrize(("kind", "key"), [("run", KEY), ("version", KEY), ("trial", f"{KEY}#0a1b/3")])
def test_an_attempt_with_an_open_claim_may_still_publish_however_old_it_is(
    each_database: Database, kind: str, key: str
) -> None:
    at_work, other = attempt(each_database), attempt(each_database, "dag/run/other/-1")
    claims.begin(at_work, kind, key)
    later = datetime.now(UTC) + timedelta(days=400)
    day, count = next(iter(attempts.count_expired(each_database, later).items()))
    assert (count, attempts.delete_expired(each_database, day, later)) == (1, 1)
    window(at_work)
    with pytest.raises(Superseded, match="does not know this attempt"):
        window(other)
    claims.record(at_work, kind, key, {}, finished=True)
    assert attempts.delete_expired(each_database, day, later) == 1


def test_an_attempt_that_begins_anew_between_the_look_and_the_sweep_stays(each_database: Database) -> None:
    first = attempt(each_database)
    before = datetime.now(UTC)
    (day,) = attempts.count_expired(each_database, before)
    again = attempt(each_database)
    assert attempts.delete_expired(each_database, day, before) == 0
    window(again)
    with pytest.raises(Superseded):
        window(first)
