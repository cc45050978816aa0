"""Batch scoring: a bare script, and ours with the model in a process of its own or in this one.

``prepare`` makes what all of them read: a snapshot, a gradient-boosted model as a registered artifact and as joblib.
"""

from __future__ import annotations

import json
import shutil
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import sklearn
from sklearn.ensemble import HistGradientBoostingClassifier

FEATURES = [*(f"f{i:02d}" for i in range(14)), "i00"]
BATCH_ROWS = 250_000
TRAIN_ROWS = 50_000


def prepare(folder: Path, rows: int) -> None:
    """Create snapshot and model, unless they exist."""
    import numpy as np

    from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
    from airflow_mlops.core.models import artifact
    from benchmarks.data import SLICE, drift_slice

    def slices() -> Iterator[pd.DataFrame]:
        for number, first in enumerate(range(0, rows, SLICE)):
            count = min(SLICE, rows - first)
            frame = drift_slice(np.random.default_rng([7, number]), count, planted=False).to_pandas()[FEATURES]
            frame.insert(0, "id", np.arange(first, first + count))
            yield frame

    if (folder / "about.json").exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    sample = next(slices())[:TRAIN_ROWS]
    target = sample["f00"].fillna(0) + np.random.default_rng(8).normal(size=len(sample)) > 0
    model = HistGradientBoostingClassifier(max_iter=100, random_state=0).fit(sample[FEATURES], target.astype(int))
    digest = artifact.write(model, folder / "model", sample[FEATURES][:5])
    joblib.dump(model, folder / "model.joblib")
    ref = SnapshotRoot((folder / "snapshots").as_uri()).write("rows", slices(), partition="2026-04-06")
    (folder / "about.json").write_text(json.dumps({"digest": digest, "rows": ref.to_dict()}))


def score_plain(files: list[str], model_file: Path, to: Path) -> int:
    """Read, predict, write: what a person writes who needs nothing else."""
    model = joblib.load(model_file)
    writer = None
    for path in files:
        for batch in pq.ParquetFile(path).iter_batches(batch_size=BATCH_ROWS, columns=["id", *FEATURES]):
            frame = batch.to_pandas()
            table = pa.table({"id": frame["id"], "score": model.predict_proba(frame[FEATURES])[:, 1]})
            writer = writer or pq.ParquetWriter(to, table.schema)
            writer.write_table(table)
    if writer:
        writer.close()
    return pq.read_metadata(to).num_rows


def score_with_provider(folder: Path, about: dict[str, Any], to: Path, *, in_process: bool) -> int:
    """Score as the operator does, into a dataset of its own."""
    from airflow_mlops.common.refs import ModelVersionRef
    from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
    from airflow_mlops.core.models.loading import LoadingOptions
    from airflow_mlops.core.scoring import ScoringJob
    from airflow_mlops.core.scoring.publishing import publish_scores
    from airflow_mlops.store.database import Database

    database, root = Database(f"sqlite:///{to}/store.db"), SnapshotRoot((folder / "snapshots").as_uri())
    database.upgrade()
    version = ModelVersionRef("m", 1, about["digest"], "r")
    job = ScoringJob(root.open(about["rows"]), version, ["id"], FEATURES, f"scores-{to.name}", BATCH_ROWS)
    how = LoadingOptions(in_process=in_process)
    ref = publish_scores(database, root, job, lambda: how.load(folder / "model", about["digest"]), actor="benchmark")
    shutil.rmtree(folder / "snapshots" / job.dataset)
    return ref.rows


def main(asked: dict[str, Any]) -> str:
    """Do a task; return how many rows have a score."""
    folder, task = Path(asked["folder"]), asked["task"]
    if task == "prepare":
        prepare(folder, asked["rows"])
        return ""
    if task == "imports":
        from airflow_mlops.core.scoring import publishing  # noqa: F401  as far as ours needs it

        return ""
    about = json.loads((folder / "about.json").read_text())
    to = folder / uuid.uuid4().hex
    to.mkdir()
    try:
        if task != "bare":
            return str(score_with_provider(folder, about, to, in_process=task == "in process"))
        manifest = json.loads((folder / "snapshots" / "rows" / f"{about['rows']['id']}.json").read_text())
        files = [str(folder / "snapshots" / "rows" / part["path"]) for part in manifest["files"]]
        return str(score_plain(files, folder / "model.joblib", to / "scores.parquet"))
    finally:
        shutil.rmtree(to)


if __name__ == "__main__":
    print(json.dumps({"verdict": main(json.loads(sys.argv[1])), "version": sklearn.__version__}))
