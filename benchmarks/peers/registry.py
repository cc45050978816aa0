"""Registering a model, ours and MLflow's own in turns, beside many runs; and questions to a long ledger."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

REPETITIONS = 15
MODEL = "m"
REQUIREMENTS = ["scikit-learn"]  # named, as MLflow takes tens of seconds to find them out by itself


class Timings:
    """Seconds that each kind of work took, by the clock and of the processor.

    :param warm: repetitions that do not count: they import and compile.
    """

    def __init__(self, warm: int = 2) -> None:
        self.warm = warm
        self.seconds: dict[str, list[tuple[float, float]]] = defaultdict(list)

    @contextlib.contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Measure the block."""
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.seconds[name].append((time.perf_counter() - wall, time.process_time() - cpu))

    def medians(self) -> dict[str, dict[str, Any]]:
        """Return the medians, by name."""
        found = {}
        for name, every in self.seconds.items():
            counted = every[self.warm :]
            wall, cpu = (statistics.median(column) for column in zip(*counted, strict=True))
            found[name] = {"wall_s": wall, "cpu_s": cpu, "runs": len(counted)}
        return found


def measure_registration(folder: Path, others: int) -> dict[str, dict[str, Any]]:
    """Register a small pipeline in both ways, in turns, beside other runs.

    :param others: how many runs MLflow has already.
    """
    import mlflow
    import pandas as pd
    from mlflow import MlflowClient
    from sklearn.linear_model import LogisticRegression

    from airflow_mlops.common.refs import RunRef
    from airflow_mlops.core.models import artifact
    from airflow_mlops.core.registry.registration import register
    from airflow_mlops.core.training import runs
    from airflow_mlops.store.database import Database

    logging.disable(logging.WARNING)
    uri = f"sqlite:///{folder}/mlflow.db"
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    experiment = client.create_experiment("e", artifact_location=(folder / "artifacts").as_uri())
    database = Database(f"sqlite:///{folder}/store.db")
    database.upgrade()
    add_versions(client, folder / "mlflow.db", experiment, others)
    mlflow.set_tracking_uri(uri)
    frame = pd.DataFrame({"x": range(100), "y": [0, 1] * 50})
    model = LogisticRegression().fit(frame[["x"]], frame["y"])
    signature = mlflow.models.infer_signature(frame[["x"]], model.predict_proba(frame[["x"]])[:, 1])

    def plain(number: int) -> None:
        with mlflow.start_run(experiment_id=experiment, run_name=f"plain {number}"):
            info = mlflow.sklearn.log_model(
                model, name="model", signature=signature, pip_requirements=REQUIREMENTS, serialization_format="skops"
            )
        mlflow.register_model(info.model_uri, f"plain-{MODEL}")

    def ours(number: int, key: str = "") -> None:
        key = key or f"dag/scheduled__{number}"
        with (
            runs.claim_run(client, database, key=f"{key}/train/-1", experiment="e", name=f"ours {number}") as run,
            tempfile.TemporaryDirectory() as temporary,
        ):
            digest = artifact.write(model, Path(temporary) / "model", frame[["x"]].head())
            client.log_artifacts(run.id, temporary)
            ref = run.finish(RunRef(run.id, "c", "model", digest, "roc_auc", 0.5))
        register(
            client, database, model=MODEL, run=ref, data={}, baseline={"b": 1}, contract={"c": 1}, cutoff=None,
            key=f"{key}/register/-1",
        )  # fmt: skip

    taken = Timings()
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
        for number in range(REPETITIONS + taken.warm):
            with taken.of("register, plain"):
                plain(number)
            with taken.of("register, ours"):
                ours(number)
            with taken.of("a retry's look for leftovers"):
                runs.remove_orphaned_runs(client, experiment, f"dag/nothing__{number}/train/-1")
    return taken.medians()


