"""What Airflow's public REST API is asked for here: to drive runs, and to wait for what they lead to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote

from include.demo.api import API, Api, Json, RestError, error_of
from include.demo.waiting import DemoTimeoutError, HealthWatch, until

T = TypeVar("T")
ANY_DAG = "~"


class RestClient(Api):
    """
    Airflow's REST API for one user.

    :param patience: seconds that a component may be unhealthy before waiting is given up; a default when None
    :param options: those of `Api`; its `check` is called while waiting, too
    """

    def __init__(
        self, base_url: str, username: str, password: str, *, patience: float | None = None, **options: Any
    ) -> None:
        super().__init__(base_url, username, password, **options)
        self.patience = patience

    # -- Airflow as a whole

    def health(self) -> Json:
        """Health of the four components, as ``GET /monitor/health`` gives it (no token needed)."""
        answer = self.send("GET", f"{API}/monitor/health")
        if answer.status_code >= 400:
            raise error_of(answer)
        return dict(answer.json())

    def dag_ids(self) -> list[str]:
        """Ids of all DAGs that the bundle has now."""
        return sorted(dag["dag_id"] for dag in self.pages("/dags", "dags", exclude_stale=True, order_by="dag_id"))

    def import_errors(self) -> dict[str, str]:
        """File name -> traceback, for each DAG file that cannot be imported."""
        errors = self.pages("/importErrors", "import_errors", order_by="id")
        return {error["filename"]: error["stack_trace"] for error in errors}

    def pause(self, dag_id: str) -> None:
        """
        Pause a DAG.

        :param dag_id: which
        """
        self.request("PATCH", f"/dags/{_q(dag_id)}", json={"is_paused": True})

    def unpause(self, dag_id: str, watchers: bool = False) -> None:
        """
        Unpause a DAG. A paused consumer misses the events of its assets: unpause consumers before producers.

        :param dag_id: which
        :param watchers: its assets have watchers: parse its file again. Airflow starts their triggers when it
            parses a DAG that is not paused, so they would start up to `min_file_process_interval` later
        """
        dag = self.request("PATCH", f"/dags/{_q(dag_id)}", json={"is_paused": False})
        if watchers:
            self._reparse(dag["file_token"])

    def _reparse(self, file_token: str) -> None:
        try:
            self.request("PUT", f"/parseDagFile/{file_token}")
        except RestError as error:
            if error.status != 409:  # 409: it has been asked for already
                raise

    def wait_for_dags(self, ids: Iterable[str], deadline: float) -> None:
        """
        Wait until all these DAGs have been parsed.

        :param ids: DAG ids
        :param deadline: seconds from now
        :raises DemoTimeoutError: names those that are missing, and the import errors
        """
        wanted = set(ids)
        try:
            self.wait_until(lambda: wanted <= set(self.dag_ids()), deadline, f"DAGs {', '.join(sorted(wanted))}")
        except DemoTimeoutError as error:
            missing = ", ".join(sorted(wanted - set(self.dag_ids())))
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
        Start a run under a fixed id; a run of that id which exists already is returned as it is.

        A ``partition_key`` on a DAG with `CronPartitionTimetable` gives the run that key and its partition
        date.

        :param dag_id: which DAG
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
        Run all intervals or partitions from one date to another, both included; those that exist are left
        alone.

        Airflow allows one backfill at a time for a DAG. One that is still active is waited for; when it has
        the same dates, it is returned.

        :param dag_id: which DAG; its timetable must be periodic
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
        if active is not None and all(_moment(active[end]) == _moment(body[end]) for end in ("from_date", "to_date")):
            return active
        self.wait_backfill(dag_id, deadline)
        return self.request("POST", "/backfills", json=body)

    def wait_backfill(self, dag_id: str, deadline: float) -> list[Json]:
        """
        Wait until no run of the DAG's active backfill is queued or running, and close that backfill.

        Airflow itself closes a finished backfill only at its next look, every 30 s, and refuses the next
        one until then; 'cancel' closes it at once, and changes no run that has ended.

        :param dag_id: which DAG
        :param deadline: seconds from now
        :return: all backfill runs of the DAG; look at their ``state``
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
        return next((one for one in backfills if one["completed_at"] is None), None)

    def runs(self, dag_id: str, **filters: Any) -> list[Json]:
        """
        Runs of a DAG, oldest first.

        :param dag_id: which DAG, ``~`` for all
        :param filters: query parameters of Airflow, such as ``state="failed"``, ``run_type``, ``order_by``,
            ``partition_key_pattern``
        """
        return self.pages(f"/dags/{_q(dag_id)}/dagRuns", "dag_runs", **({"order_by": "id"} | filters))

    def run(self, dag_id: str, run_id: str) -> Json:
        """
        One run.

        :param dag_id: its DAG
        :param run_id: its id
        """
        return self.request("GET", f"/dags/{_q(dag_id)}/dagRuns/{_q(run_id)}")

    def active_runs(self) -> list[Json]:
        """All runs of all DAGs that are queued or running."""
        return self.runs(ANY_DAG, state=["queued", "running"])

    def task_instances(self, dag_id: str, run_id: str) -> list[Json]:
        """
        Task instances of a run.

        :param dag_id: its DAG
        :param run_id: its id
        """
        path = f"/dags/{_q(dag_id)}/dagRuns/{_q(run_id)}/taskInstances"
        return self.pages(path, "task_instances", order_by="id")

    # -- waiting

    def wait_run(self, dag_id: str, run_id: str, deadline: float) -> Json:
        """
        Wait until a run has ended, well or badly.

        :param dag_id: its DAG
        :param run_id: its id
        :param deadline: seconds from now
        :return: the run; look at its ``state``
        """

        def ended() -> Json | None:
            run = self.run(dag_id, run_id)
            return run if run["state"] in {"success", "failed"} else None

        return self.wait_until(ended, deadline, f"run {run_id} of {dag_id} to end")

    def wait_until(self, predicate: Callable[[], T | None], deadline: float, what: str) -> T:
        """
        Ask twice a second until the answer is true, and watch Airflow's health meanwhile.

        :param predicate: the question; raises to give up
        :param deadline: seconds from now
        :param what: what is waited for, for the error's text
        :return: the predicate's first true answer
        :raises DemoTimeoutError: at the deadline; lists active and failed runs
        :raises UnhealthyError: when a component has been unhealthy for some time
        """
        watch = HealthWatch(self.health, what, self.patience)

        def meanwhile() -> None:
            watch.look()
            if self.check is not None:
                self.check()

        answer = until(predicate, deadline, meanwhile)
        if answer is None:
            raise DemoTimeoutError(f"Waited {deadline:g} s in vain for {what}.\n{self._situation()}")
        return answer

    def _situation(self) -> str:
        """Active and failed runs, a line each."""
        failed = self.runs(ANY_DAG, state="failed")
        lines = []
        for title, runs in (("Active", self.active_runs()), ("Failed", failed)):
            listed = [f"  {run['dag_id']} {run['dag_run_id']} ({run['state']})" for run in runs[-10:]]
            lines += [f"{title} runs: {len(runs)}", *listed]
        return "\n".join(lines)


def _iso(date: datetime | str | None) -> str | None:
    return date.isoformat() if isinstance(date, datetime) else date


def _moment(date: str) -> datetime:
    return datetime.fromisoformat(date)


def _q(part: str) -> str:
    """Quote an id for use in a path: run ids have ``+`` and ``:`` in them."""
    return quote(part, safe="~")
