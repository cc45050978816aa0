"""The story that the demo drives through Airflow: history, a first champion, then week after week."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Any

from include.churn import calendar
from include.churn.bundle import MODEL
from include.demo import outcome
from include.demo.api import Json
from include.demo.rest import RestClient
from include.demo.world import World

DAGS = ("churn_features", "churn_scoring", "churn_monitoring", "churn_training")
FIRST_CHAMPION = "first_champion"
PARSE_SECONDS = 120
STEP_SECONDS = 300


class StoryError(RuntimeError):
    """A run of the story did not end as it must."""


class Story:
    """Drives the loop by Airflow's REST API, as a person would with the buttons, and watches the lifecycle store.

    :param client: Airflow.
    :param world: what the DAGs work on.
    :param progress: told, a line each, what has happened.
    :param patience: seconds that a step of the story may take.
    """

    def __init__(
        self, client: RestClient, world: World, progress: Callable[[str], None], patience: float = STEP_SECONDS
    ) -> None:
        self.patience = patience
        self.client = client
        self.world = world
        self.database = world.database
        self.tell = progress

    def run(self) -> None:
        """Live it; a part that an earlier demo has lived already is left as it is."""
        self.client.wait_for_dags(DAGS, PARSE_SECONDS)
        if errors := self.client.import_errors():
            raise StoryError(f"DAG files cannot be imported: {errors}")
        self.history()
        self.first_champion()
        for dag_id in ("churn_scoring", "churn_monitoring"):  # consumers first: a paused one misses events
            self.client.unpause(dag_id)
        self.tell("")
        self.tell(outcome.HEADING)
        for week in calendar.weeks(calendar.HISTORY_END + calendar.WEEK, calendar.LAST_WEEK):
            self.week(week)

    def history(self) -> None:
        """Backfill the weeks that were before the first champion."""
        first, last = (datetime.combine(day, time(), UTC) for day in (calendar.FIRST_WEEK, calendar.HISTORY_END))
        number = len(calendar.weeks(calendar.FIRST_WEEK, calendar.HISTORY_END))
        self.tell(f"Backfilling {number} weeks of features, {first.date()} to {last.date()}")
        self.client.unpause("churn_features")
        if len(self.client.runs("churn_features", run_type="backfill", state="success")) < number:
            self.client.backfill("churn_features", first, last)
            self._all_good("churn_features", self.client.wait_backfill("churn_features", self.patience))

    def first_champion(self) -> None:
        """Train the first model by hand."""
        self.tell("Training the first champion")
        self.client.unpause("churn_training", watchers=True)
        self.client.trigger("churn_training", FIRST_CHAMPION)
        self._all_good("churn_training", [self.client.wait_run("churn_training", FIRST_CHAMPION, self.patience)])

    def week(self, week: date) -> None:
        """Let one week's data come in, and wait until everything that follows from it is done."""
        partition = calendar.key(week)
        self.client.trigger("churn_features", f"week__{partition}", partition_key=partition)
        run = self.client.wait_until(
            lambda: self._ended("churn_monitoring", partition),
            self.patience,
            f"the monitoring of week {partition}",
        )
        self._all_good("churn_monitoring", [run])
        labelled = outcome.week_of(self.database, calendar.key(calendar.last_labelled(week)))
        self.tell(outcome.line(outcome.week_of(self.database, partition), labelled))
        self._retraining()

    def _retraining(self) -> None:
        """Where an episode asks for a retraining, wait until it has been had: a week is time enough for that."""
        from airflow_mlops.store import episodes

        episode = episodes.current(self.database, MODEL)
        if episode is None or episode.state not in ("requested", "retraining"):
            return
        self.tell(
            f"  drift since {episode.change_partition}, labels up to {episode.cutoff} are there: "
            "the watcher wakes churn_training"
        )

        def closed() -> Any:
            found = episodes.all_of(self.database, MODEL)[episode.number - 1]
            return found if found.closed_at or found.state == "open" else None

        ended = self.client.wait_until(closed, self.patience, "the retraining")
        run_id = str(ended.claimed_by).partition("/")[2]
        if ended.closed_at is None:
            raise StoryError(f"the retraining failed: look at the runs of churn_training ({ended.outcome})")
        self._all_good("churn_training", [self.client.wait_run("churn_training", run_id, self.patience)])
        self.tell(f"  retraining {ended.outcome}: {outcome.champion_line(self.database)}")

    def _ended(self, dag_id: str, partition: str) -> Json | None:
        for dag in ("churn_features", "churn_scoring", dag_id):
            runs = [r for r in self.client.runs(dag, order_by="-id") if r.get("partition_key") == partition]
            if runs and runs[0]["state"] == "failed":
                self._all_good(dag, runs[:1])
        return runs[0] if runs and runs[0]["state"] == "success" else None

    def _all_good(self, dag_id: str, runs: list[Json]) -> None:
        bad = [run for run in runs if run["state"] != "success"]
        if not bad:
            return
        run = bad[0]
        failed = [
            t["task_id"]
            for t in self.client.task_instances(dag_id, run["dag_run_id"])
            if t["state"] in ("failed", "upstream_failed")
        ]
        raise StoryError(
            f"run {run['dag_run_id']} of {dag_id} is {run['state']}; failed tasks: {', '.join(failed) or 'none'}\n"
            f"  its logs: {self.client.base_url}/dags/{dag_id}/runs/{run['dag_run_id']}"
        )
