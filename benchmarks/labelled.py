"""Rows with a target, for whatever trains: those of :mod:`benchmarks.data`, and a class that follows from them."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks import data
from benchmarks.models import CATEGORIES, FEATURES, KEY, NUMBERS, TARGET

COLUMNS = len(FEATURES) + 2


def generate_labelled(rows: int, seed: int = 0) -> pl.DataFrame:
    """Draw rows: a key, 14 numbers with 1 to 12 % missing, 4 categories, and the target, of which a third is 1.

    :param rows: how many.
    :param seed: where chance comes from.
    """
    rng = np.random.default_rng([seed, rows])
    frame = data.drift_slice(rng, rows, planted=False)
    odds = (
        -0.9
        + 0.9 * frame["f00"].fill_null(0.0).to_numpy()
        + 0.5 * np.log(frame["f01"].fill_null(1.0).to_numpy())
        + 0.4 * frame["f02"].fill_null(0.0).to_numpy()
        + 0.3 * (frame["f04"].fill_null(40.0).to_numpy() - 40.0)
        + 0.05 * (frame["i00"].to_numpy() - 50)
        + 0.8 * (frame["c00"] == "c00-000").to_numpy()
        - 0.6 * frame["f05"].is_null().to_numpy()
    )
    target = pl.Series(TARGET, (rng.random(rows) < 1 / (1 + np.exp(-odds))).astype(np.int64))
    return frame.select(pl.Series(KEY, np.arange(rows)), *NUMBERS, *CATEGORIES, target)


def labelled_file(folder: Path, rows: int) -> Path:
    """Return the Parquet file of these rows, made if it is missing.

    :param folder: where it is kept.
    """
    made_by = hashlib.sha256(Path(__file__).read_bytes() + Path(data.__file__).read_bytes()).hexdigest()[:6]
    path = folder / f"labelled-{rows}-{made_by}.parquet"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}.tmp")
        generate_labelled(rows).to_pandas().to_parquet(unfinished, index=False)
        unfinished.rename(path)
    return path


if __name__ == "__main__":  # a process of its own: its memory would count as that of the next one measured
    print(json.dumps({"file": str(labelled_file(Path(sys.argv[1]), int(sys.argv[2])))}))
