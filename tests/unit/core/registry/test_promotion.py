"""The champion moves only on a passing gate of these very files, against this very champion, and to newer data."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from airflow_mlops.common.errors import Conflict, NotFound, Refused
from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.registry import aliases, promotion
from airflow_mlops.core.registry.rollback import rollback
from airflow_mlops.store import attempts, ledger, reports


def revisions(world: Any) -> list[tuple[int, int | None, int]]:
    return [(e.revision, e.previous_revision, e.version) for e in ledger.history(world.database, "m")][::-1]


@pytest.fixture
def two(world: Any) -> Any:
    """Versions 1 and 2 of one run; 1 is champion."""
    run = world.written("t")
    world.v1, world.v2 = (
        world.registered(k, cutoff, run=run) for k, cutoff in (("a", "2026-04-06"), ("b", "2026-04-13"))
    )
    world.promoted(world.v1, "first", world.gated(world.v1, "promote_first"))
    return world


def test_a_passing_gate_makes_a_version_champion_in_ledger_and_mlflow(two: Any) -> None:
    moment = datetime(2026, 4, 14, tzinfo=UTC)
    gate = two.gated(two.v2)
    entry = two.promoted(two.v2, "second", gate, effective_at=moment)
    assert (entry.version, entry.digest, entry.gate_report) == (2, two.v2.digest, gate)
    assert entry.effective_at == moment
    assert revisions(two) == [(1, None, 1), (2, 1, 2)]
    assert two.aliases() == {"champion": 2, "previous": 1}


def test_a_retry_by_the_same_actor_gives_the_same_entry(two: Any) -> None:
    gate = two.gated(two.v2)
    first, again = (two.promoted(two.v2, "second", gate) for _ in range(2))
    assert (first.revision, first.recorded_at) == (again.revision, again.recorded_at)
    assert len(revisions(two)) == 2


def test_an_actor_that_promoted_one_version_does_not_thereby_have_promoted_another(two: Any) -> None:
    assert two.promoted(two.v2, "first", two.gated(two.v2)).version == 2


def test_a_retry_after_a_kill_between_ledger_and_alias_mends_the_alias(
    two: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    gate = two.gated(two.v2)
    with monkeypatch.context() as patched:
        patched.setattr(promotion, "reconcile", killed)
        with pytest.raises(KeyboardInterrupt):
            two.promoted(two.v2, "second", gate)
    assert two.aliases()["champion"] == 1
    two.promoted(two.v2, "second", gate)
    assert two.aliases() == {"champion": 2, "previous": 1}
    assert len(revisions(two)) == 2


# Guards.


def test_a_backfill_registers_but_does_not_promote_unless_told_to(two: Any) -> None:
    with pytest.raises(promotion.GuardRefused, match=r"comes from a backfill(.|\n)*run 7(.|\n)*allow_backfill=True"):
        two.promoted(two.v2, "backfill", backfill="run 7")
    assert len(revisions(two)) == 1
    assert two.promoted(two.v2, "backfill", backfill="run 7", allow_backfill=True).revision == 2


def test_an_older_cut_off_than_the_champions_does_not_promote_unless_told_to(two: Any) -> None:
    two.promoted(two.v2, "second")
    with pytest.raises(promotion.GuardRefused, match=r"up to 2026-04-06.* up to 2026-04-13(.|\n)*allow_older"):
        two.promoted(two.v1, "third")
    assert two.promoted(two.v1, "third", allow_older=True).version == 1


def test_the_same_cut_off_is_not_older(two: Any) -> None:
    assert two.promoted(two.registered("c", "2026-04-06"), "second").version == 3


@pytest.mark.parametrize(
    "binding", [{"digest": "0" * 64}, {"version": 1}, {"model": "other"}, {"digest": None}], ids=lambda b: next(iter(b))
)
def test_a_gate_of_other_files_is_refused(two: Any, binding: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="is not a gate report of these files"):
        two.promoted(two.v2, "second", two.gated(two.v2, binding=binding))
    assert len(revisions(two)) == 1


def test_a_report_that_is_no_gate_or_is_bound_to_nothing_is_refused(two: Any) -> None:
    good = reports.get(two.database, two.gated(two.v2))
    for report in (replace(good, id="1", kind="evaluation"), replace(good, id="2", facts={})):
        reports.publish(two.database, report, actor="x")
        with pytest.raises(Refused, match="is not a gate report"):
            two.promoted(two.v2, "second", report.id)


def test_a_gate_that_was_never_published_is_not_found(two: Any) -> None:
    with pytest.raises(NotFound, match="there is no report"):
        two.promoted(two.v2, "second", "f" * 32)


@pytest.mark.parametrize("decision", ["reject", "blocked", "hold", None, "maybe"])
def test_what_the_gate_did_not_pass_is_refused(two: Any, decision: Any) -> None:
    with pytest.raises(Refused, match="the gate did not let m v2 pass"):
        two.promoted(two.v2, "second", two.gated(two.v2, decision))
    assert len(revisions(two)) == 1


@pytest.mark.parametrize("decision", ["reject", "blocked"])
def test_no_approver_can_wave_a_rejected_version_through(two: Any, decision: str) -> None:
    with pytest.raises(Refused, match="the gate did not let"):
        two.promoted(two.v2, "second", two.gated(two.v2, decision), approver="anna")


def test_a_held_version_is_promoted_with_an_approver_whose_name_stays(two: Any) -> None:
    assert two.promoted(two.v2, "second", two.gated(two.v2, "hold"), approver="anna").approver == "anna"


def test_a_report_that_says_promote_with_a_failing_verdict_is_refused(two: Any) -> None:
    report = Report.from_checks("gate", str(two.v2), [Check("c", "fail")], decision="promote")
    bound = promotion.bind(report, two.v2, ledger.head(two.database, "m"))
    reports.publish(two.database, bound, actor="x")
    with pytest.raises(Refused, match="did not let"):
        two.promoted(two.v2, "second", bound.id)


def test_files_that_were_changed_after_the_gate_are_refused(two: Any) -> None:
    model = next(Path("artifacts").rglob("model.skops"))
    data = bytearray(model.read_bytes())
    data[len(data) // 2] ^= 1
    model.write_bytes(bytes(data))
    with pytest.raises(Refused, match="do not match the registered digest"):
        two.promoted(two.v2, "second")
    assert len(revisions(two)) == 1
    assert two.aliases() == {"champion": 1}


# Races.


def test_a_gate_against_a_champion_that_has_changed_since_is_a_conflict(two: Any) -> None:
    stale = two.gated(two.v2)
    two.promoted(two.registered("c", "2026-04-13"), "faster")
    with pytest.raises(Conflict, match="has changed since this version was compared"):
        two.promoted(two.v2, "slower", stale)
    assert two.promoted(two.v2, "slower", two.gated(two.v2)).revision == 3  # gated again, it may


def test_a_gate_that_knew_no_champion_is_a_conflict_once_there_is_one(two: Any) -> None:
    with pytest.raises(Conflict):
        two.promoted(two.v2, "late", two.gated(two.v2, "promote_first", binding={"champion_revision": None}))


def test_of_two_promoters_from_the_same_champion_one_wins(two: Any) -> None:
    gate = two.gated(two.v2)

    def promote(number: int) -> str:
        try:
            two.promoted(two.v2, f"promoter-{number}", gate)
        except Conflict:
            return "conflict"
        return "won"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(promote, range(4))) == ["conflict", "conflict", "conflict", "won"]
    assert revisions(two) == [(1, None, 1), (2, 1, 2)]


# Aliases.


def test_reconcile_makes_the_aliases_what_the_ledger_says(two: Any) -> None:
    two.promoted(two.v2, "second")
    two.client.set_registered_model_alias("m", "champion", "1")
    two.client.delete_registered_model_alias("m", "previous")
    assert aliases.reconcile(two.client, two.database, "m") is True
    assert two.aliases() == {"champion": 2, "previous": 1}
    assert aliases.reconcile(two.client, two.database, "m") is False


def test_a_slow_promoter_does_not_leave_its_alias_behind_a_faster_one(two: Any) -> None:
    """It reads the ledger, another promotes and sets the alias, it sets its own: the last writer looks again."""
    two.v3, gate = two.registered("c", "2026-04-13"), two.gated(two.v2)
    set_alias, meanwhile = two.client.set_registered_model_alias, [two.v3]

    def slow(model: str, alias: str, version: str) -> None:
        if meanwhile:
            two.promoted(meanwhile.pop(), "faster")
        set_alias(model, alias, version)

    two.client.set_registered_model_alias = slow
    try:
        two.promoted(two.v2, "slow", gate)
    finally:
        del two.client.set_registered_model_alias
    assert revisions(two)[-1] == (3, 2, 3)
    assert two.aliases() == {"champion": 3, "previous": 2}


@pytest.mark.parametrize("call", ["set_model_version_tag", "set_registered_model_alias"])
def test_a_superseded_promoter_does_not_leave_an_alias_behind_either(
    two: Any, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    plain, real = two.database, getattr(type(two.client), call)
    mine = replace(two, database=plain.fenced("slow", attempts.begin(plain, "slow")))
    gate = mine.gated(two.v2)

    def slow(client: Any, *args: Any) -> None:
        monkeypatch.undo()  # its first write comes so late that the retry is done, and the champion rolled back
        attempts.begin(plain, "slow")
        two.promoted(two.v2, "slow", gate)
        rollback(two.client, plain, model="m", reason="r", actor="somebody")
        real(client, *args)

    monkeypatch.setattr(type(two.client), call, slow)
    mine.promoted(two.v2, "slow", gate)
    assert revisions(two) == [(1, None, 1), (2, 1, 2), (3, 2, 1)]
    assert two.aliases() == {"champion": 1, "previous": 2}


@pytest.mark.parametrize("call", ["set_model_version_tag", "set_registered_model_alias"])
@pytest.mark.parametrize(("clashes", "code", "ends"), [(2, "BAD_REQUEST", True), (99, "BAD_REQUEST", False),
                                                       (1, "PERMISSION_DENIED", False)])  # fmt: skip
def test_a_clash_of_two_that_write_to_mlflow_at_once_is_tried_again(
    two: Any, call: str, clashes: int, code: str, ends: bool
) -> None:
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import ErrorCode

    two.promoted(two.v2, "second")
    two.client.delete_registered_model_alias("m", "champion")
    write, left = getattr(two.client, call), [clashes]

    def clashing(*arguments: str) -> None:
        if left[0]:
            left[0] -= 1
            raise MlflowException("UNIQUE constraint failed", error_code=ErrorCode.Value(code))
        write(*arguments)

    setattr(two.client, call, clashing)
    try:
        if ends:
            assert aliases.reconcile(two.client, two.database, "m") is True
        else:
            with pytest.raises(MlflowException):
                aliases.reconcile(two.client, two.database, "m")
    finally:
        delattr(two.client, call)
    assert two.aliases() == ({"champion": 2, "previous": 1} if ends else {"previous": 1})


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        (None, None),
        ("", None),
        ("anna", "anna"),
        ({"chosen_options": ["Approve"], "responded_by_user": {"id": "7", "name": "anna"}}, "anna"),
        ({"chosen_options": ["Approve"], "responded_by_user": {"id": "7", "name": ""}}, "7"),
    ],
)
def test_the_approver_is_who_chose_approve(answer: Any, name: str | None) -> None:
    assert promotion.approver_of(answer) == name


@pytest.mark.parametrize(
    "answer",
    [
        {"chosen_options": ["Reject"], "responded_by_user": {"id": "7", "name": "anna"}},
        {"chosen_options": ["Approve"], "responded_by_user": None},  # the default, after a timeout
        {"chosen_options": [], "responded_by_user": {"id": "7", "name": "anna"}},
        {"chosen_options": ["Approve", "Reject"], "responded_by_user": {"id": "7", "name": "anna"}},
        {"params_input": {}},
    ],
)
def test_an_answer_that_is_no_person_s_approval_is_refused(answer: Any) -> None:
    with pytest.raises(Refused, match="not an approval"):
        promotion.approver_of(answer)


def test_a_model_without_a_ledger_has_nothing_to_reconcile(world: Any) -> None:
    assert aliases.reconcile(world.client, world.database, "none") is False
