"""Baselines of predictions: how a version's scores were spread, and how they went with the labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Baseline

Kind = Literal["scores", "relation"]


def keep(database: Database, model: str, version: int, kind: Kind, body: Mapping[str, Any]) -> None:
    """Keep a baseline; evaluated again, the newest one counts."""
    with database.session() as session:
        session.merge(Baseline(model=model, version=version, kind=kind, body=dict(body), recorded_at=now()))


def get(database: Database, model: str, version: int, kind: Kind) -> dict[str, Any] | None:
    """Give a baseline; None when the version was never evaluated with this store."""
    with database.session() as session:
        found = session.get(Baseline, (model, version, kind))
    return None if found is None else found.body
