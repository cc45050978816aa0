"""The demo scenario: backfill the history, train a first champion, then process week after week."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Any

from include.churn import calendar
from include.churn.bundle import MODEL
from include.demo import outcome
from include.demo.api import Json
from include.demo.rest import RestClient
from include.demo.services import DemoServices

DAGS = ("churn_features", "churn_scoring", "churn_monitoring", "churn_training")
FIRST_CHAMPION = "train_first_champion"
PARSE_SECONDS = 120
STEP_SECONDS = 300


class ScenarioError(RuntimeError):
    """A run of the scenario did not succeed."""


class DemoScenario:
    """Runs the closed loop through Airflow's REST API and follows it in the lifecycle store.

    :param client: Airflow.
    :param world: the databases and folders of the DAGs.
    :param progress: called with a line for each event.
    :param patience: seconds that a step of the scenario may take.
    """

    def __init__(
        self,
        client: RestClient,
        services: DemoServices,
        progress: Callable[[str], None],
        patience: float = STEP_SECONDS,
    ) -> None:
        self.patience = patience
        self.client = client
        self.services = services
        self.database = services.database
        self._progress = progress

    def run(self) -> None:
        """Run the scenario; parts that an earlier demo has completed are skipped."""
        self.client.wait_for_dags(DAGS, PARSE_SECONDS)
        if errors := self.client.import_errors():
            raise ScenarioError(f"DAG files cannot be imported: {errors}")
        self.backfill_history()
        self.train_first_champion()
        for dag_id in ("churn_scoring", "churn_monitoring"):  # consumers first: a paused consumer misses events
            self.client.unpause(dag_id)
        self._progress("")
        self._progress(outcome.HEADING)
        for week in calendar.weeks(calendar.HISTORY_END + calendar.WEEK, calendar.LAST_WEEK):
            self.process_week(week)

    def backfill_history(self) -> None:
        """Backfill the weeks before the first champion."""
        first, last = (datetime.combine(day, time(), UTC) for day in (calendar.FIRST_WEEK, calendar.HISTORY_END))
        number = len(calendar.weeks(calendar.FIRST_WEEK, calendar.HISTORY_END))
        self._progress(f"Backfilling {number} weeks of features, {first.date()} to {last.date()}")
        self.client.unpause("churn_features")
        if len(self.client.runs("churn_features", run_type="backfill", state="success")) < number:
            self.client.backfill("churn_features", first, last)
            self._check_succeeded("churn_features", self.client.wait_backfill("churn_features", self.patience))

    def train_first_champion(self) -> None:
        """Trigger the training of the first model."""
        self._progress("Training the first champion")
        self.client.unpause("churn_training", watchers=True)
        self.client.trigger("churn_training", FIRST_CHAMPION)
        self._check_succeeded("churn_training", [self.client.wait_run("churn_training", FIRST_CHAMPION, self.patience)])

    def process_week(self, week: date) -> None:
        """Ingest one week's data, and wait for all runs that follow from it."""
        partition = calendar.key(week)
        self.client.trigger("churn_features", f"week__{partition}", partition_key=partition)
        run = self.client.wait_until(
            lambda: self._ended("churn_monitoring", partition),
            self.patience,
            f"the monitoring of week {partition}",
        )
        self._check_succeeded("churn_monitoring", [run])
        labelled = outcome.summarise_week(self.database, calendar.key(calendar.last_labelled(week)))
        self._progress(outcome.format_week(outcome.summarise_week(self.database, partition), labelled))
        self._retraining()

    def _retraining(self) -> None:
        """If an episode requests a retraining, wait until it has ended."""
        from airflow_mlops.store import episodes

        episode = episodes.current(self.database, MODEL)
        if episode is None or episode.state not in ("requested", "retraining"):
            return
        self._progress(
            f"  drift since {episode.change_partition}, labels available up to {episode.cutoff}: "
            "the asset watcher triggers churn_training"
        )

        def closed() -> Any:
            latest = episodes.of_model(self.database, MODEL)[episode.number - 1]
            return latest if latest.closed_at or latest.state == "open" else None

        ended = self.client.wait_until(closed, self.patience, "the retraining")
        run_id = str(ended.claimed_by).partition("/")[2]
        if ended.closed_at is None:
            raise ScenarioError(f"the retraining failed ({ended.outcome}): check the runs of churn_training")
        self._check_succeeded("churn_training", [self.client.wait_run("churn_training", run_id, self.patience)])
        self._progress(f"  retraining {ended.outcome}: {outcome.format_champion(self.database)}")

    def _ended(self, dag_id: str, partition: str) -> Json | None:
        for dag in ("churn_features", "churn_scoring", dag_id):
            runs = [r for r in self.client.runs(dag, order_by="-id") if r.get("partition_key") == partition]
            if runs and runs[0]["state"] == "failed":
                self._check_succeeded(dag, runs[:1])
        return runs[0] if runs and runs[0]["state"] == "success" else None

    def _check_succeeded(self, dag_id: str, runs: list[Json]) -> None:
        unsuccessful = [run for run in runs if run["state"] != "success"]
        if not unsuccessful:
            return
        run = unsuccessful[0]
        failed = [
            t["task_id"]
            for t in self.client.task_instances(dag_id, run["dag_run_id"])
            if t["state"] in ("failed", "upstream_failed")
        ]
        raise ScenarioError(
            f"run {run['dag_run_id']} of {dag_id} is {run['state']}; failed tasks: {', '.join(failed) or 'none'}\n"
            f"  logs: {self.client.base_url}/dags/{dag_id}/runs/{run['dag_run_id']}"
        )
