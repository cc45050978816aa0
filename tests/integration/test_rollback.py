"""Champions change while others work: races, backfills, rollbacks, and scoring by the champion of each date."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from airflow.sdk import Asset
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from airflow_mlops.common.refs import ModelVersionRef, SnapshotRef
from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.data.profiles import profile
from airflow_mlops.core.registry import promotion
from airflow_mlops.core.registry.registration import register
from airflow_mlops.core.registry.rollback import rollback
from airflow_mlops.core.training.fit import Candidate, TrainingJob, train
from airflow_mlops.macros import champion_as_of
from airflow_mlops.operators.drift import CheckDriftOperator
from airflow_mlops.operators.promote import PromoteModelOperator
from airflow_mlops.operators.rollback import RollbackModelOperator
from airflow_mlops.operators.score import ScoreDatasetOperator
from airflow_mlops.store import catalogue, ledger, reports, versions

FEATURES = ["x", "z"]
POLICY = {"gate": {"metric": "roc_auc", "min_rows": 100}}


def people(seed: int, rows: int = 400, *, shift: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"id": np.arange(rows) + 10_000 * seed, "x": rng.normal(size=rows) + shift})
    frame["z"] = rng.normal(size=rows)
    frame["y"] = (rng.random(rows) < 1 / (1 + np.exp(-2 * (frame["x"] - shift)))).astype(int)
    return frame


def learnt() -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression()


def blind() -> Any:
    """A model that cannot learn: all its scores are alike."""
    from sklearn.dummy import DummyClassifier

    return DummyClassifier()


class World:
    """Versions and champions in a line each."""

    def __init__(self, lifecycle: Any) -> None:
        self.client, self.database, self.root = lifecycle.client, lifecycle.database, lifecycle.root
        self.client.create_experiment("e", artifact_location=(lifecycle.folder / "artifacts").as_uri())
        self.test = self.root.write("test", people(7))

    def version(self, key: str, cutoff: str = "2026-04-06", build: Any = learnt, shift: float = 0.0) -> ModelVersionRef:
        parts = {
            part: self.root.write(f"{key}_{part}", people(seed, shift=shift), partition=cutoff)
            for seed, part in enumerate(("train", "validation"))
        }
        opened = {part: self.root.open(ref) for part, ref in parts.items()}
        candidate = Candidate("c", build, FEATURES, "y")
        run = train(self.client, self.database, candidate, TrainingJob(**opened, experiment="e", key=f"{key}/train"))
        return self.again(key, run, parts, cutoff)

    def again(self, key: str, run: Any, parts: Any, cutoff: str) -> ModelVersionRef:
        baseline = profile(self.root.open(parts["train"]), columns=FEATURES).to_dict()
        return register(
            self.client, self.database, model="m", run=run, data=parts, baseline=baseline, contract=None,
            cutoff=cutoff, key=f"{key}/register",
        )  # fmt: skip

    def gate(self, ref: ModelVersionRef, decision: str = "promote") -> dict[str, Any]:
        report = Report.from_checks("gate", str(ref), [Check("c", "pass")], decision=decision)
        bound = promotion.bind(report, ref, ledger.head(self.database, "m"))
        reports.publish(self.database, bound, actor="gate")
        return bound.ref().to_dict()

    def champion(self, ref: ModelVersionRef, effective_at: str | None = None) -> None:
        moment = None if effective_at is None else datetime.fromisoformat(effective_at).replace(tzinfo=UTC)
        promotion.promote(
            self.client, self.database, challenger=ref, gate=self.gate(ref)["id"], actor=f"by hand {ref.version}",
            reason="r", effective_at=moment, allow_older=True,
        )  # fmt: skip

    def entries(self) -> list[tuple[int, int, str]]:
        return [(e.revision, e.version, e.action) for e in ledger.history(self.database, "m")][::-1]

    def alias(self) -> int:
        return int(self.client.get_registered_model("m").aliases["champion"])


@pytest.fixture
def world(lifecycle: Any) -> World:
    return World(lifecycle)


class Events:
    """What a task tells its assets."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []

    def __getitem__(self, outlet: Any) -> Any:
        events = self

        class Event:
            def __setattr__(self, name: str, value: Any) -> None:
                assert name == "extra"
                events.told.append(value)

        return Event()


