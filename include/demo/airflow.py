"""Start, monitor and stop a local Airflow for the demo."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO

import httpx
import psutil

from include.demo import processes
from include.demo.api import Json
from include.demo.environment import USER, Secrets, airflow_environment, passwords_file, write_private
from include.demo.locks import FolderLock
from include.demo.ports import LOOPBACK, free_port
from include.demo.rest import RestClient
from include.demo.signals import deferred_signals
from include.demo.waiting import unhealthy

MIGRATE_SECONDS = 180.0
START_SECONDS = 480.0
GRACE_SECONDS = 12.0
"""How long `stop` waits for running tasks before it interrupts them."""
ABORT_SECONDS = 3.0
"""The same after an exception or Ctrl-C, when a user waits for the prompt."""
TERM_SECONDS = 3.0
"""How long tasks may take for `on_kill`."""
API_SECONDS = 3.0
"""How long the API server may take to close its connections; a browser keeps some open."""
TRIGGER_SECONDS = 4.0
"""How long triggers may take to clean up."""
OWNED = ".airflow-mlops-demo"
"""File that marks a folder as made by this class: only such a folder is wiped."""
COMPONENTS = {
    "api-server": ["api-server"],
    # Their log servers listen on all interfaces and no option changes that; here all log files are local
    # anyway.
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
}


class StackError(RuntimeError):
    """Airflow did not start, or a component died. The message has the log's path and last lines."""


def ignore_progress(message: str) -> None:
    """
    Ignore a progress message.

    :param message: the message
    """


