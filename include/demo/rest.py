"""A small client of Airflow's public REST API, for driving runs and waiting for what they lead to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote

import httpx

Json = dict[str, Any]
T = TypeVar("T")

API = "/api/v2"
ANY_DAG = "~"
POLL_SECONDS = 0.5
HEALTH_SECONDS = 5.0
"""How often `wait_until` asks for Airflow's health."""
SICK_SECONDS = 45.0
"""How long a component may be unhealthy before waiting is given up: a busy machine misses heartbeats."""
PAGE = 100
COMPONENTS = ("metadatabase", "scheduler", "triggerer", "dag_processor")


class RestError(RuntimeError):
    """
    Airflow's API answered with an error.

    :param status: HTTP status, 0 when there was no answer
    :param message: method, path and what the server said
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class DemoTimeoutError(RuntimeError):
    """What was waited for did not happen in time."""


class UnhealthyError(RuntimeError):
    """A part of Airflow stopped working while something was waited for."""


class RestClient:
    """
    Airflow's REST API for one user.

    A request is repeated, a few times with growing pauses, after a connection error or a 5xx answer: SQLite
    answers 500 under load, having changed nothing. So a POST carries an id that makes it safe to repeat (a
    409 then says that the first one arrived). A 401 renews the token once.

    :param base_url: for example ``http://127.0.0.1:8080``
    :param username: user of the simple auth manager
    :param password: that user's password
    :param check: called while waiting; raises when the processes behind the API have died
    :param retries: how often a request is repeated
    :param pause: seconds before the first repetition, doubled each time
    :param patience: seconds that a component may be unhealthy before waiting is given up; `SICK_SECONDS` when None
    """

    def __init__(
        self,
        base_url: str,
        username: str,
        password: str,
        check: Callable[[], None] | None = None,
        retries: int = 5,
        pause: float = 0.5,
        patience: float | None = None,
    ) -> None:
        self.patience = patience
        self.base_url = base_url.rstrip("/")
        self._credentials = {"username": username, "password": password}
        self._check = check
        self._retries = retries
        self._pause = pause
        self._token: str | None = None
        # trust_env=False: a proxy from the environment must not see requests to loopback.
        # 30 s: SQLite makes the API server wait 5 s for its lock, several times in a row.
        self._http = httpx.Client(base_url=self.base_url, timeout=httpx.Timeout(30, connect=5), trust_env=False)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    # -- requests

    def login(self) -> None:
        """
        Get a token.

        :raises RestError: when name or password are wrong, or the server does not answer
        """
        answer = self._send("POST", "/auth/token", json=self._credentials)
        if answer.status_code != 201:
            raise _error(answer)
        self._token = answer.json()["access_token"]

    def request(self, method: str, path: str, **options: Any) -> Json:
        """
        One authenticated request to the public API, repeated when that may help.

        :param method: HTTP method
        :param path: path below ``/api/v2``
        :param options: passed on to httpx: ``json``, ``params``
        :return: the decoded answer, empty for an empty one
        :raises RestError: for any answer from 400 on
        """
        if self._token is None:
            self.login()
        answer = self._send(method, API + path, headers=self._headers(), **options)
        if answer.status_code == 401:
            self.login()
            answer = self._send(method, API + path, headers=self._headers(), **options)
        if answer.status_code >= 400:
            raise _error(answer)
        return dict(answer.json() or {}) if answer.content else {}  # some PUTs answer `null`

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        pause = self._pause
        for attempt in range(self._retries + 1):
            last = attempt == self._retries
            try:
                answer = self._http.request(method, path, **options)
            except httpx.TransportError as error:
                if last:
                    message = f"{method} {self.base_url}{path}: no answer ({type(error).__name__}: {error})"
                    raise RestError(0, message) from error
            else:
                if answer.status_code < 500 or last:
                    return answer
            if self._check is not None:
                self._check()  # no use in knocking at a dead server's door
            time.sleep(pause)
            pause *= 2
        raise AssertionError("unreachable")

    def _pages(self, path: str, key: str, **filters: Any) -> list[Json]:
        """All entries of a paged list."""
        found: list[Json] = []
        while True:
            page = self.request("GET", path, params={**filters, "limit": PAGE, "offset": len(found)})
            found.extend(page[key])
            if not page[key] or len(found) >= page["total_entries"]:
                return found

    # -- Airflow as a whole

    def health(self) -> Json:
        """Health of the four components, as ``GET /monitor/health`` gives it (no token needed)."""
        answer = self._send("GET", f"{API}/monitor/health")
        if answer.status_code >= 400:
            raise _error(answer)
        return dict(answer.json())

    def dag_ids(self) -> list[str]:
        """Ids of all DAGs that the bundle has now."""
        return sorted(dag["dag_id"] for dag in self._pages("/dags", "dags", exclude_stale=True, order_by="dag_id"))

    def import_errors(self) -> dict[str, str]:
        """File name -> traceback, for each DAG file that cannot be imported."""
        errors = self._pages("/importErrors", "import_errors", order_by="id")
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
        backfills = self._pages("/backfills", "backfills", dag_id=dag_id, order_by="-id")
        return next((one for one in backfills if one["completed_at"] is None), None)

    def runs(self, dag_id: str, **filters: Any) -> list[Json]:
        """
        Runs of a DAG, oldest first.

        :param dag_id: which DAG, ``~`` for all
        :param filters: query parameters of Airflow, such as ``state="failed"``, ``run_type``, ``order_by``,
            ``partition_key_pattern``
        """
        return self._pages(f"/dags/{_q(dag_id)}/dagRuns", "dag_runs", **({"order_by": "id"} | filters))

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
        return self._pages(path, "task_instances", order_by="id")

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
        end = time.monotonic() + deadline
        watch = _HealthWatch(self, what)
        while True:
            answer = predicate()
            if answer:
                return answer
            if time.monotonic() >= end:
                raise DemoTimeoutError(f"Waited {deadline:g} s in vain for {what}.\n{self._situation()}")
            watch.look()
            if self._check is not None:
                self._check()
            time.sleep(POLL_SECONDS)

    def _situation(self) -> str:
        """Active and failed runs, a line each."""
        failed = self.runs(ANY_DAG, state="failed")
        lines = []
        for title, runs in (("Active", self.active_runs()), ("Failed", failed)):
            listed = [f"  {run['dag_id']} {run['dag_run_id']} ({run['state']})" for run in runs[-10:]]
            lines += [f"{title} runs: {len(runs)}", *listed]
        return "\n".join(lines)


class _HealthWatch:
    """
    Ask for Airflow's health every few seconds.

    :param client: whom to ask
    :param what: what is waited for meanwhile
    """

    def __init__(self, client: RestClient, what: str) -> None:
        self._client = client
        self._what = what
        self._next = time.monotonic() + HEALTH_SECONDS
        self._sick_since: float | None = None

    def look(self) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + HEALTH_SECONDS
        sick = unhealthy(self._client.health())
        if not sick:
            self._sick_since = None
            return
        self._sick_since = self._sick_since or now
        if now - self._sick_since >= (self._client.patience or SICK_SECONDS):
            raise UnhealthyError(f"{', '.join(sick)} of Airflow stopped working while waiting for {self._what}.")


def unhealthy(health: Json) -> list[str]:
    """
    Names of the components that are not healthy.

    :param health: the answer of `RestClient.health`
    """
    return [name for name in COMPONENTS if (health.get(name) or {}).get("status") != "healthy"]


def _error(answer: httpx.Response) -> RestError:
    request = answer.request
    return RestError(
        answer.status_code, f"{request.method} {request.url}: HTTP {answer.status_code}: {answer.text[:600]}"
    )


def _iso(date: datetime | str | None) -> str | None:
    return date.isoformat() if isinstance(date, datetime) else date


def _moment(date: str) -> datetime:
    return datetime.fromisoformat(date)


def _q(part: str) -> str:
    """Quote an id for use in a path: run ids have ``+`` and ``:`` in them."""
    return quote(part, safe="~")
