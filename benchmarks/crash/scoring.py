"""Scoring is killed (SIGKILL) at random points; after its retries files and table have every row once."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.crash.killing import DONE, Killer

if TYPE_CHECKING:
    from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
    from airflow_mlops.core.scoring.prediction_log import PredictionLog
    from airflow_mlops.store.database import Database

ROWS, FILES, BATCH_ROWS = 3_000, 3, 170
MAX_LINES = 90  # an attempt is killed after it has said so many lines at most; a week is some 140
MAX_WAIT = 0.03  # and as many seconds at most after that, unless it says the next one
PRELOAD = ["benchmarks.crash.scoring", "airflow_mlops.core.scoring.publishing", "pandas", "pyarrow.parquet"]
STEPS = {
    "airflow_mlops.core.data.snapshots.staging.Staging": ("add", "commit", "clear"),
    "airflow_mlops.core.data.snapshots.snapshot.SnapshotRoot": ("write_text", "commit"),
    "airflow_mlops.store.score_sets": ("record",),
    "airflow_mlops.core.scoring.prediction_log.PredictionLog": ("load", "_upsert"),
    "airflow_mlops.store.catalogue": ("record",),
}
DATASET, TABLE = "m_scores", "predictions"


@dataclass(frozen=True)
class Weeks:
    """Weeks of rows to be scored, with a store, a snapshot root and a database for the table, in a folder.

    :param folder: where they are.
    """

    folder: Path

    @property
    def database(self) -> Database:
        """The lifecycle store."""
        from airflow_mlops.store.database import Database

        return Database(f"sqlite:///{self.folder}/store.db")

    @property
    def root(self) -> SnapshotRoot:
        """The snapshot root."""
        from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot

        return SnapshotRoot((self.folder / "snapshots").as_uri())

    @property
    def log(self) -> PredictionLog:
        """The table."""
        from sqlalchemy import create_engine
        from sqlalchemy.pool import NullPool

        from airflow_mlops.core.scoring.prediction_log import PredictionLog

        return PredictionLog(create_engine(f"sqlite:///{self.folder}/company.db", poolclass=NullPool), TABLE)

    def make(self, number: int) -> str:
        """Create a week's rows; return its partition."""
        import numpy as np
        import pandas as pd

        from airflow_mlops.store import catalogue

        partition = (date(2026, 1, 5) + timedelta(weeks=number)).isoformat()
        frame = pd.DataFrame({"id": np.arange(ROWS), "x": np.random.default_rng(number).normal(size=ROWS)})
        size = ROWS // FILES
        chunks = [frame[first : first + size] for first in range(0, ROWS, size)]
        catalogue.record(self.database, self.root.write("rows", chunks, partition=partition))
        return partition

    def score(self, partition: str, say: Callable[[str], None]) -> None:
        """Score a week, as the operator does."""
        from airflow_mlops.common.refs import ModelVersionRef
        from airflow_mlops.core.data.snapshots.resolver import resolve_snapshot
        from airflow_mlops.core.scoring import ScoringJob
        from airflow_mlops.core.scoring.publishing import publish_scores
        from airflow_mlops.store import attempts

        database, key = self.database, f"d/{partition}/score/-1"
        fenced = database.fenced(key, attempts.begin(database, key))
        rows = self.root.open(resolve_snapshot(fenced, f"rows@{partition}"))
        version = ModelVersionRef("m", 1, "1" * 64, "r")
        job = ScoringJob(rows, version, ["id"], ["x"], DATASET, BATCH_ROWS)
        publish_scores(fenced, self.root, job, lambda: DoublingEstimator(say), actor=key, log=self.log)