class AirflowStack:
    """
    A local Airflow with its own home, processes and REST client.

    The components are started one by one, because `airflow standalone` does not notice when a component dies
    and orphans them on SIGTERM. It also cannot keep log servers off the network, and needs one more process.

    :param home: AIRFLOW_HOME, created when absent (`build/airflow` of the checkout)
    :param repo: root of the DAG bundle
    :param env: settings that override the demo's own
    :param database_url: Airflow's database; SQLite in the home when None
    :param port: preferred port of the API server; the next free one is used when it is taken
    :param fresh: wipe the home first; otherwise an existing home is resumed
    """

    def __init__(
        self,
        home: Path,
        repo: Path,
        env: Mapping[str, str] | None = None,
        database_url: str | None = None,
        port: int = 8080,
        fresh: bool = False,
    ) -> None:
        self.home = Path(home).resolve()
        self.repo = Path(repo).resolve()
        self.port = port
        self.log_path = self.home / "standalone.log"
        self.environment: dict[str, str] = {}
        self._extra = dict(env or {})
        self._database_url = database_url
        self._fresh = fresh
        self._lock = FolderLock(self.home)
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._log: IO[bytes] | None = None
        self._keys: Secrets | None = None
        self._client: RestClient | None = None

    # -- login

    @property
    def url(self) -> str:
        """Address of the web interface; the port is final once `start` has returned."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def username(self) -> str:
        """Name of the admin user."""
        return USER

    @property
    def password(self) -> str:
        """Password of the admin user: generated at the first start in a home, then reused."""
        if self._keys is None:
            raise StackError("No password: Airflow has not been started yet.")
        return self._keys.password

    # -- start

    def start(self, progress: Callable[[str], None] = ignore_progress) -> AirflowStack:
        """
        Start everything and return when Airflow is healthy and warm.

        :param progress: called with a line for each stage reached
        :raises StackError: when a component dies or the deadline passes; nothing is left running then
        :raises FolderInUseError: when another live demo uses this home
        """
        if self._children:
            return self
        self._lock.acquire()
        began = time.monotonic()

        def report(message: str) -> None:
            progress(f"{message} ({time.monotonic() - began:.0f} s)")

        try:
            self._prepare()
            self._migrate()
            report("Airflow's database is ready")
            started_at = datetime.now(UTC)
            self._launch()
            self._warm_execution_api()
            report("the API server responds")
            self._wait_healthy(started_at)
            self.client().dag_ids()
            report(f"Airflow is ready at {self.url}, user {self.username}, password {self.password}")
        except BaseException:
            self.stop(grace=1.0)
            raise
        return self

    def _prepare(self) -> None:
        remaining = processes.end_all(self.home)
        if remaining:
            raise StackError(f"Processes of an earlier demo in {self.home} cannot be stopped: {remaining}")
        if self._fresh:
            self._wipe()
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.home / OWNED).touch()
        self._keys = Secrets.load(self.home)
        write_private(passwords_file(self.home), json.dumps({USER: self._keys.password}))
        self.port = free_port(self.port)
        self.environment = airflow_environment(
            self.home, self.repo, self._database_url, self.port, self._keys, self._extra
        )
        self._log = self.log_path.open("wb")

    def _wipe(self) -> None:
        if not self.home.exists():
            return
        if any(self.home.iterdir()) and not (self.home / OWNED).exists():
            raise StackError(f"{self.home} was not created by this demo (no {OWNED} in it). Remove it by hand.")
        shutil.rmtree(self.home)

    def _migrate(self) -> None:
        with deferred_signals():
            self._children["db"] = self._spawn(["db", "migrate"])
        self._wait(
            lambda: self._children["db"].poll() is not None,
            MIGRATE_SECONDS,
            "`airflow db migrate`",
            check=False,
        )
        if self._children.pop("db").returncode:
            raise self._failure("`airflow db migrate` failed")

    def _launch(self) -> None:
        with deferred_signals():
            for name, arguments in COMPONENTS.items():
                self._children[name] = self._spawn(arguments)

    def _spawn(self, arguments: list[str]) -> subprocess.Popen[bytes]:
        # A separate session: Ctrl-C in the terminal reaches the driver only, which then stops in order.
        return subprocess.Popen(
            [sys.executable, "-m", "airflow", *arguments],
            env=self.environment,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def _warm_execution_api(self) -> None:
        # The first request builds the execution API lazily: 4 to 7 s of CPU that the first task would have
        # to wait for. Here this happens while the other components still import. No token is sent, since a
        # wrong one leaves a harmless but alarming traceback in the log.
        with httpx.Client(base_url=self.url, timeout=60, trust_env=False) as http:
            self._wait(lambda: _responds(http, "/execution/health"), START_SECONDS, "the API server to respond")

    def _wait_healthy(self, started_at: datetime) -> None:
        with httpx.Client(base_url=self.url, timeout=5, trust_env=False) as http:
            self._wait(lambda: _healthy_since(http, started_at), START_SECONDS, "Airflow to be healthy")

    def _wait(self, reached: Callable[[], bool], seconds: float, what: str, check: bool = True) -> None:
        deadline = time.monotonic() + seconds
        while not reached():
            if check:
                self.check()
            if time.monotonic() > deadline:
                raise self._failure(f"Timed out after {seconds:g} s waiting for {what}")
            time.sleep(0.25)

    # -- monitor

    def client(self) -> RestClient:
        """
        Return the REST client, logged in as admin.

        :raises RestError: when the server refuses
        """
        if self._client is None:
            self._client = RestClient(self.url, self.username, self.password, check=self.check)
            self._client.login()
        return self._client

    def alive(self) -> bool:
        """Check whether all four components run."""
        return len(self._children) == len(COMPONENTS) and not self._dead()

    def check(self) -> None:
        """
        Raise when a component has died.

        :raises StackError: names the component and shows the end of the log
        """
        if dead := self._dead():
            raise self._failure(f"{', '.join(dead)} of Airflow ended unexpectedly")

    def _dead(self) -> list[str]:
        return [
            f"{name} (exit {child.returncode})" for name, child in self._children.items() if child.poll() is not None
        ]

    def _failure(self, message: str, lines: int = 25) -> StackError:
        try:
            tail = "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])
        except OSError as error:
            tail = f"({error})"
        return StackError(f"{message}.\nLog file: {self.log_path}. Last lines:\n{tail}")

    def memory(self) -> int:
        """Return the memory of all Airflow processes in bytes, with shared pages counted once."""
        return processes.proportional_memory(self.home)

    # -- stop

    def stop(self, grace: float = GRACE_SECONDS) -> None:
        """
        Stop everything and check that no process is left. Safe to call twice.

        First the scheduler, DAG processor and triggerer: running tasks may finish within the grace period,
        for which they need the API server. Then SIGTERM for everything but the API server, so that tasks
        run their `on_kill`; then the API server; then SIGKILL for the rest.

        :param grace: seconds that running tasks may take
        :raises StackError: when a process survives SIGKILL
        """
        with deferred_signals():
            try:
                others = {name: child for name, child in self._children.items() if name != "api-server"}
                self._end(others, grace)
                self._terminate_tasks()
                self._end(self._children, API_SECONDS)
                survivors = processes.end_all(self.home, term_seconds=1.0)
            finally:
                self._close()
        if survivors:
            raise StackError(f"Processes of Airflow survived SIGKILL: {survivors}. See {self.log_path}.")

    @staticmethod
    def _end(children: dict[str, subprocess.Popen[bytes]], seconds: float) -> None:
        runners = _trigger_runners(children.get("triggerer"))
        for name, child in children.items():
            if name != "triggerer" or not runners:
                _interrupt(child)
        processes.send(runners, signal.SIGINT)
        began = time.monotonic()
        while any(child.poll() is None for child in children.values()):
            waited = time.monotonic() - began
            if waited > seconds:
                return
            if runners and waited > TRIGGER_SECONDS:
                _interrupt(children["triggerer"])
                runners = []
            time.sleep(0.1)

    def _terminate_tasks(self) -> None:
        """Send SIGTERM to everything but the API server, so that tasks run `on_kill` and can still report."""
        api = self._children.get("api-server")

        def others() -> list[psutil.Process]:
            return [process for process in processes.members(self.home) if api is None or process.pid != api.pid]

        processes.send(others(), signal.SIGTERM)
        processes.wait_until_gone(others, TERM_SECONDS)

    def _close(self) -> None:
        for child in self._children.values():
            child.poll()  # reap
        self._children.clear()
        if self._client is not None:
            self._client.close()
            self._client = None
        if self._log is not None:
            self._log.close()
            self._log = None
        self._lock.release()

    def __enter__(self) -> AirflowStack:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop(GRACE_SECONDS if kind is None else ABORT_SECONDS)


def _interrupt(child: subprocess.Popen[bytes]) -> None:
    """
    Send SIGINT, on which Airflow's components stop gracefully, unless the process has ended.

    :param child: the process
    """
    if child.poll() is None:
        child.send_signal(signal.SIGINT)


def _trigger_runners(triggerer: subprocess.Popen[bytes] | None) -> list[psutil.Process]:
    """
    Return the processes in which triggers run: when they end, the triggerer follows within a second.

    When the triggerer itself is interrupted, it stops them and then still sleeps for 10 s (Airflow 3.3.2).

    :param triggerer: the triggerer
    """
    if triggerer is None or triggerer.poll() is not None:
        return []
    try:
        return list(psutil.Process(triggerer.pid).children())
    except psutil.Error:
        return []


def _responds(http: httpx.Client, path: str) -> bool:
    """
    Check whether the server responds with 200.

    :param http: client of the API server
    :param path: the path to request
    """
    try:
        return http.get(path).status_code == 200
    except httpx.TransportError:
        return False


def _healthy_since(http: httpx.Client, started_at: datetime) -> bool:
    """
    Check whether all components are healthy, by heartbeats since this start: those of a killed earlier one
    may look fresh.

    :param http: client of the API server
    :param started_at: when this start began
    """
    try:
        response = http.get("/api/v2/monitor/health")
        health: Json = response.json() if response.status_code == 200 else {}
    except (httpx.TransportError, ValueError):
        return False
    if unhealthy(health):
        return False
    beats = [health[name][f"latest_{name}_heartbeat"] for name in ("scheduler", "triggerer", "dag_processor")]
    return all(beat and datetime.fromisoformat(beat) >= started_at for beat in beats)
