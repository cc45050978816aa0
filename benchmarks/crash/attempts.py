"""One attempt at a search, in a process of its own that says what it fits, so that it can be killed at any point."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sklearn.linear_model import LogisticRegression

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from airflow_mlops.common.refs import RunRef
    from airflow_mlops.core.data.snapshots.snapshot import Snapshot
    from airflow_mlops.store.database import Database

ROWS, FOLDS = 300, 2
EXPERIMENT = "crash"
_say: list[Connection] = []


class LoggingEstimator(LogisticRegression):
    """Says when a fit begins and when it is over, and on how many rows."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> LoggingEstimator:  # noqa: N803 - scikit-learn's own name
        """Fit."""
        _tell(f"begin {len(X)} {self.C!r}")
        super().fit(X, y, sample_weight)
        _tell(f"end {len(X)} {self.C!r}")
        return self


def _tell(line: str) -> None:
    for connection in _say:
        connection.send_bytes(line.encode())


def logistic(C: float) -> LoggingEstimator:  # noqa: N803 - as above
    """Return the estimator."""
    return LoggingEstimator(C=C)


@dataclass(frozen=True)
class Study:
    """A search, with a store, an MLflow and rows in a folder.

    :param folder: where they are.
    :param method: of the search.
    :param trials: how many.
    """

    folder: Path
    method: str
    trials: int

    @property
    def database(self) -> Database:
        """The lifecycle store."""
        from airflow_mlops.store.database import Database

        return Database(f"sqlite:///{self.folder}/store.db")

    @property
    def client(self) -> MlflowClient:
        """MLflow's client."""
        from mlflow import MlflowClient

        uri = f"sqlite:///{self.folder}/mlflow.db"
        return MlflowClient(tracking_uri=uri, registry_uri=uri)

    @property
    def settings(self) -> Mapping[str, Any]:
        """The search's settings."""
        rate = {"low": 1e-4, "high": 1e2, "log": True, "points": self.trials}
        return {"space": {"C": rate}, "method": self.method, "trials": self.trials, "folds": FOLDS}

    def parts(self) -> dict[str, Snapshot]:
        """Return the rows, written when they are missing."""
        import numpy as np
        import pandas as pd

        from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot

        root, found = SnapshotRoot((self.folder / "snapshots").as_uri()), {}
        for seed, part in enumerate(("train", "validation")):
            x, z = np.random.default_rng(seed).normal(size=(2, ROWS))
            frame = pd.DataFrame({"id": np.arange(ROWS) + seed * ROWS, "x": x, "y": (x + z > 0).astype(int)})
            found[part] = root.open(root.write(part, frame))
        return found

    def prepare(self) -> None:
        """Create the tables, so that no attempt is killed meanwhile."""
        from mlflow.environment_variables import MLFLOW_DISABLE_TELEMETRY

        os.environ[MLFLOW_DISABLE_TELEMETRY.name] = "true"
        self.database.upgrade()
        self.client.create_experiment(EXPERIMENT, artifact_location=(self.folder / "artifacts").as_uri())
        self.parts()

    def tune(self, key: str) -> RunRef:
        """Run the search."""
        from airflow_mlops.core.training.candidate import Candidate
        from airflow_mlops.core.training.run_recording import TrainingJob
        from airflow_mlops.core.training.tuning import Tuning
        from airflow_mlops.core.training.tuning.tune import tune

        candidate = Candidate("logistic", logistic, ["x"], "y", trusted_types=[f"{__name__}.LoggingEstimator"])
        tuning, parts = Tuning.load(self.settings), self.parts()
        train, validation = parts["train"], parts["validation"]
        return tune(
            self.client,
            self.database,
            candidate,
            tuning,
            TrainingJob(
                train=train,
                validation=validation,
                experiment=EXPERIMENT,
                key=key,
            ),
        )


def attempt_once(study: Study, key: str, connection: Connection) -> None:
    """Run the search once and report each fit: the target of the process."""
    _say.append(connection)
    os.chdir(study.folder)
    study.tune(key)
    _tell("done")
