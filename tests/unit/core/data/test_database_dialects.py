"""A database dialect of another package profiles and validates a table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import registry

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.data.database import DIALECTS, DatabaseTable
from airflow_mlops.core.data.profiles import profile
from airflow_mlops.core.data.validation import validate

ACME = """
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from airflow_mlops.api import Dialect, SqliteDialect


class Engine(SQLiteDialect_pysqlite):
    name = "acmelite"
    supports_statement_cache = True


class AcmeLite(SqliteDialect):
    \"\"\"SQLite whose texts are stored in capitals.\"\"\"

    def to_name(self, column, dtype):
        return f"lower({super().to_name(column, dtype)})"


class Newer(AcmeLite):
    min_version = (99, 1)


class Unfinished(Dialect):
    pass
"""
ROWS = pl.DataFrame({"id": [1, 2, 3], "city": ["rome", "oslo", "rome"], "x": [0.5, None, 7.0]})
CONTRACT: dict[str, Any] = {
    "name": "rows",
    "key": "id",
    "columns": {
        "id": {"type": "int"},
        "city": {"type": "category", "values": ["rome", "paris"]},
        "x": {"type": "float", "max": 5},
    },
}


@pytest.fixture
def url(tmp_path: Path) -> str:
    """The URL, without its scheme, of a file with the rows; texts are in capitals."""
    path = tmp_path / "rows.db"
    path.touch()
    with sa.create_engine(f"sqlite:///{path}").begin() as connection:
        connection.exec_driver_sql("CREATE TABLE stored (id bigint, city text, x double)")
        connection.exec_driver_sql("INSERT INTO stored VALUES (1, 'ROME', 0.5), (2, 'OSLO', NULL), (3, 'ROME', 7.0)")
    return f"///{path}"


@pytest.fixture
def acme(installed_entry_point: Any) -> Iterator[str]:
    """The module of the dialect, which is the entry point ``acmelite``; SQLAlchemy knows that backend."""
    path: str = installed_entry_point(DIALECTS, "acmelite", "AcmeLite", ACME)
    module = path.partition(":")[0]
    registry.register("acmelite", module, "Engine")
    yield module
    registry.impls.pop("acmelite")


@pytest.mark.parametrize("by_backend", [True, False])
def test_it_profiles_and_validates_a_table(by_backend: bool, acme: str, url: str) -> None:
    if by_backend:
        table = DatabaseTable(f"acmelite:{url}", "stored")
    else:
        table = DatabaseTable(f"sqlite:{url}", "stored", dialect=f"{acme}:AcmeLite")
    assert type(table.dialect).__name__ == "AcmeLite"
    assert profile(table).to_dict() == profile(ROWS).to_dict()
    failed = {check.name: check.observed for check in validate(table, CONTRACT).checks if check.status == "fail"}
    assert {name: observed["count"] for name, observed in failed.items()} == {"values": 1, "max": 1}
    assert failed["max"]["examples"] == [{"id": 3, "x": 7.0}]


def test_a_missing_file_is_not_created_for_it_either(acme: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="the database file does not exist"):
        _ = DatabaseTable(f"acmelite:///{tmp_path}/none.db", "stored").rows
    assert not (tmp_path / "none.db").exists()


def test_an_older_database_than_it_supports_is_an_error(acme: str, url: str) -> None:
    with pytest.raises(BadInput, match=r"sqlite 3\..* is not supported") as caught:
        _ = DatabaseTable(f"sqlite:{url}", "stored", dialect=f"{acme}:Newer").rows
    assert "use 99.1 or later" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("attribute", "message"),
    [("Unfinished", "it lacks begin, bind_timestamp"), ("Engine", "it is not a subclass of airflow_mlops.api.Dialect")],
)
def test_what_is_no_dialect_is_an_error(attribute: str, message: str, acme: str, url: str) -> None:
    with pytest.raises(BadInput, match=message):
        DatabaseTable(f"sqlite:{url}", "stored", dialect=f"{acme}:{attribute}")
