"""The small business on disk: where it is, and how it looked before each step."""

from __future__ import annotations

import importlib
import json
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.crash.steps import CHAIN, PARTITION, ROWS, TRAINING, chunks
from tests.crash.worker import Attempt

PRELOAD = ("airflow.sdk", "airflow_mlops.preload", "mlflow.store.tracking.sqlalchemy_store", "sqlalchemy.orm")


class CrashEnvironment:
    """A folder with a lifecycle store, an MLflow and snapshots, which can be put back to what it was before a step.

    It is always at the same place, because records name places.

    :param base: an empty folder.
    """

    def __init__(self, base: Path) -> None:
        self.base, self.work, self.before = base, base / "work", base / "before"
        for folder in (self.work, self.before, base / "tmp", base / "notes"):
            folder.mkdir(parents=True)

    def environment(self) -> None:
        """Point Airflow's connections here, and import what is heavy: attempts are forked from this process."""
        store = {"conn_type": "mlops_store", "schema": str(self.work / "store.db")}
        store["extra"] = json.dumps({"driver": "sqlite", "snapshots": (self.work / "snapshots").as_uri()})
        tracking = {
            "tracking_uri": f"sqlite:///{self.work}/mlflow.db",
            "artifact_location": (self.work / "artifacts").as_uri(),
        }
        os.environ |= {
            "AIRFLOW_HOME": str(self.base / "airflow"),
            "AIRFLOW_CONN_MLOPS_STORE_DEFAULT": json.dumps(store),
            "AIRFLOW_CONN_MLFLOW_DEFAULT": json.dumps({"conn_type": "mlflow", "extra": json.dumps(tracking)}),
            "DO_NOT_TRACK": "1",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "GIT_PYTHON_REFRESH": "quiet",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "POLARS_MAX_THREADS": "1",
        }
        for module in PRELOAD:
            with suppress(ImportError):
                importlib.import_module(module)
        from mlflow.utils.requirements_utils import _init_packages_to_modules_map
        from sqlalchemy.orm import configure_mappers

        from airflow_mlops.preload import warm

        warm()
        configure_mappers()
        _init_packages_to_modules_map()  # MLflow looks through all that is installed, once a process

    def build(self) -> None:
        """Let all three runs happen, and keep what was there before each step of ``r2``."""
        given = _in_a_process(self, _lay_out)
        self._run("r1", (*TRAINING, "promote"), dict(given))
        self._run("r3", TRAINING, dict(given), keep="challenger")
        self._run("r2", CHAIN, dict(given), before=True)

    def _run(
        self, run: str, steps: tuple[str, ...], given: dict[str, Any], *, before: bool = False, keep: str = ""
    ) -> None:
        from tests.crash.steps import STEPS

        for name in steps:
            if before:
                self._save(name, given)
            outcome = Attempt(self.work, name, given, run=run).wait()
            if outcome.ended != "done":
                raise SystemExit(f"{run}/{name} without any fault has {outcome.ended}: {outcome.error}")
            given[STEPS[name].gives] = outcome.given
        if before:
            self._save("end", given)
        if keep:
            (self.before / f"{keep}.json").write_text(json.dumps(given))

    def _save(self, name: str, given: dict[str, Any]) -> None:
        shutil.copytree(self.work, self.before / name)
        (self.before / f"{name}.json").write_text(json.dumps(given))

    def restore(self, name: str) -> dict[str, Any]:
        """Put everything back to what it was before a step; return what earlier steps had given."""
        for folder in (self.work, self.base / "tmp", self.base / "notes"):
            shutil.rmtree(folder)
        shutil.copytree(self.before / start_step(name), self.work)
        for fresh in ("tmp", "notes"):
            (self.base / fresh).mkdir()
        return self.load_inputs(start_step(name))

    def load_inputs(self, name: str) -> dict[str, Any]:
        """Return the results of the steps before this one."""
        found: dict[str, Any] = json.loads((self.before / f"{name}.json").read_text())
        return found


def start_step(step: str) -> str:
    """Return before which step of the chain a step can be done: tuning is in the place of training."""
    return {"tune": "train", "backfill": "promote"}.get(step, step)


def _lay_out(world: CrashEnvironment) -> dict[str, Any]:
    """Create the initial tables and rows."""
    import pandas as pd
    from mlflow import MlflowClient

    from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
    from airflow_mlops.store.database import Database

    os.chdir(world.work)
    Database(f"sqlite:///{world.work}/store.db").upgrade()
    uri = f"sqlite:///{world.work}/mlflow.db"
    MlflowClient(tracking_uri=uri, registry_uri=uri).search_experiments()
    root = SnapshotRoot((world.work / "snapshots").as_uri())
    rows = {part: pd.concat(chunks(seed, ROWS)) for seed, part in ((7, "validation"), (8, "test"))}
    return {part: root.write(part, frame, partition=PARTITION).to_dict() for part, frame in rows.items()}


def _in_a_process(world: CrashEnvironment, work: Any) -> dict[str, Any]:
    """Do it in a process of its own: from one that has used a database or threads, nothing may be forked."""
    told = world.base / "notes" / "told.json"
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            told.write_text(json.dumps(work(world)))
            code = 0
        finally:
            os._exit(code)
    if os.waitpid(pid, 0)[1]:
        raise SystemExit("what is there from the start could not be made")
    found: dict[str, Any] = json.loads(told.read_text())
    return found
