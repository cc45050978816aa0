"""Eight promoting processes and a hundred epochs, in SQLite and in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_mlops.store.database import Database
from include.demo.postgres import EmbeddedPostgres
from tests.races import promoters

pytestmark = pytest.mark.system
PROMOTERS, EPOCHS = 8, 100


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        store = Database(f"sqlite:///{tmp_path}/store.db")
        store.upgrade()
        yield store
        return
    with EmbeddedPostgres(tmp_path / "postgres") as server:
        store = Database(server.database("mlops"))
        store.upgrade()
        yield store


def test_one_wins_each_epoch_and_the_alias_is_the_head(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    monkeypatch.chdir(tmp_path)  # where MLflow would put what it has no other place for
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    outcome = promoters.race(database, client, tmp_path, promoters=PROMOTERS, epochs=EPOCHS)
    print({"won": {n: len(made) for n, made in outcome.won.items()}, "lost": outcome.lost})
    promoters.check(outcome, database, client, EPOCHS)
    assert outcome.lost > 0, "they did meet"
    assert sum(1 for made in outcome.won.values() if made) > 1, "and not one alone won everything"
