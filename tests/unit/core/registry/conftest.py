"""A registry with a root, a store and an MLflow: versions are trained, registered and gated in a line each."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from airflow_mlops.core.data.snapshot import SnapshotRoot
from airflow_mlops.core.refs import ModelVersionRef, RunRef, SnapshotRef
from airflow_mlops.core.registry import promotion
from airflow_mlops.core.registry.registration import register
from airflow_mlops.core.report import Check, Report
from airflow_mlops.core.training import artifact, runs
from airflow_mlops.core.training.fit import Candidate, train
from airflow_mlops.store import ledger, reports
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import LedgerEntry


@dataclass
class World:
    """What the registry works on."""

    client: Any
    database: Database
    root: SnapshotRoot
    people: Any
    data: dict[str, SnapshotRef]

    def written(self, key: str) -> RunRef:
        """A finished run with files in a model's layout, at a fraction of the price of a real fit."""
        with runs.claimed(self.client, self.database, key=key, experiment="e", name="c") as run:
            if run.finished is not None:
                return run.finished
            folder = Path(f"written-{run.id}")
            folder.mkdir()
            (folder / artifact.MODEL_FILE).write_bytes(key.encode())
            self.client.log_artifacts(run.id, str(folder), "model")
            return run.finish(RunRef(run.id, "linear", "model", artifact.digest_of(folder), "roc_auc", 0.7))

    def trained(self, key: str, features: tuple[str, ...] = ("x",)) -> RunRef:
        candidate = Candidate("linear", LogisticRegression, features, "y")
        parts = {name: self.root.open(self.data[name]) for name in ("train", "validation")}
        return train(self.client, self.database, candidate, **parts, experiment="e", key=key)

    def registered(self, key: str, cutoff: str | None = "2026-04-06", run: RunRef | None = None) -> ModelVersionRef:
        run = run or self.written(f"{key}/train")
        return register(
            self.client,
            self.database,
            model="m",
            run=run,
            data=self.data,
            baseline={"b": 1},
            contract={"c": 1},
            cutoff=cutoff,
            key=f"{key}/register",
        )

    def gated(self, version: ModelVersionRef, decision: str = "promote", *, binding: Any = None) -> str:
        """Publish a gate report of a version against the champion of now."""
        good = decision in promotion.PASSING
        report = Report.of("gate", str(version), [Check("c", "pass" if good else "fail")], decision=decision)
        bound = promotion.bind(report, version, ledger.head(self.database, "m"))
        bound.facts["binding"].update(binding or {})
        reports.publish(self.database, bound, actor="gate")
        return bound.id

    def promoted(self, version: ModelVersionRef, actor: str, gate: str | None = None, **how: Any) -> LedgerEntry:
        gate = gate or self.gated(version)
        return promotion.promote(
            self.client, self.database, challenger=version, gate=gate, actor=actor, reason="r", **how
        )

    def aliases(self) -> dict[str, int]:
        return {k: int(v) for k, v in self.client.get_registered_model("m").aliases.items()}


@pytest.fixture
def world(mlflow_client: Any, database: Database, root: SnapshotRoot, people: Any) -> World:
    numbers = count()
    frames: dict[str, pd.DataFrame] = {
        name: people(200, next(numbers), first=1000 * i) for i, name in enumerate(("train", "validation", "test"))
    }
    data = {name: root.write(name, frame, partition="2026-04-06") for name, frame in frames.items()}
    return World(mlflow_client, database, root, people, data)