def ran(task: Any, run_id: str = "r", run_type: str = "manual", sources: tuple[str, ...] = (), try_: int = 1) -> Any:
    """Execute a task as its worker does; return what it gave, pushed and told."""
    pushed: dict[str, Any] = {}
    ti = SimpleNamespace(
        dag_id="d", run_id=run_id, task_id=task.task_id, map_index=-1, try_number=try_,
        xcom_push=lambda key, value: pushed.update({key: value}),
    )  # fmt: skip
    events = Events()
    context = {
        "ti": ti,
        "dag_run": SimpleNamespace(run_type=run_type, run_id=run_id, partition_key=None),
        "outlet_events": events,
        "triggering_asset_events": {Asset("a"): [SimpleNamespace(source_run_id=s) for s in sources]},
    }
    return SimpleNamespace(given=task.execute(context), pushed=pushed, told=events.told)


def promotes(ref: ModelVersionRef, gate: dict[str, Any], **how: Any) -> PromoteModelOperator:
    return PromoteModelOperator(
        task_id="promote", challenger=ref.to_dict(), gate=gate, outlets=[Asset("m_champion")], **how
    )


# Promotion.


def test_the_loser_of_a_race_is_judged_again_and_wins_or_is_skipped_with_words(world: World) -> None:
    poor, good, equal = world.version("poor", build=blind), world.version("good"), world.version("equal")
    gates = {ref.version: world.gate(ref, "promote_first") for ref in (poor, good, equal)}  # nobody is champion yet
    judged = {
        "test": world.test.to_dict(), "target": "y", "key": "id", "features": FEATURES, "cost": False,
        "importance": False,
    }  # fmt: skip
    how: dict[str, Any] = {"evaluation": judged, "policy": POLICY}
    ran(promotes(poor, gates[1], **how), "first")
    with pytest.raises(Exception, match="has changed since"):  # it does not know how to judge again
        ran(promotes(good, gates[2]), "second")

    won = ran(promotes(good, gates[2], **how), "second")
    assert (won.given["revision"], won.given["version"]) == (2, good.version)
    assert won.given["gate_report"] != gates[2]["id"]
    assert won.told == [{"model": "m", "version": 2, "revision": 2, "action": "promote"}]
    kinds = [report.kind for report in reports.of_actor(world.database, "d/second/promote/-1")]
    assert kinds == ["evaluation", "gate"]

    with pytest.raises(AirflowSkipException, match=r"re-evaluated against it, m v3 .*: reject"):
        ran(promotes(equal, gates[3], **how), "third")
    assert world.entries() == [(1, 1, "promote"), (2, 2, "promote")]
    assert world.alias() == 2


def test_a_task_that_is_tried_again_after_a_kill_has_one_entry_and_its_success_tells_the_asset_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = world.version("a")
    gate = world.gate(ref, "promote_first")
    task, told = promotes(ref, gate), []

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(promotion, "reconcile", killed)
        with pytest.raises(KeyboardInterrupt):
            told += ran(task).told
    told += ran(task, try_=2).told
    assert told == [{"model": "m", "version": 1, "revision": 1, "action": "promote"}]
    assert world.entries() == [(1, 1, "promote")]
    assert world.alias() == 1


def test_a_held_version_needs_the_answer_of_a_person(world: World) -> None:
    ref = world.version("a")
    gate, person = world.gate(ref, "hold"), {"id": "7", "name": "anna"}
    with pytest.raises(AirflowFailException, match="a held version needs an approver"):
        ran(promotes(ref, gate, approver=None))
    for answer in ({"chosen_options": ["Approve"], "responded_by_user": None},
                   {"chosen_options": ["Reject"], "responded_by_user": person}):  # fmt: skip
        with pytest.raises(AirflowFailException, match="the response is not an approval"):
            ran(promotes(ref, gate, approver=answer))
    done = ran(promotes(ref, gate, approver={"chosen_options": ["Approve"], "responded_by_user": person}))
    assert done.given["approver"] == "anna"


# Backfills.


