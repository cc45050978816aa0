"""Prediction baselines of a version: distribution of its scores, and their relation to the labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Baseline

Kind = Literal["scores", "relation"]


def save(database: Database, model: str, version: int, kind: Kind, body: Mapping[str, Any]) -> None:
    """Save a baseline; a later evaluation overwrites it."""
    with database.session() as session:
        session.merge(Baseline(model=model, version=version, kind=kind, body=dict(body), recorded_at=now()))


def get(database: Database, model: str, version: int, kind: Kind) -> dict[str, Any] | None:
    """Return a baseline; ``None`` when the version was never evaluated with this store."""
    with database.session() as session:
        row = session.get(Baseline, (model, version, kind))
    return None if row is None else row.body
