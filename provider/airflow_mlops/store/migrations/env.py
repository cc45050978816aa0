"""Alembic's entry: runs the revisions on the connection that :mod:`airflow_mlops.store.schema` hands over."""

from __future__ import annotations

from alembic import context

from airflow_mlops.store.schema import VERSION_TABLE
from airflow_mlops.store.tables import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
    render_as_batch=connection.dialect.name == "sqlite",
)
context.run_migrations()