@pytest.mark.parametrize(
    "how", [{"run_type": "backfill"}, {"run_type": "asset_triggered", "sources": ("backfill__2026", "backfill__2025")}]
)
def test_a_backfill_of_thirty_partitions_moves_the_champion_not_once(world: World, how: dict[str, Any]) -> None:
    newest = world.version("newest", "2026-06-01")
    world.champion(newest)
    run = world.version("old", "2026-01-01")
    days = [(date(2026, 1, 2) + timedelta(days=n)).isoformat() for n in range(30)]
    trained = SimpleNamespace(ref=versions.get(world.database, "m", run.version))
    parts = {part: SnapshotRef.from_dict(ref) for part, ref in trained.ref.data.items()}
    for day in days:
        old = world.again(day, _run_of(world, trained.ref), parts, day)
        said = r"comes from a backfill: registered, not promoted(.|\n)*allow_backfill=True"
        with pytest.raises(AirflowSkipException, match=said):
            ran(promotes(old, world.gate(old)), day, **how)
    assert world.entries() == [(1, newest.version, "promote")]
    assert len(versions.of_model(world.database, "m")) == 32
    # Told to, the older cut-off is still in the way; told that as well, it moves.
    with pytest.raises(AirflowSkipException, match=r"up to 2026-01-31.* up to 2026-06-01(.|\n)*allow_older=True"):
        ran(promotes(old, world.gate(old), allow_backfill=True), "x", **how)
    assert ran(promotes(old, world.gate(old), allow_backfill=True, allow_older=True), "x", **how).given["revision"] == 2


def _run_of(world: World, version: Any) -> Any:
    from airflow_mlops.common.refs import RunRef

    return RunRef(version.run_id, version.candidate, "model", version.digest, "roc_auc", 0.7)


def test_a_run_that_something_of_today_started_as_well_promotes(world: World) -> None:
    ref = world.version("a")
    done = ran(promotes(ref, world.gate(ref, "promote_first")), "r", "asset_triggered", ("backfill__1", "scheduled__1"))
    assert done.given["revision"] == 1


# Rollback.


@pytest.fixture
def two(world: World) -> World:
    """Version 1 learnt when x was around 0; version 2, the champion, when it was around 3."""
    world.champion(world.version("one", "2026-04-06"), "2026-04-07")
    world.champion(world.version("two", "2026-05-04", shift=3.0), "2026-05-05")
    return world


def test_the_form_rolls_back_and_tells_the_model_s_asset(two: World, run_dag: Callable[..., Any]) -> None:
    done = run_dag("model_rollback", run_conf={"model": "m", "reason": "complaints since Monday"})
    assert done.state == "success"
    assert two.entries()[-1] == (3, 1, "rollback")
    assert two.alias() == 1
    entry = ledger.head(two.database, "m")
    assert entry.reason == "complaints since Monday"
    assert entry.actor == f"model_rollback/{done.run.run_id}/rollback/-1"
    assert entry.approver == "dag_test", "who has triggered it"
    assert events_of("m_champion", done.run.run_id) == [
        {"model": "m", "version": 1, "revision": 3, "action": "rollback"}
    ]


def events_of(asset: str, run_id: str) -> list[dict[str, Any]]:
    from airflow.models.asset import AssetEvent, AssetModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        query = select(AssetEvent).join(AssetModel, AssetModel.id == AssetEvent.asset_id)
        found = session.scalars(query.where(AssetModel.name == asset, AssetEvent.source_run_id == run_id))
        return [dict(event.extra) for event in found]


@pytest.mark.parametrize(
    ("conf", "said"),
    [
        ({"model": "m", "reason": "r", "to_version": 9}, "m v9 is not in the lifecycle store"),
        ({"model": "m", "reason": "r", "to_version": 2}, "m v2 is champion already"),
        ({"model": "m", "reason": "   "}, "needs a reason"),
        ({"model": "other", "reason": "r"}, "'other' has no champion"),
    ],
)
def test_what_cannot_be_rolled_back_fails_without_a_retry_and_changes_nothing(
    two: World, conf: dict[str, Any], said: str
) -> None:
    with pytest.raises(AirflowFailException, match=said):
        ran(RollbackModelOperator(task_id="rollback", **conf))
    assert len(two.entries()) == 2


@pytest.mark.parametrize("conf", [{"model": "m"}, {"reason": "r"}, {"model": "m", "reason": ""}, {}])
def test_the_form_asks_for_a_model_and_a_reason(bundle_dag: Callable[[str], Any], conf: dict[str, Any]) -> None:
    from airflow.sdk.exceptions import ParamValidationError

    def filled() -> None:
        params = deepcopy(bundle_dag("model_rollback").params)
        for name, value in conf.items():
            params[name] = value
        params.validate()

    with pytest.raises(ParamValidationError):
        filled()


def test_the_monitor_follows_to_the_old_version_s_own_baseline(two: World) -> None:
    catalogue.record(two.database, two.root.write("weeks", people(9), partition="2026-05-11"))

    def verdict() -> str:
        return str(ran(CheckDriftOperator(task_id="drift", model="m", snapshot="weeks@2026-05-11")).given["verdict"])

    assert verdict() == "fail", "against rows around 3"
    rollback(two.client, two.database, model="m", reason="r", actor="a")
    assert verdict() == "pass", "against rows around 0"


