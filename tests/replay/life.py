"""One model's life in the replay: week after week through Airflow, and nothing moves on before what it has caused."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from include.demo.rest import RestClient
from tests.replay.figures import least_events
from tests.replay.worlds import HISTORY, KILLED, LABELS_LATE, STORM, World, week, world_of

FIRST_CHAMPION = "first_champion"
ENDED = ("success", "failed")
ON_ITS_WAY = ("requested", "retraining")
CALM_SECONDS = 30
"""After so long without another event a storm is over, though a killed triggerer has not told all of it."""


class StuckError(RuntimeError):
    """A week, or the first champion, did not come to an end."""


@dataclass
class Situation:
    """What the databases say now, read once for all lives.

    :param runs: (DAG, run) -> state.
    :param wanted: the DAGs for which an event waits.
    :param events: model -> the events of its asset.
    :param episodes: model -> the state of its newest episode.
    :param asked: model -> how many retrainings it has asked for.
    """

    runs: dict[tuple[str, str], str] = field(default_factory=dict)
    wanted: set[str] = field(default_factory=set)
    events: dict[str, int] = field(default_factory=dict)
    episodes: dict[str, str] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)


class Life:
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
        now: Situation,
        *,
        holds: Callable[[], bool],
        patience: float,
        label: Callable[[str, str], None],
    ) -> None:
        self.model = model
        self.windows = windows
        self.lived = 0
        self.notes: list[str] = []
        self._events, self._since = 0, time.monotonic()
        self._client, self._now, self._holds, self._patience, self._label = client, now, holds, patience, label

    @property
    def world(self) -> World:
        """The world that it lives in."""
        return world_of(self.model)

    @property
    def watching(self) -> str:
        """The DAG that watches."""
        return f"{self.model}_watching"

    @property
    def retraining(self) -> str:
        """The DAG that retrains."""
        return f"{self.model}_retraining"

    def live(self) -> Iterator[None]:
        """Live it: history, a first champion, the weeks, and what is still going on after them."""
        for number in HISTORY:
            yield from self._week(number)
        self._client.trigger(self.retraining, FIRST_CHAMPION)
        yield from self._ended(self.retraining, FIRST_CHAMPION)
        for number in range(self.windows):
            while self._holds():
                yield
            yield from self._week(number)
            self.lived = number + 1
            yield from self._until(lambda: self._now.episodes.get(self.model) not in ON_ITS_WAY, "the retraining")
        yield from self._until(lambda: self._all_told() and not self._active(), "the runs that events have started")

    def _week(self, number: int) -> Iterator[None]:
        run = f"week__{week(number)}"
        if number - LABELS_LATE >= HISTORY.start:
            self._label(self.model, week(number - LABELS_LATE))
        self._client.trigger(self.watching, run, partition_key=week(number))
        yield from self._ended(self.watching, run)

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
                self.notes.append(f"waited {self._patience:.0f} seconds in vain for {what} after week {self.lived - 1}")
                return
            yield

    def _all_told(self) -> bool:
        """Whether the asset has seen all events that there will be."""
        asked, events = self._now.asked.get(self.model, 0), self._now.events.get(self.model, 0)
        if events != self._events:
            self._events, self._since = events, time.monotonic()
        if self.world.storms and events < asked * STORM and time.monotonic() < self._since + CALM_SECONDS:
            return False  # of the storm more may come
        return events >= least_events(self.world, asked, self.model.endswith(KILLED))

    def _active(self) -> list[str]:
        """Give the retraining runs that have not ended, and say that there is one where an event still waits."""
        if self.retraining in self._now.wanted:
            return ["one that an event will start"]
        return [
            run for (dag_id, run), state in self._now.runs.items() if dag_id == self.retraining and state not in ENDED
        ]
