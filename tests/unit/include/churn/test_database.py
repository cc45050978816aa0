from __future__ import annotations

import dataclasses
from datetime import date

import pytest
from sqlalchemy import Engine, inspect, select, text
from sqlalchemy.exc import IntegrityError

from include.churn.business import Business, build
from include.churn.database import METADATA, write


def counts(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        return {name: connection.execute(text(f"SELECT COUNT(*) FROM {name}")).scalar_one() for name in METADATA.tables}


def test_every_row_is_written(engine: Engine, changed: Business) -> None:
    assert counts(engine) == {table.name: len(getattr(changed, table.name)) for table in dataclasses.fields(Business)}


def test_values_come_back_as_they_were(engine: Engine, changed: Business) -> None:
    customers = METADATA.tables["customers"]
    with engine.connect() as connection:
        rows = connection.execute(select(customers).order_by(customers.c.customer_id)).mappings().all()
    expected = changed.customers.sort_values("customer_id")
    assert [row["subscribed_on"] for row in rows] == [stamp.date() for stamp in expected.subscribed_on]
    assert [row["cancelled_on"] is None for row in rows] == expected.cancelled_on.isna().tolist()
    assert [row["age"] is None for row in rows] == expected.age.isna().tolist()
    assert {type(row["subscribed_on"]) for row in rows} == {date}
    assert {type(row["age"]) for row in rows} == {int, type(None)}
    assert None in {row["acquisition_channel"] for row in rows}


def test_writing_replaces_the_tables_and_leaves_others_alone(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE other (x INTEGER)"))
    small = build(5, 40)
    write(small, engine)
    assert counts(engine)["customers"] == len(small.customers)
    assert "other" in inspect(engine).get_table_names()


def test_a_failed_write_leaves_the_database_as_it_was(engine: Engine, changed: Business) -> None:
    before = counts(engine)
    twice = dataclasses.replace(changed, plans=changed.plans.iloc[[0, 0]])
    with pytest.raises(IntegrityError):
        write(twice, engine)
    assert counts(engine) == before


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("daily_activity", "day"),
        ("support_calls", "day"),
        ("payments", "paid_on"),
        ("customers", "joined_on"),
    ],
)
def test_the_days_the_queries_ask_for_are_indexed(engine: Engine, table: str, column: str) -> None:
    assert [column] in [index["column_names"] for index in inspect(engine).get_indexes(table)]
