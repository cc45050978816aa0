"""The closed loop on a real scheduler, judged by the ledger, the lifecycle store and MLflow; logs are not read.

One Airflow lives through the whole story once; the tests look at what it left, then ask for what must not move a
champion: backfills, and a challenger that is no better.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import pytest

from airflow_mlops.common.refs import SnapshotRef
from airflow_mlops.store import catalogue, episodes, ledger, reports, versions, windows
from include.churn.backtest import backtest
from include.demo import outcome
from include.demo.airflow import AirflowStack
from include.demo.postgres import EmbeddedPostgres
from include.demo.scenario import FIRST_CHAMPION, DemoScenario
from include.demo.services import DemoServices

pytestmark = pytest.mark.system
REPO = Path(__file__).resolve().parents[2]
DEADLINE = 300


@dataclass
class Lived:
    world: DemoServices
    stack: AirflowStack
    story: dict[str, Any]


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    folder = tmp_path_factory.mktemp("loop")
    with EmbeddedPostgres(folder / "postgres") as postgres:
        world = DemoServices(folder / "demo", postgres.database("mlops"), postgres.database("mlflow"))
        world.prepare(seed=11, size=3000, change=True, fresh=True)
        stack = AirflowStack(folder / "airflow", REPO, world.connections(), postgres.database("airflow"), port=18080)
        with stack:
            DemoScenario(stack.client(), world, print).run()
            backtest(world.database, world.snapshots, world.tracking_uri)
            yield Lived(world, stack, outcome.read_summary(world))


def head(lived: Lived) -> int:
    entry = ledger.head(lived.world.database, "churn")
    assert entry is not None
    return entry.revision


def snapshots_of(lived: Lived, dataset: str) -> list[SnapshotRef]:
    return catalogue.partitions(lived.world.database, dataset)


def test_the_first_champion_is_promoted_by_bootstrap_and_the_second_by_the_gate(lived: Lived) -> None:
    told = [(c["version"], c["gate"]) for c in lived.story["champions"]]
    assert told == [(1, "promote_first"), (2, "promote")]
    assert lived.story["champions"][1]["gain"]["low"] > 0


def test_quiet_weeks_raise_no_alarm_and_the_first_changed_week_does(lived: Lived) -> None:
    verdicts = {w["partition"]: w["drift"] for w in lived.story["weeks"]}
    change = lived.story["change_partition"]
    quiet = [v for p, v in verdicts.items() if p < change]
    assert len(quiet) >= 3
    assert set(quiet) == {"pass"}
    assert verdicts[change] == "fail"


def test_one_episode_starts_one_retraining_on_the_rows_since_the_change(lived: Lived) -> None:
    (episode,) = episodes.of_model(lived.world.database, "churn")
    assert (episode.change_partition, episode.attempts, episode.outcome) == ("2026-05-04", 1, "promoted")
    assert len(lived.story["retrainings"]) == 1
    second = versions.get(lived.world.database, "churn", 2)
    assert second.cutoff == episode.cutoff == "2026-05-18"
    trained_on = lived.world.snapshots.open(second.data["train"]).to_pandas(["partition"])["partition"]
    assert (trained_on.min(), trained_on.max()) == ("2026-05-04", "2026-05-18")


def test_the_new_champion_is_better_on_the_labelled_weeks_after_its_cutoff(lived: Lived) -> None:
    later = [w["values"] for w in lived.story["weeks"] if w["partition"] > "2026-05-18" and w["values"]]
    assert len(later) >= 3
    assert all(values["2"] > values["1"] for values in later)


def test_each_week_was_scored_once_by_the_champion_of_that_week(lived: Lived) -> None:
    scored = {}
    for ref in snapshots_of(lived, "churn_scores"):
        frame = lived.world.snapshots.open(ref).to_pandas()
        assert frame["customer_id"].is_unique
        (scored[ref.partition],) = set(frame["model_version"])
    assert scored == {w["partition"]: w["champion"] for w in lived.story["weeks"]}
    assert set(scored.values()) == {1, 2}


def test_mlflow_agrees_with_the_ledger_and_has_no_stray_run(lived: Lived) -> None:
    client = lived.world.mlflow
    aliases = client.get_registered_model("churn").aliases  # numbers from a database, text from a server
    assert {alias: int(version) for alias, version in aliases.items()} == {"champion": 2, "previous": 1}
    assert {int(v.version) for v in client.search_model_versions("name = 'churn'")} == {1, 2}
    experiment = client.get_experiment_by_name("churn_training")
    runs = client.search_runs([experiment.experiment_id])
    assert len(runs) == 4  # two candidates in each of two trainings
    assert {run.info.status for run in runs} == {"FINISHED"}


def test_every_champion_has_a_passing_gate_report_bound_to_its_digest(lived: Lived) -> None:
    for entry in ledger.history(lived.world.database, "churn"):
        gate = reports.get(lived.world.database, entry.gate_report)
        assert gate.verdict == "pass"
        assert gate.facts["binding"]["digest"] == entry.digest


def test_no_dag_file_has_an_import_error(lived: Lived) -> None:
    assert lived.stack.client().import_errors() == {}


def test_a_challenger_that_is_only_equal_does_not_become_champion(lived: Lived) -> None:
    before = head(lived)
    client = lived.stack.client()
    client.trigger("churn_training", "equal", conf={"cutoff": "2026-05-18", "window": 3})
    assert client.wait_run("churn_training", "equal", DEADLINE)["state"] == "success"
    newest = versions.of_model(lived.world.database, "churn")[-1]
    assert newest.actor.startswith("churn_training/equal/")
    assert newest.gate_decision == "reject"
    assert head(lived) == before


def test_backfilling_past_weeks_from_the_command_line_doubles_nothing(lived: Lived) -> None:
    before = {name: snapshots_of(lived, name) for name in ("churn_features", "churn_labels", "churn_scores")}
    epoch, seen = head(lived), len(windows.of_model(lived.world.database, "churn", "drift"))
    command = [sys.executable, "-m", "airflow", "backfill", "create", "--dag-id", "churn_features"]
    dates = ["--from-date", "2026-05-25", "--to-date", "2026-06-08"]
    options = ["--reprocess-behavior", "completed", "--max-active-runs", "1"]
    subprocess.run([*command, *dates, *options], env=lived.stack.environment, check=True, capture_output=True)
    client = lived.stack.client()
    runs = client.wait_backfill("churn_features", DEADLINE)
    assert {"2026-05-25", "2026-06-01", "2026-06-08"} <= {r["partition_key"] for r in runs}
    client.wait_until(lambda: not client.active_runs(), DEADLINE, "all that follows from the backfill")
    assert {name: snapshots_of(lived, name) for name in before} == before
    assert len(windows.of_model(lived.world.database, "churn", "drift")) == seen
    assert head(lived) == epoch
    assert len(episodes.of_model(lived.world.database, "churn")) == 1


def test_one_week_again_by_its_partition_key_gives_the_same_snapshots(lived: Lived) -> None:
    before = snapshots_of(lived, "churn_features")
    client = lived.stack.client()
    client.trigger("churn_features", "again", partition_key="2026-06-01")
    assert client.wait_run("churn_features", "again", DEADLINE)["state"] == "success"
    client.wait_until(lambda: not client.active_runs(), DEADLINE, "all that follows from the week")
    assert snapshots_of(lived, "churn_features") == before


def test_a_backfill_of_training_registers_and_never_promotes(lived: Lived) -> None:
    epoch, known = head(lived), len(versions.of_model(lived.world.database, "churn"))
    client = lived.stack.client()
    client.backfill("churn_training", moment("2026-03-01"), moment("2026-04-01"))
    runs = client.wait_backfill("churn_training", DEADLINE)
    assert [r["state"] for r in runs] == ["success"] * len(runs)
    made = versions.of_model(lived.world.database, "churn")[known:]
    assert len(made) == len(runs) >= 2
    assert all(v.cutoff < "2026-05-04" for v in made)
    assert head(lived) == epoch


def test_no_task_of_the_story_failed_or_was_retried(lived: Lived) -> None:
    client = lived.stack.client()
    tasks = client.task_instances("churn_training", FIRST_CHAMPION)
    states = {t["task_id"]: t["state"] for t in tasks}
    assert states["promote"] == "success"
    assert (states["hold"], states["reject"]) == ("skipped", "skipped")
    assert all(t["try_number"] <= 1 for t in tasks)


def moment(day: str) -> datetime:
    return datetime.combine(datetime.fromisoformat(day).date(), time(), UTC)
