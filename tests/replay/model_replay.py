"""One model's life in the replay: week after week through Airflow, and nothing moves on before what it has caused."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from include.demo.rest import RestClient
from tests.replay.metrics import min_events
from tests.replay.scenarios import (
    HISTORY,
    KILLED_SUFFIX,
    LABEL_DELAY_WEEKS,
    STORM_EVENTS,
    Scenario,
    scenario_of,
    week,
)

FIRST_CHAMPION = "train_first_champion"
ENDED = ("success", "failed")
PENDING_STATES = ("requested", "retraining")
STORM_END_SECONDS = 30
"""After so long without another event a storm is over, though a killed triggerer has not told all of it."""


class StuckError(RuntimeError):
    """A week, or the first champion, did not come to an end."""


@dataclass
class DatabaseState:
    """What the databases say now, read once for all lives.

    :param runs: (DAG, run) -> state.
    :param wanted: the DAGs for which an event waits.
    :param events: model -> the events of its asset.
    :param episodes: model -> the state of its newest episode.
    :param asked: model -> how many retrainings it has asked for.
    """

    runs: dict[tuple[str, str], str] = field(default_factory=dict)
    pending_dags: set[str] = field(default_factory=set)
    events: dict[str, int] = field(default_factory=dict)
    episodes: dict[str, str] = field(default_factory=dict)
    requested_retrainings: dict[str, int] = field(default_factory=dict)


class ModelReplay:
    """Drives a model's DAGs; each ``yield`` waits for the next look at the databases.

    :param model: the scenario's name, perhaps with an ending.
    :param windows: how many weeks it is watched.
    :param holds: says whether the next week has to wait.
    :param patience: seconds that a week, or a retraining, may take.
    :param label: hands over the labels of a partition: they come from elsewhere, two weeks late.
    """

    def __init__(
        self,
        model: str,
        windows: int,
        client: RestClient,
        now: DatabaseState,
        *,
        holds: Callable[[], bool],
        patience: float,
        label: Callable[[str, str], None],
    ) -> None:
        self.model = model
        self.windows = windows
        self.weeks_done = 0
        self.notes: list[str] = []
        self._events, self._since = 0, time.monotonic()
        self._client, self._now, self._holds, self._patience, self._label = client, now, holds, patience, label

    @property
    def scenario(self) -> Scenario:
        """The world that it lives in."""
        return scenario_of(self.model)

    @property
    def monitoring_dag(self) -> str:
        """The DAG that watches."""
        return f"{self.model}_monitoring"

    @property
    def retraining_dag(self) -> str:
        """The DAG that retrains."""
        return f"{self.model}_retraining"

    def run(self) -> Iterator[None]:
        """Live it: history, a first champion, the weeks, and what is still going on after them."""
        for number in HISTORY:
            yield from self._week(number)
        self._client.trigger(self.retraining_dag, FIRST_CHAMPION)
        yield from self._ended(self.retraining_dag, FIRST_CHAMPION)
        for number in range(self.windows):
            while self._holds():
                yield
            yield from self._week(number)
            self.weeks_done = number + 1
            yield from self._until(lambda: self._now.episodes.get(self.model) not in PENDING_STATES, "the retraining")
        yield from self._until(lambda: self._all_told() and not self._active(), "the runs that events have started")

    def _week(self, number: int) -> Iterator[None]:
        run = f"week__{week(number)}"
        if number - LABEL_DELAY_WEEKS >= HISTORY.start:
            self._label(self.model, week(number - LABEL_DELAY_WEEKS))
        self._client.trigger(self.monitoring_dag, run, partition_key=week(number))
        yield from self._ended(self.monitoring_dag, run)

    def _ended(self, dag_id: str, run_id: str) -> Iterator[None]:
        """Wait until a run has ended; without it nothing can go on."""
        yield
        end = time.monotonic() + self._patience
        while self._now.runs.get((dag_id, run_id)) not in ENDED:
            if time.monotonic() > end:
                raise StuckError(f"{dag_id} {run_id} is {self._now.runs.get((dag_id, run_id))}")
            yield
        if self._now.runs[dag_id, run_id] == "failed":
            raise StuckError(f"{dag_id} {run_id} has failed")

    def _until(self, reached: Callable[[], bool], what: str) -> Iterator[None]:
        """Wait for what may never come: then life goes on, and the records tell."""
        end = time.monotonic() + self._patience
        while not reached():
            if time.monotonic() > end:
                self.notes.append(
                    f"waited {self._patience:.0f} seconds in vain for {what} after week {self.weeks_done - 1}"
                )
                return
            yield

    def _all_told(self) -> bool:
        """Check whether the asset has seen all events that there will be."""
        asked, events = self._now.requested_retrainings.get(self.model, 0), self._now.events.get(self.model, 0)
        if events != self._events:
            self._events, self._since = events, time.monotonic()
        if (
            self.scenario.duplicates_events
            and events < asked * STORM_EVENTS
            and time.monotonic() < self._since + STORM_END_SECONDS
        ):
            return False  # of the storm more may come
        return events >= min_events(self.scenario, asked, self.model.endswith(KILLED_SUFFIX))

    def _active(self) -> list[str]:
        """Return the retraining runs that have not ended, and say that there is one where an event still waits."""
        if self.retraining_dag in self._now.pending_dags:
            return ["one that an event will start"]
        return [
            run
            for (dag_id, run), state in self._now.runs.items()
            if dag_id == self.retraining_dag and state not in ENDED
        ]
