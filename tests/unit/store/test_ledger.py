"""The ledger: only ever added to, one change of champion after the other, whoever comes at the same time."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from airflow_mlops.common.errors import Conflict
from airflow_mlops.common.report import Check, Report
from airflow_mlops.store import ledger, reports
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import ChampionPeriod

START = datetime(2026, 4, 6, tzinfo=UTC)


def append(database: Database, expected: int | None, version: int = 1, model: str = "m", **how: Any) -> Any:
    given_facts = {"gate_report": None, "approver": None, "reason": "r", "actor": "a", "digest": "0", **how}
    return ledger.append(database, model=model, expected_revision=expected, version=version, **given_facts)


def test_the_first_entry_has_no_previous_one_and_each_other_names_its(each_database: Database) -> None:
    assert ledger.head(each_database, "m") is None
    for version, expected in enumerate([None, 1, 2], 1):
        entry = append(each_database, expected, version)
        assert (entry.revision, entry.previous_revision) == (version, expected)
        found = ledger.head(each_database, "m")
        assert found is not None
        assert (found.revision, found.version) == (version, version)


@pytest.mark.parametrize("expected", [None, 1, 3, 0])
def test_only_the_champion_of_now_can_be_replaced(each_database: Database, expected: int | None) -> None:
    append(each_database, None)
    append(each_database, 1)
    with pytest.raises(Conflict, match="run the gate again"):
        append(each_database, expected)
    assert [e.revision for e in ledger.history(each_database, "m")] == [2, 1]


def test_models_do_not_hinder_each_other(each_database: Database) -> None:
    assert [append(each_database, None, model=m).revision for m in ("a", "b", "c")] == [1, 1, 1]


def test_epochs_are_dense_and_chained_under_many_promoters(each_database: Database) -> None:
    sqlite = each_database.url.get_backend_name() == "sqlite"
    threads, promotions = 8, 20 if sqlite else 6  # each promotion opens connections, which cost more there
    conflicts: list[int] = []

    def promote(number: int) -> None:
        chance = random.Random(number)
        for turn in range(promotions):
            while True:
                head = ledger.head(each_database, "m")
                if chance.random() < 0.3:
                    ledger.history(each_database, "m", limit=1)
                try:
                    append(each_database, head.revision if head else None, turn, actor=f"{number}/{turn}")
                    break
                except Conflict:
                    conflicts.append(1)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(promote, range(threads)))
    entries = ledger.history(each_database, "m", limit=1000)[::-1]
    assert [e.revision for e in entries] == list(range(1, threads * promotions + 1))
    assert [e.previous_revision for e in entries] == [None, *range(1, threads * promotions)]
    assert len({e.actor for e in entries}) == threads * promotions
    assert conflicts  # they did meet


def test_a_gate_report_that_was_never_published_is_not_told_as_a_lost_race(each_database: Database) -> None:
    with pytest.raises(IntegrityError):
        append(each_database, None, gate_report="f" * 32)
    report = Report.from_checks("gate", "m v1", [Check("c", "pass")])
    reports.publish(each_database, report, actor="a")
    assert append(each_database, None, gate_report=report.id).gate_report == report.id


def test_the_history_comes_newest_first_in_pages(each_database: Database) -> None:
    for expected in (None, 1, 2, 3, 4):
        append(each_database, expected)
    assert [e.revision for e in ledger.history(each_database, "m", limit=2)] == [5, 4]
    assert [e.revision for e in ledger.history(each_database, "m", limit=2, before_revision=4)] == [3, 2]
    assert ledger.history(each_database, "m", before_revision=1) == []


def test_a_moment_belongs_to_the_entry_that_begins_with_it(each_database: Database) -> None:
    tick = timedelta(microseconds=1)
    append(each_database, None, 1, effective_at=START)
    append(each_database, 1, 2, effective_at=START + timedelta(days=7))
    found = [
        ledger.as_of(each_database, "m", START + delta)
        for delta in (-tick, timedelta(0), timedelta(days=7) - tick, timedelta(days=7))
    ]
    assert [e and e.version for e in found] == [None, 1, 1, 2]


def test_the_two_clocks_tell_their_own_story(each_database: Database) -> None:
    before = datetime.now(UTC)
    append(each_database, None, 1, effective_at=START)
    entry = append(each_database, 1, 2, effective_at=START + timedelta(days=7))
    assert before <= entry.recorded_at <= datetime.now(UTC)
    by_data = ledger.as_of(each_database, "m", START)
    by_store = ledger.as_of(each_database, "m", entry.recorded_at, clock="recorded")
    assert by_data is not None
    assert by_store is not None
    assert (by_data.version, by_store.version) == (1, 2)
    assert ledger.as_of(each_database, "m", before, clock="recorded") is None


def test_a_later_decision_overrides_what_an_earlier_one_had_planned(each_database: Database) -> None:
    append(each_database, None, 1, effective_at=START)
    append(each_database, 1, 2, effective_at=START + timedelta(days=7))  # announced for next week
    announced = ledger.head(each_database, "m")
    assert announced is not None
    assert announced.version == 2, "the newest decision, though it has not begun"
    assert version_at(each_database, START + timedelta(days=6)) == 1
    append(each_database, 2, 1, effective_at=START + timedelta(days=2), action="rollback")  # and taken back before
    assert [version_at(each_database, START + timedelta(days=d)) for d in (0, 2, 7, 100)] == [1, 1, 1, 1]


def version_at(database: Database, moment: datetime, clock: ledger.Clock = "effective") -> int | None:
    found = ledger.as_of(database, "m", moment, clock=clock)
    return None if found is None else found.version


@pytest.mark.parametrize("skew", [timedelta(days=1), timedelta(days=-1)])
def test_a_worker_whose_clock_is_wrong_does_not_change_the_order(
    each_database: Database, skew: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(each_database, None, 1)
    with monkeypatch.context() as patched:
        patched.setattr(ledger, "now", lambda: datetime.now(UTC) + skew)
        wrong = append(each_database, 1, 2)
    append(each_database, 2, 3)
    entries = ledger.history(each_database, "m")[::-1]
    assert [e.recorded_at for e in entries] == sorted(e.recorded_at for e in entries)
    assert version_at(each_database, max(e.recorded_at for e in entries), "recorded") == 3
    if each_database.url.get_backend_name() == "postgresql":  # its own clock, not the worker's
        assert abs(wrong.recorded_at - entries[0].recorded_at) < timedelta(hours=1)


def test_an_entry_without_a_data_clock_holds_from_now_on(each_database: Database) -> None:
    entry = append(each_database, None)
    assert entry.effective_at == entry.recorded_at


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 5), min_size=1, max_size=8), st.integers(-1, 6))
def test_the_champion_of_a_moment_is_the_latest_decision_of_those_that_had_begun(
    tmp_path_factory: Any, days: list[int], asked: int
) -> None:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('l')}/s.db")
    database.upgrade()
    for number, day in enumerate(days, 1):
        append(database, number - 1 or None, number, effective_at=START + timedelta(days=day))
    begun = [number for number, day in enumerate(days, 1) if day <= asked]
    found = ledger.as_of(database, "m", START + timedelta(days=asked))
    assert (found and found.version) == (max(begun) if begun else None)
    last = ledger.as_of(database, "m", START + timedelta(days=6))
    assert last is not None
    assert last.revision == len(days), "once all have begun, it is the head"


def test_an_entry_is_told_in_plain_values(each_database: Database) -> None:
    told = ledger.to_dict(append(each_database, None, effective_at=START))
    assert told["effective_at"] == "2026-04-06T00:00:00+00:00"
    assert (told["revision"], told["previous_revision"], told["version"]) == (1, None, 1)


def test_an_entry_is_found_by_its_epoch_and_by_who_made_it_however_long_ago(each_database: Database) -> None:
    for epoch in range(1, 121):
        append(each_database, epoch - 1 or None, version=epoch, actor=f"a{epoch}")
    assert ledger.at_revision(each_database, "m", 7).version == 7
    assert ledger.at_revision(each_database, "m", 121) is None
    assert ledger.find_promotion(each_database, "m", 3, "a3").revision == 3
    assert ledger.find_promotion(each_database, "m", 4, "a3") is None


def test_what_an_actor_has_done_and_when_a_version_last_became_champion_is_found(each_database: Database) -> None:
    append(each_database, None, 1, actor="a")
    append(each_database, 1, 2, actor="b")
    append(each_database, 2, 1, actor="c", action="rollback")
    done = ledger.find_action(each_database, "m", "rollback", "c")
    assert done is not None
    assert (done.revision, done.action) == (3, "rollback")
    assert ledger.find_action(each_database, "m", "rollback", "a") is None
    reigns = [ledger.last_entry_of_version(each_database, "m", 1, before_revision=e) for e in (None, 3, 1)]
    assert [r and r.revision for r in reigns] == [3, 1, None]
    assert ledger.last_entry_of_version(each_database, "m", 9) is None
    assert [e.action for e in ledger.history(each_database, "m")] == ["rollback", "promote", "promote"]


@pytest.mark.parametrize("seed", [0, 1])
def test_as_of_is_right_on_both_clocks_at_a_thousand_instants(each_database: Database, seed: int) -> None:
    chance = random.Random(seed)
    entries: list[Any] = []
    for epoch in range(1, 51):
        action = "rollback" if epoch > 2 and chance.random() < 0.3 else "promote"
        version = chance.choice(entries).version if action == "rollback" else epoch
        # Mostly a little later than the last; sometimes at the very same moment, in the past, or announced.
        step = chance.choice([0, 1, 1, 1, 2, 5, -3, 30])
        day = timedelta(days=step + (entries[-1].effective_at - START).days if entries else 0)
        how = {"action": action, "effective_at": START + day, "actor": str(epoch)}
        entries.append(append(each_database, epoch - 1 or None, version, **how))
    tick = timedelta(microseconds=1)
    for clock in ("effective", "recorded"):
        moments = [getattr(e, f"{clock}_at") for e in entries]
        low, high = min(moments), max(moments)
        asked = [low + (high - low) * chance.uniform(-0.05, 1.05) for _ in range(350)]
        asked += [m + d for m in moments for d in (-tick, timedelta(0), tick)]
        for moment in asked:
            begun = [e.version for e, m in zip(entries, moments, strict=True) if m <= moment]
            assert version_at(each_database, moment, clock) == (begun[-1] if begun else None)  # type: ignore[arg-type]


def test_champion_periods_are_the_entries_that_no_later_one_overrides(each_database: Database) -> None:
    rng = random.Random(3)
    starts = [START + timedelta(days=rng.randint(0, 20)) for _ in range(15)]
    for number, start in enumerate(starts, 1):
        append(each_database, number - 1 or None, number, effective_at=start)
    with each_database.session() as session:
        periods = [p.revision for p in session.scalars(select(ChampionPeriod).order_by(ChampionPeriod.effective_at))]
    assert periods == [n for n, start in enumerate(starts, 1) if all(start < later for later in starts[n:])]
    assert len(periods) < 15, "some decisions were overridden"
