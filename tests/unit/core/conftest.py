"""A registry with a root, a store and an MLflow: versions are trained, registered and gated in a line each."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from airflow_mlops.common.refs import ModelVersionRef, RunRef, SnapshotRef
from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
from airflow_mlops.core.evaluation import comparison
from airflow_mlops.core.gate import GatePolicy
from airflow_mlops.core.models import artifact
from airflow_mlops.core.registry import gate_version, promotion
from airflow_mlops.core.registry.registration import register
from airflow_mlops.core.training import runs
from airflow_mlops.core.training.fit import Candidate, TrainingJob, train
from airflow_mlops.store import ledger, reports
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import LedgerEntry, Version
from tests.unit.core.watched_model import WatchedModel


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
        with runs.claim_run(self.client, self.database, key=key, experiment="e", name="c") as run:
            if run.finished is not None:
                return run.finished
            with TemporaryDirectory() as folder:
                Path(folder, artifact.MODEL_FILE).write_bytes(key.encode())
                self.client.log_artifacts(run.id, folder, "model")
                digest = artifact.digest_of(folder)
            return run.finish(RunRef(run.id, "linear", "model", digest, "roc_auc", 0.7))

    def trained(self, key: str, features: tuple[str, ...] = ("x",)) -> RunRef:
        candidate = Candidate("linear", LogisticRegression, features, "y")
        parts = {name: self.root.open(self.data[name]) for name in ("train", "validation")}
        return train(self.client, self.database, candidate, TrainingJob(**parts, experiment="e", key=key))

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
        good = decision in promotion.PASSING_DECISIONS
        report = Report.from_checks("gate", str(version), [Check("c", "pass" if good else "fail")], decision=decision)
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


X = ["x", "z"]


def customers(count: int = 400, seed: int = 0, first: int = 0) -> pd.DataFrame:
    """``y``: 0 or 1; ``kind``: one of three classes; ``value``: a number; all by ``x``."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=count)
    noisy = x + rng.normal(0, 0.6, count)
    return pd.DataFrame(
        {
            "id": np.arange(first, first + count),
            "x": x,
            "z": rng.normal(size=count),
            "region": rng.choice(["north", "south"], count),
            "sex": rng.choice(["f", "m"], count),
            "y": (noisy > 0).astype(int),
            "kind": np.array(["low", "middle", "high"])[np.digitize(noisy, [-0.5, 0.5])],
            "value": 3 * noisy,
        }
    )


@dataclass
class Told(World):
    """A world whose data have all three targets: fitting, evaluating and deciding are a line each."""

    frames: dict[str, pd.DataFrame]

    def model(self, name: str, model: Any, target: str = "y", features: list[str] = X) -> ModelVersionRef:
        """Fit a model on training rows and register it, without all that a training records."""
        train = self.frames["train"]
        model.fit(train[features], train[target])
        with runs.claim_run(self.client, self.database, key=name, experiment="e", name=name) as run:
            folder = Path(f"model-{name}")
            digest = artifact.write(model, folder, train[features].head())
            self.client.log_artifacts(run.id, str(folder), "model")
            self.client.log_metric(run.id, "train_seconds", 1.5)
            ref = run.finish(RunRef(run.id, name, "model", digest, "roc_auc", 0.7))
        return self.registered(name, run=ref)

    def more(self, count: int) -> SnapshotRef:
        """Write other gate rows."""
        return self.root.write("more", customers(count, 9, 50_000))

    def pair(self) -> tuple[ModelVersionRef, ModelVersionRef]:
        """A weak champion and a strong challenger."""
        weak = self.model("weak", LogisticRegression(C=1e-4))
        self.promoted(weak, "p1", self.gated(weak, "promote_first"))
        return weak, self.model("strong", LogisticRegression())

    def evaluated(self, challenger: ModelVersionRef, metric: str = "roc_auc", target: str = "y", **how: Any) -> Report:
        """Evaluate, as the operator does; gives the report as the store has it."""
        rows = comparison.GateDataset(self.root.open(how.pop("rows", self.data["test"])), ["id"], target, X)
        report = comparison.compare_with_champion(
            self.database,
            self.root,
            challenger=challenger,
            rows=rows,
            metric=metric,
            tracking_uri=self.client.tracking_uri,
            options=how.pop("asked", None),
        )
        reports.publish(self.database, report, actor="evaluate")
        return reports.get(self.database, report.id)

    def decided(self, challenger: ModelVersionRef, evaluation: Report, **policy: Any) -> Report:
        """Let the gate decide on an evaluation."""
        rules = GatePolicy(**{"min_rows": 100, **policy})
        return gate_version.gate_version(
            self.database, self.root, evaluation=evaluation, challenger=challenger, policy=rules
        )


@pytest.fixture
def told(world: World) -> Told:
    frames = {part: customers(400, seed, 1000 * seed) for seed, part in enumerate(("train", "validation", "test"))}
    data = {part: world.root.write(part, frame, partition="2026-04-06") for part, frame in frames.items()}
    return Told(world.client, world.database, world.root, world.people, data, frames)


@pytest.fixture
def replaced(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Put a model in the place of the one of a version."""
    load, models = comparison.load_version, dict[int, Any]()

    def loaded(version: Version, *rest: Any) -> Any:
        return models[version.version] if version.version in models else load(version, *rest)

    monkeypatch.setattr(comparison, "load_version", loaded)
    return models.__setitem__


@pytest.fixture
def watched(database: Database) -> WatchedModel:
    return WatchedModel(database)