def add_versions(client: Any, file: Path, experiment: str, others: int) -> None:
    """Copy one run of ours, with its tags, parameters and metrics, many times over."""
    from mlflow.entities import Metric, Param, RunTag

    from airflow_mlops.core.tracking.tags import task_tags

    run = client.create_run(experiment, run_name="c", tags=task_tags("dag/crowd/train/-1")).info.run_id
    client.log_batch(
        run,
        metrics=[Metric(f"m{i}", 0.5, 0, 0) for i in range(10)],
        params=[Param(f"p{i}", "1") for i in range(20)],
        tags=[RunTag(f"t{i}", "1") for i in range(5)],
    )
    client.set_terminated(run)
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(f"CREATE TEMP TABLE n AS {NUMBERS}", (others - 1,))
        for table in ("runs", "tags", "params", "metrics", "latest_metrics"):
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            new = {"run_uuid": "n.uuid", "value": "CASE WHEN key LIKE 'mlops.key%' THEN n.uuid ELSE value END"}
            taken = ", ".join(new.get(c, f"t.{c}") if c == "run_uuid" or table == "tags" else f"t.{c}" for c in columns)
            connection.execute(
                f"INSERT INTO {table} ({', '.join(columns)}) SELECT {taken} FROM {table} t, n WHERE t.run_uuid = ?",
                (run,),
            )
    assert len(client.search_runs([experiment], max_results=min(others, 1000))) == min(others, 1000)


NUMBERS = """WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
SELECT lower(hex(randomblob(16))) AS uuid FROM n"""


def measure_queries(folder: Path, entries: int) -> dict[str, dict[str, Any]]:
    """Query a model's ledger for a page of its history and for past champions.

    :param entries: how many it has.
    """
    from sqlalchemy import insert

    from airflow_mlops.store import ledger
    from airflow_mlops.store.database import Database
    from airflow_mlops.store.tables import ChampionPeriod, LedgerEntry

    database = Database(f"sqlite:///{folder}/store.db")
    database.upgrade()
    first = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [
        {
            "model": MODEL, "revision": n, "previous_revision": n - 1 or None, "version": n, "digest": "0" * 64,
            "gate_report": None, "approver": None, "reason": "r" * 100, "actor": f"dag/run-{n}/promote/-1",
            "recorded_at": first + timedelta(minutes=n), "effective_at": first + timedelta(minutes=n - n % 7),
        }
        for n in range(1, entries + 1)
    ]  # fmt: skip
    newest = {row["effective_at"]: row["revision"] for row in rows}
    with database.session() as session:
        session.execute(insert(LedgerEntry), rows)
        session.execute(
            insert(ChampionPeriod), [{"model": MODEL, "effective_at": at, "revision": e} for at, e in newest.items()]
        )
    taken = Timings()
    asked: dict[str, Callable[[int], Any]] = {
        "history, newest page": lambda _: ledger.history(database, MODEL, limit=50),
        "history, a page of the middle": lambda _: ledger.history(
            database, MODEL, limit=50, before_revision=entries // 2
        ),
        "as of, effective": lambda n: ledger.as_of(database, MODEL, first + timedelta(minutes=n)),
        "as of, recorded": lambda n: ledger.as_of(database, MODEL, first + timedelta(minutes=n), clock="recorded"),
    }
    for number in range(REPETITIONS + taken.warm):
        for name, question in asked.items():
            with taken.of(name):
                assert question(1 + number * entries // (REPETITIONS + taken.warm + 1) + 10)
    return taken.medians()


def main(asked: dict[str, Any]) -> dict[str, Any]:
    """Do what is asked for and give the medians."""
    from mlflow import __version__

    with tempfile.TemporaryDirectory(prefix="mlops-bench-") as temporary:
        os.chdir(temporary)
        work = {"register": measure_registration, "ledger": measure_queries}[asked["task"]]
        return {"version": __version__, "medians": work(Path(temporary), asked["rows"])}


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
