"""What is not a kill: promoters that race, answers of MLflow that are lost, and a disk that is really full."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from tests.crash.invariants import Expected, Records, violations
from tests.crash.machine import END, PERMANENT_FAILURE, CrashMachine, steps_before
from tests.crash.report import Tally
from tests.crash.steps import STEPS
from tests.crash.worker import Attempt

DISK = 256 * 2**20
FREE = (0, 16, 64, 256)  # KiB that are left
FILLS = ("ingest", "train", "register", "evaluate", "promote", "score", "rollback")


def promoters(machine: CrashMachine, tally: Tally, small: bool) -> None:
    """Let processes promote against each other, epoch after epoch, and count who won each."""
    many, epochs = (3, 12) if small else (8, 100)

    def race(folder: Path) -> dict[str, Any]:
        from mlflow import MlflowClient

        from airflow_mlops.store.database import Database
        from tests.races import promoters as racing

        database = Database(f"sqlite:///{folder}/store.db")
        database.upgrade()
        uri = f"sqlite:///{folder}/mlflow.db"
        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        outcome = racing.race(database, client, folder, promoters=many, epochs=epochs)
        wrong = _wrong("I4", lambda: racing.check(outcome, database, client, epochs))
        won = outcome.winners
        return {"epochs": len(won), "winners": sum(won.values()), "lost": outcome.lost, "wrong": wrong}

    found = _apart(machine.world.base / "promoters", race)
    tally.races += found["epochs"]
    tally.epochs += found["epochs"]
    tally.winners += found["winners"]
    tally.notes.append(f"{many} promoters: {found['epochs']} epochs, {found['lost']} times one was told it had lost")
    tally.add_violations("the race of promoters", [tuple(w) for w in found["wrong"]])


def replies(machine: CrashMachine, tally: Tally, small: bool) -> None:
    """Lose the answers to the calls that make something in MLflow, after its commit; the next attempt has to see it."""
    times = 3 if small else 20

    def lose(folder: Path) -> dict[str, Any]:
        from airflow_mlops.store.database import Database
        from tests.faults.proxy import AFTER_COMMIT, FaultProxy
        from tests.faults.server import mlflow_server
        from tests.faults.task import CREATING, Task, check_lost_response

        database, wrong, lost = Database(f"sqlite:///{folder}/store.db"), [], 0
        database.upgrade()
        with mlflow_server(folder / "mlflow.db") as server, FaultProxy(server) as proxy:
            for call in CREATING:
                for number, fault in enumerate(islice(cycle(AFTER_COMMIT), times)):
                    task = Task(proxy, database, folder, f"{call.replace('/', '_')}-{fault}-{number}")
                    wrong += _wrong("I1", lambda: check_lost_response(task, proxy, server, call, fault))  # noqa: B023
                    lost += 1
        return {"lost": lost, "wrong": wrong}

    found = _apart(machine.world.base / "replies", lose)
    tally.lost_replies += found["lost"]
    tally.add_violations("lost replies", [tuple(w) for w in found["wrong"]])


def disk(machine: CrashMachine, tally: Tally, small: bool) -> None:
    """Let steps find their disk full, make room, and let them try again."""
    for number, name in enumerate(FILLS):
        for free in (FREE[number % len(FREE)],) if small else FREE:
            given, work = machine.world.restore(name), machine.world.work
            try:
                with _small_disk(work):
                    wrong = _filled(machine, name, given, free)
            except PermissionError as error:
                tally.notes.append(f"no disk was filled: {error}")
                return
            tally.cases["disk"] = tally.cases.get("disk", 0) + 1
            tally.add_violations(f"{name} with {free} KiB left", wrong)


OTHER_FAULTS = {"disk": disk, "promoters": promoters, "replies": replies}


def _filled(machine: CrashMachine, name: str, given: dict[str, Any], free: int) -> list[tuple[str, str]]:
    work = machine.world.work
    manifests, wrong = Records(work).manifests, []
    filler = work / "filler"
    space = os.statvfs(work)
    filler.write_bytes(bytes(max(0, space.f_bavail * space.f_frsize - free * 1024)))
    outcome = Attempt(work, name, given, patches=machine.patches).wait()
    if outcome.ended == "failed":
        if PERMANENT_FAILURE in outcome.error:
            wrong.append((END, f"{name} would not be tried again: {outcome.error[:600]}"))
        if orphans := _orphans(work):
            wrong.append(("I7", f"{name} has left parts of a snapshot that is none: {orphans}"))
        filler.unlink()
        outcome = Attempt(work, name, given, number=2, patches=machine.patches).wait()
    else:
        filler.unlink()
    if outcome.ended != "done":
        wrong.append((END, f"{name} has {outcome.ended} with room again: {outcome.error[:600]}"))
    done = [*steps_before(name), (name, STEPS[name].key("r2"))]
    return wrong + violations(work, Expected(done, manifests))


def _orphans(work: Path) -> list[str]:
    """Return the folders with parts to which no manifest leads; what scoring has done is kept for its retry."""
    manifests = Records(work).manifests.items()
    told = {(path.parent / p["path"]).parent for path, c in manifests for p in json.loads(c)["files"]}
    found = [f for f in work.glob("snapshots/*/parts/*") if not f.parent.parent.name.endswith("_scores")]
    return [str(f.relative_to(work)) for f in found if f not in told]


@contextmanager
def _small_disk(work: Path) -> Iterator[None]:
    """Let a folder, as it is, be on a small disk of its own.

    :raises PermissionError: when this user may not mount one.
    """
    aside = work.with_name("aside")
    work.rename(aside)
    work.mkdir()
    try:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(work)]
        done = subprocess.run(mount, capture_output=True, text=True, check=False) if os.geteuid() == 0 else None
        if done is None or done.returncode:
            raise PermissionError("it takes root to mount a small disk" if done is None else done.stderr.strip())
        try:
            subprocess.run(["cp", "-a", f"{aside}/.", str(work)], check=True)
            yield
        finally:
            subprocess.run(["umount", "-l", str(work)], check=True)
    finally:
        work.rmdir()
        aside.rename(work)


def _wrong(name: str, act: Callable[[], Any]) -> list[tuple[str, str]]:
    """Do it, and give what was asserted in vain."""
    try:
        act()
    except BaseException as error:  # pytest's own failures are no Exception
        return [(name, f"{type(error).__name__}: {error}"[:600])]
    return []


def _apart(folder: Path, work: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
    """Do it in a process of its own: threads and connections must not be in the one that forks attempts."""
    folder.mkdir()
    told = folder / "told.json"
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        try:
            os.chdir(folder)
            told.write_text(json.dumps(work(folder)))
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(0)
    os.waitpid(pid, 0)
    if not told.is_file():
        raise SystemExit(f"{folder.name} came to nothing")
    found: dict[str, Any] = json.loads(told.read_text())
    return found
