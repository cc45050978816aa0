"""Database tables of the simulated company."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

if TYPE_CHECKING:
    import pandas as pd

    from include.churn.business import Business

METADATA = sa.MetaData()


def _money() -> sa.Numeric[Any]:
    return sa.Numeric(8, 2, asdecimal=False)


sa.Table(
    "plans",
    METADATA,
    sa.Column("plan", sa.String(20), primary_key=True),
    sa.Column("title", sa.String(60), nullable=False),
)
sa.Table(
    "plan_prices",
    METADATA,
    sa.Column("plan", sa.String(20), sa.ForeignKey("plans.plan"), primary_key=True),
    sa.Column("valid_from", sa.Date, primary_key=True),
    sa.Column("weekly_price", _money(), nullable=False),
)
sa.Table(
    "customers",
    METADATA,
    sa.Column("customer_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("segment", sa.String(20), nullable=False),
    sa.Column("plan", sa.String(20), sa.ForeignKey("plans.plan"), nullable=False),
    sa.Column("region", sa.String(20), nullable=False),
    sa.Column("acquisition_channel", sa.String(20)),
    sa.Column("age", sa.Integer),
    sa.Column("subscribed_on", sa.Date, nullable=False),
    sa.Column("joined_on", sa.Date, nullable=False, index=True),
    sa.Column("cancelled_on", sa.Date, index=True),
)
# The three event tables have no foreign keys: checking them row by row doubles the load time.
sa.Table(
    "daily_activity",
    METADATA,
    sa.Column("customer_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("day", sa.Date, primary_key=True, index=True),
    sa.Column("sessions", sa.Integer, nullable=False),
    sa.Column("minutes", sa.Float),
)
sa.Table(
    "support_calls",
    METADATA,
    sa.Column("call_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("customer_id", sa.Integer, nullable=False, index=True),
    sa.Column("day", sa.Date, nullable=False, index=True),
    sa.Column("topic", sa.String(20), nullable=False),
    sa.Column("minutes", sa.Integer, nullable=False),
)
sa.Table(
    "payments",
    METADATA,
    sa.Column("customer_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("paid_on", sa.Date, primary_key=True, index=True),
    sa.Column("amount", _money(), nullable=False),
    sa.Column("status", sa.String(10), nullable=False),
)


def write(business: Business, engine: sa.Engine) -> None:
    """Replace the company's tables in one transaction.

    :param business: what to write
    :param engine: the database, SQLite or PostgreSQL; other tables are not changed
    """
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            # The driver opens a transaction only at the first INSERT, too late for the DROPs.
            connection.exec_driver_sql("BEGIN")
        METADATA.drop_all(connection)
        METADATA.create_all(connection)
        for table in METADATA.sorted_tables:
            _insert(connection, table, getattr(business, table.name))


def _insert(connection: sa.Connection, table: sa.Table, frame: pd.DataFrame) -> None:
    columns = {str(name): _values(frame[name]) for name in frame}
    if connection.dialect.name == "postgresql":
        # One statement with an array per column: sending row by row takes twice as long.
        arrays = [sa.func.unnest(sa.literal(values, ARRAY(table.c[name].type))) for name, values in columns.items()]
        connection.execute(table.insert().from_select(list(columns), sa.select(*arrays)))
    elif len(frame):
        rows = zip(*columns.values(), strict=True)
        connection.execute(table.insert(), [dict(zip(columns, row, strict=True)) for row in rows])


def _values(column: pd.Series[Any]) -> list[Any]:
    """Return a column as Python values: dates, and None for missing values."""
    if column.dtype.kind == "M":
        return column.to_numpy().astype("datetime64[D]").tolist()
    if column.isna().any():
        return column.astype(object).where(column.notna(), None).tolist()
    return column.tolist()
