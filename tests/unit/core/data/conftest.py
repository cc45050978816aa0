"""Tables in real databases."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from airflow_mlops.core.data.database import DatabaseTable

_TYPES: dict[Any, Any] = {
    pl.Float64: sa.Double,
    pl.Float32: sa.REAL,
    pl.Int64: sa.BigInteger,
    pl.Int32: sa.Integer,
    pl.String: sa.Text,
    pl.Boolean: sa.Boolean,
    pl.Date: sa.Date,
    pl.Duration: sa.Interval,
    pl.Time: sa.Time,
    pl.Decimal: sa.Numeric,
    pl.Binary: sa.LargeBinary,
}
_numbers = itertools.count()


def sql_type(dtype: pl.DataType) -> Any:
    if isinstance(dtype, pl.Datetime):
        return sa.DateTime(timezone=dtype.time_zone is not None)
    return _TYPES[dtype.base_type()]


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> sa.Engine:
    """A database: the test runs once on SQLite and once on PostgreSQL."""
    if request.param == "postgres":
        return sa.create_engine(request.getfixturevalue("postgres"), poolclass=NullPool)
    (tmp_path / "rows.db").touch()
    return sa.create_engine(f"sqlite:///{tmp_path}/rows.db", poolclass=NullPool)


def insert(engine: sa.Engine, frame: pl.DataFrame) -> DatabaseTable:
    columns = [sa.Column(name, sql_type(dtype)) for name, dtype in frame.schema.items()]
    table = sa.Table(f"rows{next(_numbers)}", sa.MetaData(), *columns)
    with engine.begin() as connection:
        table.create(connection)
        if frame.height:
            connection.execute(table.insert(), frame.to_dicts())
    return DatabaseTable(engine, table.name)


@pytest.fixture
def stored(engine: sa.Engine) -> Callable[[pl.DataFrame], DatabaseTable]:
    """A function that puts a frame into a new table."""
    return lambda frame: insert(engine, frame)
