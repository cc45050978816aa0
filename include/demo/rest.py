"""Client of Airflow's public REST API: trigger runs and wait for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote

from include.demo.api import API, Api, Json, RestError, to_error
from include.demo.waiting import DemoTimeoutError, HealthWatch, poll_until

T = TypeVar("T")
ANY_DAG = "~"


class RestClient(Api):
    """
    Airflow's REST API for one user.

    :param patience: seconds that a component may be unhealthy before waiting fails; a default when None
    :param options: those of `Api`; `check` is also called while waiting
    """

    def __init__(
        self, base_url: str, username: str, password: str, *, patience: float | None = None, **options: Any
    ) -> None:
        super().__init__(base_url, username, password, **options)
        self.patience = patience

    # -- Airflow

    def health(self) -> Json:
        """Return the health of the four components, from ``GET /monitor/health`` (no token needed)."""
        response = self.send("GET", f"{API}/monitor/health")
        if response.status_code >= 400:
            raise to_error(response)
        return dict(response.json())

    def dag_ids(self) -> list[str]:
        """Return the ids of all DAGs in the bundle."""
        return sorted(dag["dag_id"] for dag in self.pages("/dags", "dags", exclude_stale=True, order_by="dag_id"))

    def import_errors(self) -> dict[str, str]:
        """Return the traceback of each DAG file that cannot be imported, by file name."""
        errors = self.pages("/importErrors", "import_errors", order_by="id")
        return {error["filename"]: error["stack_trace"] for error in errors}

    def pause(self, dag_id: str) -> None:
        """
        Pause a DAG.

        :param dag_id: DAG id
        """
        self.request("PATCH", f"/dags/{_q(dag_id)}", json={"is_paused": True})

    def unpause(self, dag_id: str, watchers: bool = False) -> None:
        """
        Unpause a DAG. A paused consumer misses the events of its assets: unpause consumers before producers.

        :param dag_id: DAG id
        :param watchers: whether its assets have watchers: then its file is parsed again. Airflow starts their triggers
            when it parses an unpaused DAG, so they could start up to `min_file_process_interval` later
        """
        dag = self.request("PATCH", f"/dags/{_q(dag_id)}", json={"is_paused": False})
        if watchers:
            self._reparse(dag["file_token"])

    def _reparse(self, file_token: str) -> None:
        try:
            self.request("PUT", f"/parseDagFile/{file_token}")
        except RestError as error:
            if error.status != 409:  # 409: already requested
                raise

    def wait_for_dags(self, ids: Iterable[str], deadline: float) -> None:
        """
        Wait until all these DAGs have been parsed.

        :param ids: DAG ids
        :param deadline: seconds from now
        :raises DemoTimeoutError: lists the missing DAGs and the import errors
        """
        expected = set(ids)
        try:
            self.wait_until(lambda: expected <= set(self.dag_ids()), deadline, f"DAGs {', '.join(sorted(expected))}")
        except DemoTimeoutError as error:
            missing = ", ".join(sorted(expected - set(self.dag_ids())))
            errors = "\n".join(f"{file}:\n{trace[-800:]}" for file, trace in self.import_errors().items())
            raise DemoTimeoutError(f"{error}\nMissing: {missing}\nImport errors: {errors or 'none'}") from None

    # -- runs

    def trigger(
        self,
        dag_id: str,
        run_id: str,
        conf: Json | None = None,
        partition_key: str | None = None,
        logical_date: datetime | str | None = None,
    ) -> Json:
        """
        Start a run under a fixed id, or return the existing run of that id.

        A ``partition_key`` on a DAG with `CronPartitionTimetable` gives the run that key and its partition
        date.

        :param dag_id: DAG id
        :param run_id: id of the run
        :param conf: its configuration: the DAG's params
        :param partition_key: its partition
        :param logical_date: its logical date (with a time zone); None is a run without one
        :return: the run
        """
        body: Json = {"dag_run_id": run_id, "logical_date": _iso(logical_date), "conf": conf or {}}
        if partition_key is not None:
            body["partition_key"] = partition_key
        try:
            return self.request("POST", f"/dags/{_q(dag_id)}/dagRuns", json=body)
        except RestError as error:
            if error.status != 409:
                raise
            return self.run(dag_id, run_id)

    def backfill(
        self,
        dag_id: str,
        from_date: datetime | str,
        to_date: datetime | str,
        max_active_runs: int = 1,
        deadline: float = 600,
    ) -> Json:
        """
        Run all intervals or partitions from one date to another, both included; skip those that exist.

        Airflow allows one backfill at a time for a DAG. An active one with the same dates is returned;
        otherwise this waits for it to end.

        :param dag_id: DAG id; its timetable must be periodic
        :param from_date: first date, with a time zone
        :param to_date: last date, with a time zone
        :param max_active_runs: 1 keeps the order of the dates
        :param deadline: seconds that an active backfill may still take
        :return: the backfill
        :raises RestError: status 422 when there is no run in these dates
        """
        body: Json = {
            "dag_id": dag_id,
            "from_date": _iso(from_date),
            "to_date": _iso(to_date),
            "max_active_runs": max_active_runs,
        }
        try:
            return self.request("POST", "/backfills", json=body)
        except RestError as error:
            if error.status != 409:
                raise
        active = self._active_backfill(dag_id)
        if active is not None and all(
            _parse_date(active[end]) == _parse_date(body[end]) for end in ("from_date", "to_date")
        ):
            return active
        self.wait_backfill(dag_id, deadline)
        return self.request("POST", "/backfills", json=body)

    def wait_backfill(self, dag_id: str, deadline: float) -> list[Json]:
        """
        Wait until no run of the DAG's active backfill is queued or running, and close that backfill.

        Airflow itself closes a finished backfill only at its next check, every 30 s, and rejects the next one
        until then. 'cancel' closes it at once and changes no run that has ended.

        :param dag_id: DAG id
        :param deadline: seconds from now
        :return: all backfill runs of the DAG; check their ``state``
        """
        self.wait_until(
            lambda: not self.runs(dag_id, run_type="backfill", state=["queued", "running"]),
            deadline,
            f"the backfill of {dag_id} to end",
        )
        active = self._active_backfill(dag_id)
        if active is not None:
            try:
                self.request("PUT", f"/backfills/{active['id']}/cancel")
            except RestError as error:
                if error.status != 409:  # 409: Airflow has closed it in the meantime
                    raise
        return self.runs(dag_id, run_type="backfill")

    def _active_backfill(self, dag_id: str) -> Json | None:
        backfills = self.pages("/backfills", "backfills", dag_id=dag_id, order_by="-id")
        return next((backfill for backfill in backfills if backfill["completed_at"] is None), None)

    def runs(self, dag_id: str, **filters: Any) -> list[Json]:
        """
        Return the runs of a DAG, oldest first.

        :param dag_id: DAG id, ``~`` for all
        :param filters: query parameters of Airflow, such as ``state="failed"``, ``run_type``, ``order_by``,
            ``partition_key_pattern``
        """
        return self.pages(f"/dags/{_q(dag_id)}/dagRuns", "dag_runs", **({"order_by": "id"} | filters))

    def run(self, dag_id: str, run_id: str) -> Json:
        """
        Return one run.

        :param dag_id: its DAG
        :param run_id: its id
        """
        return self.request("GET", f"/dags/{_q(dag_id)}/dagRuns/{_q(run_id)}")

    def active_runs(self) -> list[Json]:
        """Return all queued or running runs of all DAGs."""
        return self.runs(ANY_DAG, state=["queued", "running"])

    def task_instances(self, dag_id: str, run_id: str) -> list[Json]:
        """
        Return the task instances of a run.

        :param dag_id: its DAG
        :param run_id: its id
        """
        path = f"/dags/{_q(dag_id)}/dagRuns/{_q(run_id)}/taskInstances"
        return self.pages(path, "task_instances", order_by="id")

    # -- waiting

    def wait_run(self, dag_id: str, run_id: str, deadline: float) -> Json:
        """
        Wait until a run has succeeded or failed.

        :param dag_id: its DAG
        :param run_id: its id
        :param deadline: seconds from now
        :return: the run; check its ``state``
        """

        def ended() -> Json | None:
            run = self.run(dag_id, run_id)
            return run if run["state"] in {"success", "failed"} else None

        return self.wait_until(ended, deadline, f"run {run_id} of {dag_id} to end")

    def wait_until(self, predicate: Callable[[], T | None], deadline: float, what: str) -> T:
        """
        Poll twice a second until the predicate is true, and check Airflow's health meanwhile.

        :param predicate: the condition; raises to abort
        :param deadline: seconds from now
        :param what: description of the condition, for the error message
        :return: the predicate's first true value
        :raises DemoTimeoutError: at the deadline; lists active and failed runs
        :raises UnhealthyError: when a component has been unhealthy for some time
        """
        watch = HealthWatch(self.health, what, self.patience)

        def meanwhile() -> None:
            watch.check()
            if self.check is not None:
                self.check()

        value = poll_until(predicate, deadline, meanwhile)
        if value is None:
            raise DemoTimeoutError(f"Timed out after {deadline:g} s waiting for {what}.\n{self._run_summary()}")
        return value

    def _run_summary(self) -> str:
        """List active and failed runs, a line each."""
        failed = self.runs(ANY_DAG, state="failed")
        lines = []
        for title, runs in (("Active", self.active_runs()), ("Failed", failed)):
            listed = [f"  {run['dag_id']} {run['dag_run_id']} ({run['state']})" for run in runs[-10:]]
            lines += [f"{title} runs: {len(runs)}", *listed]
        return "\n".join(lines)


def _iso(date: datetime | str | None) -> str | None:
    return date.isoformat() if isinstance(date, datetime) else date


def _parse_date(date: str) -> datetime:
    return datetime.fromisoformat(date)


def _q(part: str) -> str:
    """Quote an id for use in a path: run ids contain ``+`` and ``:``."""
    return quote(part, safe="~")
