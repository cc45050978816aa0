"""Rollback: an earlier champion is champion again, by an entry of its own, and its baseline with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_mlops.common.errors import Conflict, NotFound, Refused
from airflow_mlops.core.registry import rollback as module
from airflow_mlops.core.registry.history import champion_at
from airflow_mlops.core.registry.rollback import rollback
from airflow_mlops.store import ledger


@pytest.fixture
def three(world: Any) -> Any:
    """Versions 1 to 3 of one run have been champion one after another; 4 never was."""
    run = world.written("t")
    world.refs = {n: world.registered(str(n), f"2026-04-{n:02}", run=run) for n in (1, 2, 3, 4)}
    for n in (1, 2, 3):
        world.promoted(world.refs[n], f"p{n}", world.gated(world.refs[n], "promote"))
    return world


def back(world: Any, actor: str = "a", **how: Any) -> Any:
    return rollback(world.client, world.database, model="m", actor=actor, **{"reason": "complaints", **how})


def test_the_champion_before_is_champion_again_by_an_entry_of_its_own(three: Any) -> None:
    entry = back(three, approver="anna")
    assert (entry.revision, entry.previous_revision, entry.version, entry.action) == (4, 3, 2, "rollback")
    assert (entry.reason, entry.actor, entry.approver) == ("complaints", "a", "anna")
    second = ledger.at_revision(three.database, "m", 2)
    assert second is not None
    assert (entry.gate_report, entry.digest) == (second.gate_report, second.digest)
    assert three.aliases() == {"champion": 2, "previous": 3}
    champion = champion_at(three.database, "m")
    assert champion is not None
    assert champion.version == 2, "and with it its baseline, contract and data"


def test_again_it_goes_further_back_and_never_to_what_was_rolled_back(three: Any) -> None:
    assert [back(three, actor).version for actor in ("a", "b")] == [2, 1]
    with pytest.raises(Refused, match="m had no other champion before v1"):
        back(three, "c")


def test_after_a_rollback_and_a_promotion_the_champion_before_is_the_one_that_had_come_back(three: Any) -> None:
    back(three, "a", to=1)
    three.promoted(three.refs[4], "p4", three.gated(three.refs[4], "promote"), allow_older=True)
    assert back(three, "b").version == 1


def test_a_named_version_that_was_champion_before_needs_no_new_gate(three: Any) -> None:
    assert back(three, to=1).version == 1


def test_a_retry_gives_the_entry_that_was_made_though_the_champion_before_is_another_now(three: Any) -> None:
    assert {back(three, "task").revision for _ in range(3)} == {4}
    assert len(ledger.history(three.database, "m")) == 4


def test_a_person_may_roll_back_twice(three: Any) -> None:
    assert [back(three, "cli/anna", once=False).version for _ in range(2)] == [2, 1]


def test_a_kill_between_ledger_and_alias_is_mended_by_the_retry(three: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(module, "reconcile", killed)
        with pytest.raises(KeyboardInterrupt):
            back(three, "task")
    assert three.aliases()["champion"] == 3
    back(three, "task")
    assert three.aliases()["champion"] == 2
    assert ledger.head(three.database, "m").revision == 4


def test_a_version_that_was_never_champion_is_refused_unless_its_gate_let_it_pass(three: Any) -> None:
    from airflow_mlops.store import versions

    with pytest.raises(Refused, match="m v4 was never champion, and has not passed a gate"):
        back(three, to=4)
    for decision in ("reject", "hold"):
        report = three.gated(three.refs[4], decision)
        versions.bind_gate(three.database, "m", 4, report_id=report, decision=decision)
        with pytest.raises(Refused, match="did not let m v4 pass"):
            back(three, to=4)
    report = three.gated(three.refs[4], "promote")
    versions.bind_gate(three.database, "m", 4, report_id=report, decision="promote")
    entry = back(three, to=4)
    assert (entry.version, entry.gate_report) == (4, report)


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_without_a_reason_nothing_is_rolled_back(three: Any, reason: str) -> None:
    with pytest.raises(Refused, match="needs a reason"):
        back(three, reason=reason)
    assert len(ledger.history(three.database, "m")) == 3


def test_to_the_champion_itself_to_nothing_and_of_nothing_is_told(three: Any) -> None:
    with pytest.raises(Refused, match="m v3 is champion already"):
        back(three, to=3)
    with pytest.raises(NotFound, match="m v9 is not in the lifecycle store"):
        back(three, to=9)
    with pytest.raises(NotFound, match="'nobody' has no champion"):
        rollback(three.client, three.database, model="nobody", reason="r", actor="a")


def test_files_that_were_changed_meanwhile_do_not_come_back(three: Any) -> None:
    file = next(Path("artifacts").rglob("model.skops"))
    file.write_bytes(file.read_bytes() + b"!")
    with pytest.raises(Refused, match="do not match the registered digest"):
        back(three)
    assert three.aliases()["champion"] == 3


def test_a_promotion_just_before_is_not_undone_by_a_rollback_that_meant_another(
    three: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(*_: Any) -> None:
        three.promoted(three.refs[4], "p4", three.gated(three.refs[4], "promote"))

    monkeypatch.setattr(module, "verify_digest", meanwhile)
    with pytest.raises(Conflict, match="has changed concurrently: nothing was rolled back"):
        back(three)
    assert [e.version for e in ledger.history(three.database, "m")] == [4, 3, 2, 1]
