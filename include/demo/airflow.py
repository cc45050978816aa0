"""A real Airflow for the demo: start its four components, warm, watch and stop them without a trace."""

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
"""How long a stop waits for running tasks before it interrupts them."""
HURRY_SECONDS = 3.0
"""The same after an exception or Ctrl-C, when somebody waits for the prompt."""
TERM_SECONDS = 3.0
"""How long tasks may take for `on_kill`."""
API_SECONDS = 3.0
"""How long the API server may take to close its connections; a browser keeps some open."""
TRIGGER_SECONDS = 4.0
"""How long triggers get to clean up."""
OWNED = ".airflow-mlops-demo"
"""File that marks a folder as made by this class: only such a folder is ever wiped."""
COMPONENTS = {
    "api-server": ["api-server"],
    # Their log servers listen on all interfaces and no option changes that; here all log files are local
    # anyway.
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
}


class StackError(RuntimeError):
    """Airflow did not start, or a component died; the text has the end of the log and where the log is."""


def silent(message: str) -> None:
    """
    Say nothing.

    :param message: what is not said
    """


class AirflowStack:
    """
    One Airflow of the demo's own: its home, its processes, its REST client.

    The components are started one by one and not by `airflow standalone`: that one does not notice when a
    component dies, orphans them on SIGTERM, offers no way to keep log servers off the network, and costs a
    process more.

    :param home: AIRFLOW_HOME, made when absent (`build/airflow` of the checkout)
    :param repo: root of the DAG bundle
    :param env: settings that win over the demo's own
    :param database_url: Airflow's database; SQLite in the home when None
    :param port: preferred port of the API server; the next free one is taken when it is not free
    :param fresh: wipe the home first; otherwise a home that exists goes on where it was
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

    # -- what a user needs to know

    @property
    def url(self) -> str:
        """Address of the web interface; the port is final once `start` has returned."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def username(self) -> str:
        """Who logs in."""
        return USER

    @property
    def password(self) -> str:
        """Generated at the first start in a home, the same ever after."""
        if self._keys is None:
            raise StackError("Airflow has not been started yet: there is no password.")
        return self._keys.password

    # -- start

    def start(self, progress: Callable[[str], None] = silent) -> AirflowStack:
        """
        Start everything and return when Airflow is healthy and warm.

        :param progress: told, in a line each, what has been reached
        :raises StackError: when a component dies or the deadline passes; nothing is left running then
        :raises FolderInUseError: when another live demo uses this home
        """
        if self._children:
            return self
        self._lock.acquire()
        began = time.monotonic()

        def tell(message: str) -> None:
            progress(f"{message} ({time.monotonic() - began:.0f} s)")

        try:
            self._prepare()
            self._migrate()
            tell("Airflow's database is ready")
            started_at = datetime.now(UTC)
            self._launch()
            self._warm_execution_api()
            tell("the API server answers")
            self._wait_healthy(started_at)
            self.client().dag_ids()
            tell(f"Airflow is warm at {self.url}, user {self.username}, password {self.password}")
        except BaseException:
            self.stop(grace=1.0)
            raise
        return self

    def _prepare(self) -> None:
        leftover = processes.end_all(self.home)
        if leftover:
            raise StackError(f"Processes of an earlier demo in {self.home} cannot be ended: {leftover}")
        if self._fresh:
            self._wipe()
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.home / OWNED).touch()
        self._keys = Secrets.of(self.home)
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
            raise StackError(f"{self.home} was not made by this demo (no {OWNED} in it): it is not wiped. Remove it.")
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
        # A session of its own: Ctrl-C in the terminal reaches the driver only, which then stops things in
        # order.
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
        # to wait for; here they pass while the other components still import. Without a token, since the
        # wrong one leaves a harmless but frightening traceback in the log.
        with httpx.Client(base_url=self.url, timeout=60, trust_env=False) as http:
            self._wait(lambda: _answers(http, "/execution/health"), START_SECONDS, "the API server to answer")

    def _wait_healthy(self, started_at: datetime) -> None:
        with httpx.Client(base_url=self.url, timeout=5, trust_env=False) as http:
            self._wait(lambda: _healthy_since(http, started_at), START_SECONDS, "Airflow to be healthy")

    def _wait(self, reached: Callable[[], bool], seconds: float, what: str, check: bool = True) -> None:
        deadline = time.monotonic() + seconds
        while not reached():
            if check:
                self.check()
            if time.monotonic() > deadline:
                raise self._failure(f"Waited {seconds:g} s in vain for {what}")
            time.sleep(0.25)

    # -- watch

    def client(self) -> RestClient:
        """
        The REST client, logged in as admin.

        :raises RestError: when the server refuses
        """
        if self._client is None:
            self._client = RestClient(self.url, self.username, self.password, check=self.check)
            self._client.login()
        return self._client

    def alive(self) -> bool:
        """Whether all four components run."""
        return len(self._children) == len(COMPONENTS) and not self._dead()

    def check(self) -> None:
        """
        Raise when a component has died.

        :raises StackError: names it, shows the end of the log
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
        return StackError(f"{message}.\nThe log is {self.log_path}; its end:\n{tail}")

    def memory(self) -> int:
        """Memory of all of Airflow's processes in bytes, shared pages counted once."""
        return processes.proportional_memory(self.home)

    # -- stop

    def stop(self, grace: float = GRACE_SECONDS) -> None:
        """
        Stop everything and make sure that no process is left. Safe to call twice.

        First the scheduler, DAG processor and triggerer: running tasks may finish within the grace period,
        for which they need the API server. Then SIGTERM for what is left but the API server, so that tasks
        run their `on_kill`; then the API server; then SIGKILL for the rest.

        :param grace: seconds that running tasks get
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
        """SIGTERM whatever is left but the API server, so that tasks run `on_kill` and can still report."""
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
        self.stop(GRACE_SECONDS if kind is None else HURRY_SECONDS)


def _interrupt(child: subprocess.Popen[bytes]) -> None:
    """
    Send SIGINT, on which Airflow's components end gracefully, unless the process has ended.

    :param child: the process
    """
    if child.poll() is None:
        child.send_signal(signal.SIGINT)


def _trigger_runners(triggerer: subprocess.Popen[bytes] | None) -> list[psutil.Process]:
    """
    The processes in which triggers run: when they end, the triggerer follows within a second.

    Interrupted itself, it would end them and then sleep for 10 s although they are gone (Airflow 3.3.2).

    :param triggerer: the triggerer
    """
    if triggerer is None or triggerer.poll() is not None:
        return []
    try:
        return list(psutil.Process(triggerer.pid).children())
    except psutil.Error:
        return []


def _answers(http: httpx.Client, path: str) -> bool:
    """
    Whether the server gives a good answer.

    :param http: client of the API server
    :param path: what to ask for
    """
    try:
        return http.get(path).status_code == 200
    except httpx.TransportError:
        return False


def _healthy_since(http: httpx.Client, started_at: datetime) -> bool:
    """
    Whether all components are healthy, by heartbeats of this start: those of a killed earlier one may look
    fresh.

    :param http: client of the API server
    :param started_at: when this start began
    """
    try:
        answer = http.get("/api/v2/monitor/health")
        health: Json = answer.json() if answer.status_code == 200 else {}
    except (httpx.TransportError, ValueError):
        return False
    if unhealthy(health):
        return False
    beats = [health[name][f"latest_{name}_heartbeat"] for name in ("scheduler", "triggerer", "dag_processor")]
    return all(beat and datetime.fromisoformat(beat) >= started_at for beat in beats)
