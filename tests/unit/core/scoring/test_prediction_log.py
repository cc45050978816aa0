"""The prediction log: a partition's scores are there all or none, each row once, whatever is killed or comes late."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.pool import NullPool

from airflow_mlops.common.errors import BadInput, NotFound, Superseded
from airflow_mlops.core.scoring.prediction_log import (
    PredictionLog,
    PredictionLogEntry,
    check_table_options,
    open_prediction_log,
)
from airflow_mlops.store import attempts
from airflow_mlops.store.database import Database

SCHEMA = {"id": "int", "score": "float", "model_name": "str", "model_version": "int"}
AT = datetime(2026, 4, 6, 12, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Engine]:
    url = f"sqlite:///{tmp_path}/other.db" if request.param == "sqlite" else request.getfixturevalue("postgres")
    made = create_engine(url, poolclass=NullPool)
    yield made
    with made.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS predictions"))


def by(version: int = 1, partition: str = "2026-04-06", snapshot: str = "s1", at: datetime = AT) -> PredictionLogEntry:
    return PredictionLogEntry("m", version, partition, snapshot, at)


def frame(first: int, count: int, score: float = 0.5, version: int = 1) -> pd.DataFrame:
    ids = range(first, first + count)
    return pd.DataFrame({"id": ids, "score": score, "model_name": "m", "model_version": version})


def load(log: PredictionLog, batches: list[pd.DataFrame], whose: PredictionLogEntry, **how: Any) -> int:
    return log.load(batches, whose, **{"key": ["id"], "schema": SCHEMA, **how})


def test_rows_loaded_twice_are_there_once(engine: Engine) -> None:
    log = PredictionLog(engine, "predictions")
    assert log.count(by()) == 0
    for _ in range(2):
        assert load(log, [frame(0, 3), frame(3, 2)], by()) == 5
    found = log.read(by()).sort_values("id")
    assert found["id"].tolist() == list(range(5))
    assert set(found["score"]) == {0.5}
    assert (log.count(by()), log.count(by(snapshot="s2"))) == (5, 0)
    assert log.versions("m", "2026-04-06") == [by()]


def test_what_is_broken_off_half_way_is_not_seen_and_what_was_there_stays(engine: Engine) -> None:
    log = PredictionLog(engine, "predictions")
    load(log, [frame(0, 3)], by())

    def broken() -> Iterator[pd.DataFrame]:
        yield frame(0, 3, score=0.9)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        log.load(broken(), by(snapshot="s2"), key=["id"], schema=SCHEMA)
    assert log.read(by(), ["score"])["score"].tolist() == [0.5] * 3


def test_late_rows_take_the_place_of_those_before_and_others_are_left_alone(engine: Engine) -> None:
    log = PredictionLog(engine, "predictions")
    load(log, [frame(0, 3)], by())
    load(log, [frame(0, 3, version=2)], by(version=2, at=AT.replace(day=7)))
    load(log, [frame(0, 3)], by(partition="2026-04-13"))
    load(log, [frame(1, 4, score=0.7)], by(snapshot="late", at=AT.replace(day=8)))
    assert sorted(log.read(by())["id"]) == [1, 2, 3, 4]
    assert set(log.read(by())["score"]) == {0.7}
    assert [whose.version for whose in log.versions("m", "2026-04-06")] == [2, 1]
    assert len(log.read(by(partition="2026-04-13"))) == len(log.read(by(version=2))) == 3


def test_missing_scores_dates_texts_and_flags_come_back(engine: Engine) -> None:
    rows = pd.DataFrame(
        {
            "id": pd.to_datetime(["2026-01-01", "2026-01-02"]),
            "who": ["a", "b'; DROP TABLE predictions; --"],
            "flag": [True, False],
            "score": [float("nan"), 0.25],
            "model_name": "m",
            "model_version": 1,
        }
    )
    schema = {**SCHEMA, "id": "datetime", "who": "str", "flag": "bool"}
    log = PredictionLog(engine, "predictions")
    load(log, [rows], by(), key=["id", "who", "flag"], schema=schema)
    found = log.read(by(), ["id", "who", "flag", "score"]).sort_values("who", ignore_index=True)
    assert pd.to_datetime(found["id"]).tolist() == rows["id"].tolist()
    assert found["who"].tolist() == rows["who"].tolist()
    assert found["flag"].astype(bool).tolist() == [True, False]
    assert pd.isna(found["score"][0])
    assert found["score"][1] == 0.25


@pytest.mark.parametrize("where", ["one batch", "two batches"])
def test_a_key_that_repeats_is_told_and_nothing_is_written(engine: Engine, where: str) -> None:
    log = PredictionLog(engine, "predictions")
    twice = [pd.concat([frame(0, 2), frame(1, 1)])] if where == "one batch" else [frame(0, 2), frame(1, 1)]
    with pytest.raises(BadInput, match="1 rows have the key of another one"):
        load(log, twice, by())
    assert log.count(by()) == 0


def test_a_row_without_a_key_is_told(engine: Engine) -> None:
    log = PredictionLog(engine, "predictions")
    with pytest.raises(BadInput, match="missing in a row"):
        load(log, [frame(0, 2).assign(id=[1.0, float("nan")])], by())


def test_a_table_of_somebody_else_is_refused(engine: Engine) -> None:
    log = PredictionLog(engine, "predictions")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE predictions (id bigint)"))
    with pytest.raises(BadInput, match="lacks the columns"):
        load(log, [frame(0, 2)], by())
    with engine.begin() as connection:
        for column in ("score float", "model_name text", "model_version int", "partition text", "snapshot_id text"):
            connection.execute(text(f"ALTER TABLE predictions ADD COLUMN {column}"))
        connection.execute(text("ALTER TABLE predictions ADD COLUMN scored_at timestamp"))
    with pytest.raises(BadInput, match="no unique key over"):
        load(log, [frame(0, 2)], by())
    with engine.begin() as connection:
        key = "model_name, model_version, partition, id"
        connection.execute(text(f"CREATE UNIQUE INDEX one_row ON predictions ({key})"))
    assert load(log, [frame(0, 2)], by()) == 2


def test_a_superseded_attempt_writes_nothing(engine: Engine, database: Database) -> None:
    log = PredictionLog(engine, "predictions")
    zombie = database.fenced("k", attempts.begin(database, "k"))
    retry = database.fenced("k", attempts.begin(database, "k"))
    load(log, [frame(0, 2)], by(), store=retry)
    with pytest.raises(Superseded):
        load(log, [frame(0, 1, score=0.1)], by(snapshot="old"), store=zombie)
    assert log.read(by(), ["score"])["score"].tolist() == [0.5, 0.5]


def test_one_file_for_the_log_and_an_sqlite_store_is_refused(database: Database) -> None:
    log = PredictionLog(create_engine(database.url), "predictions")
    with pytest.raises(BadInput, match="the same SQLite file"):
        load(log, [frame(0, 1)], by(), store=database)


def test_another_database_and_a_key_of_our_names_are_refused(engine: Engine) -> None:
    class Other:
        dialect = type("", (), {"name": "mysql"})
        url = engine.url

    with pytest.raises(BadInput, match="cannot be written into mysql"):
        PredictionLog(Other(), "predictions")  # type: ignore[arg-type]
    with pytest.raises(BadInput, match=r"\['partition'\] is reserved for the prediction log"):
        load(PredictionLog(engine, "predictions"), [], by(), key=["partition"])


def test_reading_what_is_not_there_says_so(engine: Engine) -> None:
    log = PredictionLog(engine, "predictions")
    with pytest.raises(NotFound, match="no such table"):
        log.read(by())
    load(log, [frame(0, 1)], by())
    with pytest.raises(NotFound, match="no column"):
        log.read(by(), ["income"])


def test_a_table_of_another_schema_is_made_with_it(postgres: str) -> None:
    engine = create_engine(postgres, poolclass=NullPool)
    log = PredictionLog(engine, "ml.predictions")
    assert load(log, [frame(0, 2)], by()) == 2
    assert inspect(engine).has_table("predictions", schema="ml")
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA ml CASCADE"))


def test_parameters_name_a_table_of_a_connection_or_none(engine: Engine) -> None:
    log = open_prediction_log({"company": engine}.__getitem__, "company", "predictions")
    assert log is not None
    assert (log.engine, log.name) == (engine, "predictions")
    assert open_prediction_log({}.__getitem__, None, None) is None


@pytest.mark.parametrize("half", [("company", None), (None, "predictions")])
def test_half_a_name_of_a_table_is_an_error(half: tuple[str | None, str | None]) -> None:
    with pytest.raises(BadInput, match="a table needs its connection"):
        check_table_options(*half)
    with pytest.raises(BadInput, match="a table needs its connection"):
        open_prediction_log({}.__getitem__, *half)
