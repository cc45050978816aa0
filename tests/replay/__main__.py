"""``python -m tests.replay``: forty weeks of six worlds on a real scheduler, undisturbed and while parts are killed.

Nothing is mocked: scheduler, API server, DAG processor and triggerer run on an embedded PostgreSQL, and what decides is
the provider. ``--small`` does two scenarios; ``--without claim`` takes a guard away, and has to fail.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from airflow_mlops.store import catalogue, episodes
from include.demo.postgres import EmbeddedPostgres
from include.demo.services import DemoServices as Demo
from include.demo.signals import interrupted_by_signals
from tests.replay import guards, metrics
from tests.replay.kills import Killer, plan_kills
from tests.replay.model_replay import DatabaseState, ModelReplay, StuckError
from tests.replay.records import AirflowRecords
from tests.replay.scenarios import KILLED_SUFFIX, SCENARIOS, SEED, scenario_of
from tests.replay.stack import SHORT_TIMEOUTS, KillableStack, python_path

REPO = Path(__file__).resolve().parents[2]
WINDOWS, SMALL_WINDOWS = 40, 9
SMALL = ("step", "burst")
KILLS, SMALL_KILLS = {"triggerer": 20, "scheduler": 5}, {"triggerer": 3, "scheduler": 1}
POLL_SECONDS = 0.5
PARSE_SECONDS = 180.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Replay what the command line asks for; return 1 when anything is not as it has to be."""
    options = _options(arguments)
    began = time.monotonic()
    print(f"seed {options.seed}", flush=True)
    os.environ[SEED] = str(options.seed)
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    try:
        with interrupted_by_signals(), _folder(options.keep) as folder:
            rows = _replayed(options, folder)
    except KeyboardInterrupt:
        print("stopped: nothing is left running", flush=True)
        return 130
    for row in rows:
        row |= {"seed": options.seed}
    if options.output:
        Path(options.output).parent.mkdir(parents=True, exist_ok=True)
        Path(options.output).write_text(json.dumps(rows, indent=1) + "\n")
    _report(rows, time.monotonic() - began)
    return 1 if any(row["wrong"] for row in rows) else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.replay", description=__doc__)
    parser.add_argument("--small", action="store_true", help="two scenarios, fewer weeks, no kills unless asked for")
    parser.add_argument("--scenario", nargs="*", choices=list(SCENARIOS), help="only these")
    parser.add_argument("--kills", action="store_true", help="only the part with kills")
    parser.add_argument("--calm", action="store_true", help="only the part without")
    parser.add_argument("--windows", type=int, help=f"weeks that are watched (default: {WINDOWS})")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--without", choices=guards.GUARDS, help="take a guard away: the replay has to notice")
    parser.add_argument("--keep", type=Path, help="a folder for everything, which stays (default: a temporary one)")
    parser.add_argument("--output", help="where the figures go")
    options = parser.parse_args(arguments)
    options.scenario = options.scenario or (SMALL if options.small else list(SCENARIOS))
    options.windows = options.windows or (SMALL_WINDOWS if options.small else WINDOWS)
    options.number_of_kills = SMALL_KILLS if options.small else KILLS
    options.calm = options.calm or (options.small and not options.kills)
    return options


