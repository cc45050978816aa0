"""The churn DAGs one after another, each by ``dag.test``: from labelled weeks to a champion and its watch."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import create_engine, text

from airflow_mlops.store import catalogue, episodes, ledger, reports, versions
from include.churn import calendar, offline
from include.churn.bundle import CANDIDATES

WEEK = "2026-03-09"


@pytest.fixture
def weeks(lifecycle: Any, business: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nine weeks of features and seven of labels, ingested as churn_features does."""
    monkeypatch.chdir(Path(__file__).parents[2])
    world = offline.OfflineScenario(create_engine(business), lifecycle.database, lifecycle.root, lifecycle.client)
    for week in calendar.weeks(calendar.FIRST_WEEK, date.fromisoformat(WEEK)):
        offline.ingest(world, calendar.key(week))
    monkeypatch.chdir(lifecycle.folder)


def by_hand(run_dag: Callable[..., Any], **conf: Any) -> Any:
    return run_dag("churn_training", run_conf=conf, run_after=datetime(2026, 3, 9, tzinfo=UTC), logical_date=None)


@pytest.mark.usefixtures("weeks")
def test_training_by_hand_makes_a_champion_and_an_equal_challenger_is_rejected(
    run_dag: Callable[..., Any], lifecycle: Any
) -> None:
    first = by_hand(run_dag)
    assert first.state == "success"
    assert first.xcom("plan")["cause"] == "manual"
    assert (first.xcom("plan")["first"], first.xcom("plan")["cutoff"]) == ("2026-01-12", "2026-02-23")
    assert first.tasks["train"] == ["success", "success"]
    skipped = {task for task, state in first.states.items() if state == "skipped"}
    assert skipped == {"hold", "reject"}
    entry = ledger.head(lifecycle.database, "churn")
    assert (entry.version, entry.revision, str(entry.effective_at)) == (1, 1, "2026-03-09 00:00:01+00:00")
    assert reports.get(lifecycle.database, entry.gate_report).decision == "promote_first"

    scored = run_dag("churn_scoring", partition_key=WEEK, run_after=datetime(2026, 3, 9, tzinfo=UTC))
    assert scored.states == {"score": "skipped"}, "the champion takes effect only after this week"

    again = by_hand(run_dag)
    assert again.state == "success"
    assert again.states["reject"] == "success"
    assert again.states["promote"] == "skipped"
    assert [v.gate_decision for v in versions.of_model(lifecycle.database, "churn")] == ["promote_first", "reject"]
    assert ledger.head(lifecycle.database, "churn").revision == 1


@pytest.mark.usefixtures("weeks")
def test_a_week_is_scored_and_watched_by_its_champion(
    run_dag: Callable[..., Any], lifecycle: Any, business: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert by_hand(run_dag, cutoff="2026-02-23").state == "success"
    week, when = "2026-03-16", datetime(2026, 3, 16, tzinfo=UTC)
    assert run_dag("churn_features", partition_key=week, run_after=when).state == "success"
    assert run_dag("churn_scoring", partition_key=week, run_after=when).states == {"score": "success"}
    scores = lifecycle.root.open(catalogue.current(lifecycle.database, "churn_scores", week)).to_pandas()
    assert set(scores["model_version"]) == {1}
    assert scores["score"].between(0, 1).all()
    watched = run_dag("churn_monitoring", partition_key=week, run_after=when)
    # Labels of two weeks ago have come, but that week was before the first champion: nothing to compare.
    assert watched.states == {
        "drift": "success",
        "predictions": "success",
        "estimate": "success",
        "performance": "skipped",
        "concept": "skipped",
        "episode": "success",
    }
    assert [watched.xcom(task)["verdict"] for task in ("drift", "predictions", "estimate")] == ["pass"] * 3


@pytest.mark.usefixtures("weeks")
def test_training_woken_up_by_drift_without_a_request_does_nothing(
    run_dag: Callable[..., Any], lifecycle: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_mlops.operators import plan

    monkeypatch.setattr(plan, "run_type", lambda context: "asset_triggered")
    run = by_hand(run_dag)
    assert {state for states in run.tasks.values() for state in states} == {"skipped"}
    assert versions.of_model(lifecycle.database, "churn") == []


@pytest.mark.usefixtures("weeks")
def test_a_cutoff_without_labels_fails_and_names_what_is_labelled(run_dag: Callable[..., Any], lifecycle: Any) -> None:
    run = by_hand(run_dag, cutoff="2026-03-02")
    assert run.state == "failed"
    assert run.states["plan"] == "failed"
    assert versions.of_model(lifecycle.database, "churn") == []


def ask_for_a_retraining(lifecycle: Any, **retraining: Any) -> None:
    """Leave a drift episode that waits for its training, and a policy that says what it starts from."""
    episode = episodes.open_episode(
        lifecycle.database, model="churn", version=1, change_partition="2026-02-02", report=None
    )
    assert episode is not None
    assert episodes.request(lifecycle.database, episode.id, partition=WEEK, cutoff="2026-02-23")
    policy = yaml.safe_load((Path(__file__).parents[2] / "include/churn/policy.yaml").read_text())
    policy["episode"]["retraining"] = retraining
    found_first = lifecycle.folder / "include" / "churn" / "policy.yaml"
    found_first.parent.mkdir(parents=True)
    found_first.write_text(yaml.safe_dump(policy))


@pytest.mark.usefixtures("weeks")
def test_a_retraining_that_starts_from_the_champion_fits_its_configuration_alone_and_passes_the_same_gate(
    run_dag: Callable[..., Any], lifecycle: Any
) -> None:
    assert by_hand(run_dag, cutoff="2026-02-02").state == "success"
    ask_for_a_retraining(lifecycle, start_from="champion")
    run = by_hand(run_dag)
    assert run.state == "success"
    assert (run.xcom("plan")["cause"], run.xcom("plan")["start_from"]) == ("drift", "champion")
    assert run.tasks["train"] == ["success"]
    first, second = versions.of_model(lifecycle.database, "churn")
    own = {"build": f"include.churn.model:{first.candidate}", "candidate": first.candidate, "model_params": {}}
    assert run.xcom("candidates") == [own]
    fitted = [lifecycle.client.get_run(version.run_id).data.params for version in (first, second)]
    assert fitted[0]["build"] == fitted[1]["build"] == own["build"]
    assert [params["train_partition"] for params in fitted] == ["2026-02-02", "2026-02-23"]
    assert second.gate_decision in ("promote", "reject")
    (episode,) = episodes.of_model(lifecycle.database, "churn")
    assert episode.outcome == {"promote": "promoted", "reject": "rejected"}[second.gate_decision]


@pytest.mark.usefixtures("weeks")
def test_a_retraining_whose_champion_cannot_be_built_again_is_not_lost(
    run_dag: Callable[..., Any], lifecycle: Any
) -> None:
    assert by_hand(run_dag, cutoff="2026-02-02").state == "success"
    ask_for_a_retraining(lifecycle, start_from="champion")
    (first,) = versions.of_model(lifecycle.database, "churn")
    with create_engine(f"sqlite:///{lifecycle.folder}/mlflow.db").begin() as connection:
        gone = {"run": first.run_id, "path": "include.churn.model:forgotten"}
        connection.execute(text("UPDATE params SET value = :path WHERE run_uuid = :run AND key = 'build'"), gone)
    run = by_hand(run_dag)
    assert run.state == "success"
    assert run.tasks["train"] == ["success", "success"]
    assert run.xcom("candidates") == [{"build": build} for build in CANDIDATES]
