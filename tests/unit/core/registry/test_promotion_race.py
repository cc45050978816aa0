"""The loser of a race is judged again against the champion that came first, and only then promoted or told no."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from airflow_mlops.common.errors import Conflict, Refused, Superseded
from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.evaluation import comparison
from airflow_mlops.core.evaluation.options import EvaluationOptions
from airflow_mlops.core.gate import GatePolicy
from airflow_mlops.core.registry import promotion, promotion_race
from airflow_mlops.store import ledger, reports, versions

POLICY = GatePolicy(min_rows=50, resamples=200)


class Race:
    """A promotion that others win so many times, and judgements that come out as they are told to."""

    def __init__(self, lost: int, *decisions: str) -> None:
        self.lost, self.decisions, self.tried = lost, list(decisions), []

    def promote(self, *, gate: str, approver: str | None) -> Any:
        self.tried.append((gate, approver))
        if self.lost:
            self.lost -= 1
            raise Conflict("somebody was first")
        return SimpleNamespace(gate_report=gate)

    def judge(self) -> Report:
        return Report.from_checks("gate", "m v2", [Check("c", "pass")], decision=self.decisions.pop(0))

    def run(self, **how: Any) -> Any:
        given = {"judge": self.judge, "gate": "first", "approver": "anna", **how}
        return promotion_race.promote_with_retry(self.promote, given.pop("judge"), **given)


def test_who_is_not_outrun_is_not_judged_again() -> None:
    race = Race(0)
    assert race.run().gate_report == "first"
    assert race.tried == [("first", "anna")]


def test_who_loses_is_promoted_by_the_new_report_and_the_old_approval_does_not_count() -> None:
    race = Race(2, "promote", "promote")
    assert race.run().gate_report not in ("first", None)
    assert [approver for _, approver in race.tried] == ["anna", None, None]
    assert len({gate for gate, _ in race.tried}) == 3


@pytest.mark.parametrize("decision", ["reject", "hold"])
def test_who_does_not_pass_against_the_new_champion_is_outdone(decision: str) -> None:
    with pytest.raises(
        promotion_race.LostPromotionRace, match=f"became champion first; re-evaluated against it, m v2: {decision}"
    ):
        Race(1, decision).run()


def test_a_blocked_judgement_is_an_error_and_not_a_decision() -> None:
    with pytest.raises(Refused, match="blocked") as told:
        Race(1, "blocked").run()
    assert not isinstance(told.value, promotion.GuardRefused)


def test_whoever_always_loses_gives_up_after_three_judgements() -> None:
    race = Race(99, *["promote"] * 9)
    with pytest.raises(Conflict):
        race.run()
    assert len(race.tried) == 1 + promotion_race.MAX_REEVALUATIONS
    assert len(race.decisions) == 9 - promotion_race.MAX_REEVALUATIONS


def test_without_a_way_to_judge_again_a_lost_race_is_an_error() -> None:
    with pytest.raises(Conflict):
        Race(1).run(judge=None)


def test_a_superseded_attempt_does_not_judge_again() -> None:
    def superseded(**_: Any) -> Any:
        raise Superseded("a later attempt has taken over")

    race = Race(0, "promote")
    with pytest.raises(Superseded):
        promotion_race.promote_with_retry(superseded, race.judge, gate="first", approver=None)
    assert race.decisions == ["promote"]


@pytest.fixture
def rivals(world: Any) -> Any:
    """Three versions, each gated while there was no champion: 1 and 3 learnt the signal, 2 only noise."""
    world.good, world.poor, world.equal = (
        world.registered(name, run=world.trained(name, features=features))
        for name, features in (("good", ("x",)), ("poor", ("z",)), ("equal", ("x",)))
    )
    world.gates = {ref.version: world.gated(ref, "promote_first") for ref in (world.good, world.poor, world.equal)}
    rows = comparison.GateDataset(world.root.open(world.data["test"]), ["id"], "y", ["x", "z"])
    world.judging = promotion_race.ReevaluationInputs(rows, "roc_auc", POLICY, EvaluationOptions())
    return world


def promoted(world: Any, version: Any, actor: str) -> Any:
    published = []

    def publish(report: Report) -> None:
        published.append(report)
        reports.publish(world.database, report, actor=actor)

    def judge() -> Report:
        return promotion_race.reevaluate(
            world.database,
            world.root,
            world.judging,
            challenger=version,
            tracking_uri=world.client.tracking_uri,
            publish=publish,
        )

    def promote(*, gate: str, approver: str | None) -> Any:
        return world.promoted(version, actor, gate, approver=approver)

    entry = promotion_race.promote_with_retry(promote, judge, gate=world.gates[version.version], approver=None)
    return entry, published


def by_own_columns(version: Any, tracking_uri: str, trusted: Any = (), *_: Any) -> Any:
    from airflow_mlops.core.models import loading

    model = loading.load_model(
        loading.local_folder(version.artifact_uri, tracking_uri), version.digest, trusted=trusted
    )

    class Narrowed:
        classes_ = model.classes_

        def predict_proba(self, rows: Any) -> Any:
            return model.predict_proba(rows[list(model.feature_names_in_)])

    return Narrowed()


def test_a_better_version_outruns_a_poorer_champion_that_came_first(
    rivals: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "load_version", by_own_columns)
    promoted(rivals, rivals.poor, "a")
    entry, published = promoted(rivals, rivals.good, "b")
    assert [report.kind for report in published] == ["evaluation", "gate"]
    assert (entry.revision, entry.version, entry.gate_report) == (2, rivals.good.version, published[1].id)
    assert published[1].facts["binding"]["champion_version"] == rivals.poor.version
    assert versions.get(rivals.database, "m", rivals.good.version).gate_report == published[1].id
    assert rivals.aliases()["champion"] == rivals.good.version


def test_an_equal_version_that_came_second_is_outdone_and_the_champion_stays(
    rivals: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "load_version", by_own_columns)
    promoted(rivals, rivals.good, "a")
    with pytest.raises(promotion_race.LostPromotionRace, match="m v3"):
        promoted(rivals, rivals.equal, "b")
    assert [e.version for e in ledger.history(rivals.database, "m")] == [rivals.good.version]
    assert versions.get(rivals.database, "m", rivals.equal.version).gate_decision == "reject"
    first = rivals.gates[rivals.equal.version]
    assert reports.get(rivals.database, first).decision == "promote_first"
    assert (
        promotion_race.last_decision(rivals.database, first) == "reject"
    )  # an episode is closed by it, and not given back