def _replayed(options: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    """Start everything, replay each part, stop everything."""
    calm = [] if options.kills and not options.calm else list(options.scenario)
    killed = [] if options.calm and not options.kills else [name + KILLED_SUFFIX for name in options.scenario]
    with ExitStack() as open_:
        postgres = open_.enter_context(EmbeddedPostgres(folder / "postgres"))
        demo = Demo(folder / "world", postgres.database("mlops"), postgres.database("mlflow"))
        demo.folder.mkdir(parents=True, exist_ok=True)
        demo.database.upgrade()
        demo.mlflow.search_experiments(max_results=1)  # makes MLflow's tables, once, before tasks need them
        url = postgres.database("airflow")
        settings = demo.connections() | SHORT_TIMEOUTS | python_path(REPO)
        settings |= {"REPLAY_MODELS": " ".join(calm + killed), guards.WITHOUT: options.without or ""}
        stack = KillableStack(folder / "airflow", Path(__file__).parent / "bundle", settings, url, port=19571)
        stack.start()
        open_.callback(stack.stop)
        _say("Airflow is warm")
        airflow = AirflowRecords(url)
        open_.callback(airflow.close)
        replay = Replay(options, demo, stack, airflow)
        replay.unpause_dags(calm + killed)
        rows = replay.replay_models(calm, {}) if calm else []
        return rows + (replay.replay_models(killed, options.number_of_kills) if killed else [])


class Replay:
    """Drives the lives of several models side by side, and reads off what became of them."""

    def __init__(self, options: argparse.Namespace, demo: Demo, stack: KillableStack, airflow: AirflowRecords) -> None:
        self.options = options
        self.database = demo.database
        self.snapshots = demo.snapshots
        self.stack = stack
        self.airflow = airflow
        self.client = stack.client()

    def unpause_dags(self, models: list[str]) -> None:
        """Unpause all DAGs, and have the watchers started."""
        dags = [f"{model}_{kind}" for model in models for kind in ("monitoring", "retraining")]
        self.client.wait_for_dags(dags, PARSE_SECONDS)
        for dag in dags:
            self.client.unpause(dag, watchers=dag == dags[-1])  # they are all in one file

    def publish_labels(self, model: str, partition: str) -> None:
        """Hand over the labels of a partition."""
        labels = scenario_of(model).labels(partition)
        ref = self.snapshots.write(f"{model}_labels", [labels], partition=partition, source={"replay": model})
        catalogue.record(self.database, ref)

    def replay_models(self, models: list[str], kills: dict[str, int]) -> list[dict[str, Any]]:
        """Replay these models side by side.

        :param kills: component -> how often it is killed meanwhile.
        """
        plan = plan_kills(self.options.seed, kills.get("triggerer", 0), kills.get("scheduler", 0))
        killer = Killer(plan, self.stack.kill, self.airflow.is_running, _say)
        now = DatabaseState()
        patience = 150.0 if self.options.without else 900.0 if kills else 600.0
        how: dict[str, Any] = {"holds": killer.must_wait, "patience": patience, "label": self.publish_labels}
        lives = [ModelReplay(model, self.options.windows, self.client, now, **how) for model in models]
        _say(f"{', '.join(models)}: {self.options.windows} weeks each")
        self._live(lives, now, killer)
        missed = [
            f"{killer.kill_counts[name]} of {number} kills of the {name}"
            for name, number in kills.items()
            if killer.kill_counts[name] < number
        ]
        return [
            metrics.report_row(
                life.model,
                life.windows,
                metrics.collect_metrics(self.database, self.airflow, life.model),
                killer.kill_counts,
                life.notes + missed,
            )
            for life in lives
        ]

    def _live(self, lives: list[ModelReplay], now: DatabaseState, killer: Killer) -> None:
        going = {life.model: life.run() for life in lives}
        told = 0
        while going:
            self._look(lives, now)
            for life in [life for life in lives if life.model in going]:
                if _has_ended(life, going[life.model]):
                    del going[life.model]
            lived = sum(life.weeks_done for life in lives)
            killer.kill_due(lived / sum(life.windows for life in lives), sum(now.requested_retrainings.values()))
            if lived // (5 * len(lives)) > told:
                told = lived // (5 * len(lives))
                _say(f"{lived} weeks lived, {sum(now.requested_retrainings.values())} retrainings asked for")
            self.stack.check()
            time.sleep(POLL_SECONDS)

    def _look(self, lives: list[ModelReplay], now: DatabaseState) -> None:
        """Read the databases once for all: events that wait before the runs that they become."""
        now.pending_dags = self.airflow.dags_with_pending_events([life.retraining_dag for life in lives])
        now.events = {life.model: self.airflow.events(f"{life.model}_wanted") for life in lives}
        now.runs = self.airflow.runs([dag for life in lives for dag in (life.monitoring_dag, life.retraining_dag)])
        for life in lives:
            found = episodes.of_model(self.database, life.model)
            now.episodes[life.model] = found[-1].state if found else "none"
            now.requested_retrainings[life.model] = sum(episode.attempts for episode in found)


def _has_ended(life: ModelReplay, story: Iterator[None]) -> bool:
    """Let a life go on; one that is stuck ends, and its row says so."""
    try:
        return next(story, story) is story
    except StuckError as stuck:
        life.notes.append(f"stuck after {life.weeks_done} weeks: {stuck}")
        return True


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="mlops-replay-", ignore_cleanup_errors=True) as folder:
        yield Path(folder).resolve()


def _report(rows: list[dict[str, Any]], seconds: float) -> None:
    head = ("scenario", "kills", "events", "retrainings", "expected", "lost", "doubled", "alarms")
    print("\n" + "".join(f"{name:<15}" for name in head))
    for row in rows:
        kills = "+".join(str(number) for number in row["kills"].values()) or "-"
        print("".join(f"{kills if name == 'kills' else row[name]!s:<15}" for name in head))
    for row in rows:
        for said in row["wrong"]:
            print(f"WRONG: {row['scenario']}: {said}")
    print(f"{seconds:.0f} seconds; kills are those of the triggerer + of the scheduler", flush=True)


_BEGAN = time.monotonic()


def _say(message: str) -> None:
    print(f"{time.monotonic() - _BEGAN:6.0f} s  {message}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
