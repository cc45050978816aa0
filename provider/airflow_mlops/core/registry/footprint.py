"""What a version takes beside time to score: memory and seconds to load, measured in a process of its own.

In the process that evaluates, the libraries are loaded already, and both models lie beside the rows: what one of them
takes there cannot be told. Run as a program, this module is that process: it loads what every model needs, once, and
forks for each model.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.evaluation.scoring import said
from airflow_mlops.core.imports import import_quietly
from airflow_mlops.core.registry.model_nursery import environment
from airflow_mlops.core.training.artifact import load
from airflow_mlops.core.training.memory import measured
from airflow_mlops.core.training.prediction import predict

if TYPE_CHECKING:
    import pandas as pd

    from airflow_mlops.store.tables import Version

SECONDS, STARTING = 120, 120
ROWS = 1_000
TRAINING = ("train_seconds", "train_memory_mb")
_MOST_SAID = 300


def of_training(version: Version, tracking_uri: str) -> dict[str, float]:
    """Give what the version's run has noted of its fit; nothing when the run is gone."""
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    try:
        noted = MlflowClient(tracking_uri=tracking_uri).get_run(version.run_id).data.metrics
    except MlflowException:
        return {}
    return {name: float(noted[name]) for name in TRAINING if name in noted}


def of_loading(
    contenders: Mapping[str, tuple[Path, str]],
    trusted: Sequence[str],
    features: pd.DataFrame,
    *,
    seconds: int = SECONDS,
) -> dict[str, dict[str, Any]]:
    """Load each model in a fresh process, digest first, and score a batch.

    :param contenders: role -> folder of its files, and digest.
    :param trusted: the project's own types that the models may contain.
    :param features: raw feature rows, of which up to a thousand are scored.
    :param seconds: after so long a process is ended.
    :returns: role -> ``load_seconds`` and ``memory_mb`` (by how much memory grew at its peak, in millions of bytes,
        with the libraries that this model needs beyond NumPy, pandas, scikit-learn and skops). Where one could not be
        measured, ``why`` says why not.
    """
    with tempfile.TemporaryDirectory(prefix="mlops-footprint-") as temporary:
        place = Path(temporary)
        features.head(ROWS).to_parquet(place / "rows.parquet")
        files = {role: [str(folder), digest] for role, (folder, digest) in contenders.items()}
        asked = {"contenders": files, "trusted": list(trusted), "seconds": seconds}
        (place / "asked.json").write_text(json.dumps(asked))
        why = _run(place, seconds * len(files) + STARTING)
        return {
            role: _told(place / f"{role}.json", why or f"it ended, or took longer than {seconds} s") for role in files
        }


def _run(place: Path, seconds: int) -> str:
    """Run this module as a program; gives what went wrong."""
    command = [sys.executable, "-P", "-m", __name__, str(place)]
    try:
        ended = subprocess.run(command, env=environment(), timeout=seconds, capture_output=True, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        return f"the measuring process took longer than {seconds} s"
    if not ended.returncode:
        return ""
    last = ended.stderr.decode(errors="replace").strip().splitlines()[-1:] or [f"exit {ended.returncode}"]
    return f"the measuring process failed: {last[0][:_MOST_SAID]}"


def _told(given: Path, otherwise: str) -> dict[str, Any]:
    """Read what a process has written, or say why there is nothing."""
    if not given.exists():
        return {"why": f"memory and loading time are not known: {otherwise}"}
    found: dict[str, Any] = json.loads(given.read_text())
    if "memory_mb" not in found:
        found.setdefault("why", "this system does not tell how much memory a process takes")
    return found


def main(place: Path) -> None:
    """Measure each model in a process that has loaded what all models need, and nothing else."""
    import pandas as pd
    import sklearn.pipeline  # noqa: F401 - what every model needs is not this one's price

    import_quietly("skops.io")
    asked = json.loads((place / "asked.json").read_text())
    features = pd.read_parquet(place / "rows.parquet")
    for role, (folder, digest) in asked["contenders"].items():
        child = os.fork()
        if child == 0:
            signal.alarm(asked["seconds"])  # it ends by itself, whatever becomes of those who wait for it
            _write(place / f"{role}.json", _measure(folder, digest, asked["trusted"], features))
            os._exit(0)
        os.waitpid(child, 0)


def _measure(folder: str, digest: str, trusted: Sequence[str], features: pd.DataFrame) -> dict[str, Any]:
    try:
        with measured() as both:
            with measured() as loading:
                model = load(folder, digest, trusted=trusted)
            predict(model, features)
    except Exception as error:  # a user's model may raise anything
        return {"why": f"memory and loading time are not known: {said(error)}"}
    found = {"load_seconds": loading.seconds}
    return found if both.memory_mb is None else {**found, "memory_mb": both.memory_mb}


def _write(path: Path, found: dict[str, Any]) -> None:
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(found))
    draft.replace(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
