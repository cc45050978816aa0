"""The metrics of a scenario, from the records, and whether they are as they have to be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_mlops.store.database import Database
from tests.replay import records
from tests.replay.records import AirflowRecords, RetrainingRequest
from tests.replay.scenarios import KILLED_SUFFIX, STORM_EVENTS, Scenario, scenario_of


@dataclass(frozen=True)
class ScenarioMetrics:
    """What was counted of a model.

    :param events: events that the asset has seen.
    :param asked: episodes that asked.
    :param runs: state -> how many runs of the retraining DAG that events have started.
    :param alarms: windows that told people of a broken column.
    """

    events: int
    requests: tuple[RetrainingRequest, ...]
    runs: Mapping[str, int]
    alarms: int

    @property
    def retrainings(self) -> int:
        """Models that were made because of drift."""
        return sum(len(episode.runs) for episode in self.requests)


def collect_metrics(database: Database, airflow: AirflowRecords, model: str) -> ScenarioMetrics:
    """Count, from the records alone."""
    dag_id = f"{model}_retraining"
    started = airflow.runs([dag_id])
    return ScenarioMetrics(
        airflow.events(f"{model}_wanted"),
        tuple(records.retraining_requests(database, model, airflow.plans(dag_id))),
        Counter(state for (_, run), state in started.items() if run.startswith("asset_triggered")),
        records.count_alarms(database, model),
    )


def min_events(world: Scenario, requests: int, killed: bool) -> int:
    """Return how many events an asset sees at least.

    :param requests: how often a retraining was asked for.
    :param killed: whether the triggerer was: it remembers a storm as told while Airflow still writes it down, event by
        event. What of it dies with the triggerer is not told again; each request is, once at least.
    """
    return requests * (STORM_EVENTS if world.duplicates_events and not killed else 1)


def find_violations(world: Scenario, windows: int, found: ScenarioMetrics, killed: bool = False) -> list[str]:
    """List violations."""
    partitions = sorted(partition for episode in found.requests for partition in episode.partitions)
    said = world.find_violations(windows, partitions, found.retrainings, found.alarms)
    said += [f"episode {e.number} is lost: {e.state}, {e.outcome}, runs {e.runs}" for e in found.requests if e.lost]
    said += [f"episode {e.number} was retrained {len(e.runs)} times: {e.runs}" for e in found.requests if e.duplicated]
    least = min_events(world, len(found.requests), killed)
    if found.events < least:
        said.append(f"{found.events} events of at least {least}")
    return said + [f"{number} runs of the retraining DAG are {s}" for s, number in found.runs.items() if s != "success"]


def report_row(
    model: str, windows: int, found: ScenarioMetrics, kills: Mapping[str, int], notes: list[str]
) -> dict[str, Any]:
    """Return a scenario's row of the report."""
    world = scenario_of(model)
    killed = model.endswith(KILLED_SUFFIX)
    said = find_violations(world, windows, found, killed) + notes
    return {
        "scenario": world.name,
        "events": found.events,
        "retrainings": found.retrainings,
        "lost": sum(episode.lost for episode in found.requests),
        "doubled": sum(episode.duplicated for episode in found.requests),
        "kills": {name: kills.get(name, 0) for name in ("triggerer", "scheduler")} if killed else {},
        "windows": windows,
        "expected": world.expected(windows),
        "asked_at": [partition for episode in found.requests for partition in episode.partitions],
        "outcomes": [episode.outcome for episode in found.requests],
        "runs_by_events": sum(found.runs.values()),
        "alarms": found.alarms,
        "wrong": said,
    }
