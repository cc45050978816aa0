"""Resource usage of a model version: memory and loading time, measured in a separate process.

The evaluating process has the libraries, both models and the rows in memory, so the usage of one model cannot be
isolated there. Run as a program, this module is the measuring process: it imports the common libraries once and forks
for each model.
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

from airflow_mlops.common.imports import import_without_warnings
from airflow_mlops.core.evaluation.model_scoring import summarise_error
from airflow_mlops.core.models.artifact import load_model
from airflow_mlops.core.models.isolated.fork_server import worker_environment
from airflow_mlops.core.models.prediction import predict
from airflow_mlops.core.training.usage import measure_usage

if TYPE_CHECKING:
    import pandas as pd

    from airflow_mlops.store.tables import Version

MODEL_TIMEOUT_SECONDS, START_TIMEOUT_SECONDS = 120, 120
ROWS = 1_000
TRAINING_METRICS = ("train_seconds", "train_memory_mb")
_MAX_MESSAGE_LENGTH = 300


def training_usage(version: Version, tracking_uri: str) -> dict[str, float]:
    """Return the training time and memory that the version's run has logged; empty when the run was deleted."""
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    try:
        metrics = MlflowClient(tracking_uri=tracking_uri).get_run(version.run_id).data.metrics
    except MlflowException:
        return {}
    return {name: float(metrics[name]) for name in TRAINING_METRICS if name in metrics}


def measure_loading(
    contenders: Mapping[str, tuple[Path, str]],
    trusted: Sequence[str],
    features: pd.DataFrame,
    *,
    seconds: int = MODEL_TIMEOUT_SECONDS,
) -> dict[str, dict[str, Any]]:
    """Load each model in a fresh process, after verifying its digest, and score a batch.

    :param contenders: role -> folder of its files, and digest.
    :param trusted: types of the project that the models may contain.
    :param features: raw feature rows, of which up to a thousand are scored.
    :param seconds: timeout of the measurement of one model.
    :returns: role -> ``load_seconds`` and ``memory_mb`` (peak memory growth in millions of bytes, including the
        libraries that this model needs beyond NumPy, pandas, scikit-learn and skops). If a measurement is missing,
        ``why`` has the reason.
    """
    with tempfile.TemporaryDirectory(prefix="mlops-footprint-") as temporary:
        folder = Path(temporary)
        features.head(ROWS).to_parquet(folder / "rows.parquet")
        files = {role: [str(model_folder), digest] for role, (model_folder, digest) in contenders.items()}
        request = {"contenders": files, "trusted": list(trusted), "seconds": seconds}
        (folder / "request.json").write_text(json.dumps(request))
        error = _run_measuring_process(folder, seconds * len(files) + START_TIMEOUT_SECONDS)
        reason = error or f"the process died, or took longer than {seconds} s"
        return {role: _read_result(folder / f"{role}.json", reason) for role in files}


def _run_measuring_process(folder: Path, seconds: int) -> str:
    """Run this module as a program; return the error, or an empty text."""
    command = [sys.executable, "-P", "-m", __name__, str(folder)]
    try:
        process = subprocess.run(command, env=worker_environment(), timeout=seconds, capture_output=True, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        return f"the measuring process took longer than {seconds} s"
    if not process.returncode:
        return ""
    last = process.stderr.decode(errors="replace").strip().splitlines()[-1:] or [f"exit {process.returncode}"]
    return f"the measuring process failed: {last[0][:_MAX_MESSAGE_LENGTH]}"


def _read_result(path: Path, reason: str) -> dict[str, Any]:
    """Read the result of a measurement; ``reason`` explains a missing one."""
    if not path.exists():
        return {"reason": f"memory and loading time are not known: {reason}"}
    result: dict[str, Any] = json.loads(path.read_text())
    if "memory_mb" not in result:
        result.setdefault("reason", "this platform does not report the memory of a process")
    return result


def main(folder: Path) -> None:
    """Measure each model in a fork of a process that has imported only the common libraries."""
    import pandas as pd
    import sklearn.pipeline  # noqa: F401 - imported before the fork, so that it does not count for a model

    import_without_warnings("skops.io")
    request = json.loads((folder / "request.json").read_text())
    features = pd.read_parquet(folder / "rows.parquet")
    for role, (model_folder, digest) in request["contenders"].items():
        child = os.fork()
        if child == 0:
            signal.alarm(request["seconds"])  # the child ends even when its parent was killed
            _write(folder / f"{role}.json", _measure(model_folder, digest, request["trusted"], features))
            os._exit(0)
        os.waitpid(child, 0)


def _measure(folder: str, digest: str, trusted: Sequence[str], features: pd.DataFrame) -> dict[str, Any]:
    try:
        with measure_usage() as total:
            with measure_usage() as loading:
                model = load_model(folder, digest, trusted=trusted)
            predict(model, features)
    except Exception as error:  # a user's model may raise anything
        return {"reason": f"memory and loading time are not known: {summarise_error(error)}"}
    result = {"load_seconds": loading.seconds}
    return result if total.memory_mb is None else {**result, "memory_mb": total.memory_mb}


def _write(path: Path, result: dict[str, Any]) -> None:
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(result))
    draft.replace(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