def test_a_rollback_while_batches_are_scored_takes_effect_with_the_next_and_mixes_none(
    two: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_mlops.core.models import loading

    def frames(first: int) -> Iterator[pd.DataFrame]:
        return (people(first + n, 50) for n in range(4))

    for week, first in (("2026-05-11", 20), ("2026-05-18", 30)):
        catalogue.record(two.database, two.root.write("weeks", frames(first), partition=week))
    load, batches = loading.load_version, []

    def loaded(version: Any, *how: Any) -> Any:
        model = load(version, *how)

        class Watched:
            classes_ = model.classes_

            def predict_proba(self, rows: pd.DataFrame) -> Any:
                batches.append(version.version)
                if len(batches) == 2:
                    rollback(two.client, two.database, model="m", reason="r", actor="a")
                    assert two.alias() == 1
                return model.predict_proba(rows)

        return Watched()

    monkeypatch.setattr(loading, "load_version", loaded)
    for week, version in (("2026-05-11", 2), ("2026-05-18", 1)):
        task = ScoreDatasetOperator(
            task_id="score", model="m", snapshot=f"weeks@{week}", key=["id"], features=FEATURES, batch_rows=50
        )
        scores = two.root.open(ran(task, week).given).to_pandas()
        assert set(scores["model_version"]) == {version}
        assert len(scores) == 200
    assert batches == [2, 2, 2, 2, 1, 1, 1, 1]


def test_ten_weeks_are_scored_by_the_champion_of_each_and_a_second_time_writes_nothing_new(
    two: World, lifecycle: Any
) -> None:
    weeks = [(date(2026, 4, 6) + timedelta(weeks=n)).isoformat() for n in range(10)]
    rollback(two.client, two.database, model="m", reason="r", actor="a", effective_at=datetime(2026, 5, 25, tzinfo=UTC))
    for number, week in enumerate(weeks):
        catalogue.record(two.database, two.root.write("weeks", people(40 + number, 60), partition=week))

    def backfill(run: str) -> dict[str, Any]:
        for week in weeks:
            task = ScoreDatasetOperator(
                task_id="score", model="m", snapshot=f"weeks@{week}", champion_at=week, key=["id"], features=FEATURES
            )
            if week == "2026-04-06":  # the first champion took effect a day later
                with pytest.raises(AirflowSkipException, match="no champion at 2026-04-06"):
                    ran(task, f"{run}{week}", "backfill")
            else:
                ran(task, f"{run}{week}", "backfill")
        return {str(ref.partition): ref for ref in catalogue.partitions(two.database, "m_scores")}

    first = backfill("first")
    used = {week: set(two.root.open(ref).to_pandas()["model_version"]) for week, ref in first.items()}
    assert used == {week: {1 if week < "2026-05-05" or week >= "2026-05-25" else 2} for week in weeks[1:]}
    asked = {week: champion_as_of("m", week) for week in weeks}
    assert asked["2026-04-06"] is None
    assert {week: {ref["version"]} for week, ref in asked.items() if ref} == used

    before = files(lifecycle.folder / "snapshots")
    entries = len(all_entries(two))
    assert backfill("second") == first
    assert files(lifecycle.folder / "snapshots") == before
    assert len(all_entries(two)) == entries


def files(folder: Any) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def all_entries(world: World) -> list[Any]:
    from sqlalchemy import select

    from airflow_mlops.store.tables import CatalogueEntry

    with world.database.session() as session:
        return list(session.scalars(select(CatalogueEntry)))


def test_a_template_asks_for_the_champion_of_a_date(two: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk.execution_time import macros

    from airflow_mlops.plugin.macros import MacrosPlugin

    monkeypatch.setattr(
        macros, MacrosPlugin.name, SimpleNamespace(**{f.__name__: f for f in MacrosPlugin.macros}), raising=False
    )
    task = ScoreDatasetOperator(
        task_id="score",
        model="m",
        snapshot="weeks@1",
        key="id",
        champion_at="{{ macros.mlops.champion_as_of('m', ds)['version'] }}",
    )
    for day, version in (("2026-05-04", "1"), ("2026-05-05", "2")):
        assert task.render_template(task.champion_at, {"ds": day, "macros": macros}) == version  # type: ignore[typeddict-item]
    assert champion_as_of("m", date(2026, 4, 1)) is None
    assert champion_as_of("m")["version"] == 2  # type: ignore[index]