class DoublingEstimator:
    """A model that says when it works."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say

    def predict(self, frame: Any) -> Any:
        """Predict."""
        self.say("batch")
        return frame["x"].to_numpy() * 2


def attempt_once(weeks: Weeks, partition: str, connection: Connection) -> None:
    """Score a week once, and say each step before and after it: the target of the process."""
    from pkgutil import resolve_name

    def say(line: str) -> None:
        connection.send_bytes(line.encode())

    def told(step: Callable[..., Any], name: str, *args: Any, **how: Any) -> Any:
        say(f"begin {name}")
        given = step(*args, **how)
        say(f"end {name}")
        return given

    for where, names in STEPS.items():
        for name in names:
            owner = resolve_name(where)
            step = getattr(owner, name)
            # A class binds functions only, so the object it is called on has to be passed on.
            telling = partial(told, step, name)
            setattr(owner, name, telling if not isinstance(owner, type) else lambda *a, t=telling, **h: t(*a, **h))
    weeks.score(partition, say)
    say(DONE)


@dataclass(slots=True)
class Outcome:
    """Result.

    :param kills: how many attempts were killed.
    :param weeks: how many weeks were scored in the end.
    :param batches: how many batches a model has begun, in all attempts.
    :param needed: how many there would have been without the kills.
    :param at: what was going on at the kills: the last line that was said -> how often.
    :param wrong: what is lost, doubled or changed, in words.
    """

    kills: int = 0
    weeks: int = 0
    batches: int = 0
    needed: int = 0
    at: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def summary(self) -> str:
        """Format it in a few lines."""
        said = "; ".join(self.wrong) or "every row exactly once"
        return (
            f"scoring: killed {self.kills} times in {self.weeks} weeks of {ROWS} rows; {self.batches} batches, "
            f"where {self.needed} are needed: {said}\n  killed after: {dict(self.at.most_common())}"
        )


def run_kills(weeks: Weeks, kills: int, seed: int) -> Outcome:
    """Score week after week, and kill it again and again, until it was killed often enough; then look at all of it.

    :param kills: how often.
    :param seed: of the points of killing.
    """
    weeks.database.upgrade()
    killer, points, found = Killer(PRELOAD), random.Random(seed), Outcome()
    while found.kills < kills:
        partition, said = weeks.make(found.weeks), list[str]()
        while DONE not in said:
            lines = points.randint(1, MAX_LINES) if found.kills < kills else None
            said = killer.attempt(attempt_once, weeks, partition, lines=lines, wait=points.uniform(0, MAX_WAIT))
            found.batches += said.count("batch")
            if DONE not in said:
                found.kills += 1
                found.at[said[-1] if said else "the start"] += 1
                found.wrong += _half(weeks, partition)
        found.weeks += 1
        found.wrong += _whole(weeks, partition)
    found.needed = found.weeks * -(-ROWS // BATCH_ROWS)
    if found.batches > found.needed + 3 * found.kills:  # a kill costs what is not written: being read, scored, written
        found.wrong.append("more was scored again than what the kills have cost")
    return found


def _half(weeks: Weeks, partition: str) -> list[str]:
    """Check after a kill that a week is visible completely or not at all."""
    wrong = []
    if (rows := sum(weeks.log.count(by) for by in _logged(weeks, partition))) not in (0, ROWS):
        wrong.append(f"{partition}: the table shows {rows} rows after a kill")
    for ref in weeks.root.list_snapshots(DATASET):
        if (rows := len(weeks.root.open(ref).to_pandas(["id"]))) != ROWS:
            wrong.append(f"{partition}: a snapshot shows {rows} rows after a kill")
    return wrong


def _whole(weeks: Weeks, partition: str) -> list[str]:
    """Check that a scored week's files, table, store and catalogue have each row once."""
    from airflow_mlops.store import catalogue, score_sets

    rows = weeks.root.open(catalogue.current(weeks.database, "rows", partition)).to_pandas()
    expected = dict(zip(rows["id"], rows["x"] * 2, strict=True))
    scores = weeks.root.open(catalogue.current(weeks.database, DATASET, partition))
    frames = {"files": scores.to_pandas(["id", "score"])}
    frames |= {f"table, {by.version}": weeks.log.read(by, ["id", "score"]) for by in _logged(weeks, partition)}
    wrong = [
        f"{partition}: the {name} have {len(frame)} rows, {frame['id'].nunique()} different ones"
        for name, frame in frames.items()
        if len(frame) != ROWS or dict(zip(frame["id"], frame["score"], strict=True)) != expected
    ]
    sets = score_sets.of_partition(weeks.database, "m", partition)
    if [found.snapshot_id for found in sets] != [scores.ref.id] or len(frames) != 2:
        wrong.append(f"{partition}: {len(sets)} score sets, {len(frames) - 1} in the table")
    if left := weeks.root.fs.find(f"{weeks.root.path}/{DATASET}/staging"):
        wrong.append(f"{partition}: {len(left)} files are left over")
    return wrong


def _logged(weeks: Weeks, partition: str) -> list[Any]:
    from airflow_mlops.common.errors import NotFound

    try:
        return weeks.log.versions("m", partition)
    except NotFound:
        return []
