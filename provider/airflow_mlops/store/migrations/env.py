"""Alembic environment: runs the migrations on the connection that :mod:`airflow_mlops.store.schema` passes on."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context

from airflow_mlops.store.schema import VERSION_TABLE
from airflow_mlops.store.tables import Base, UtcTimestamp


def _render_item(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Write our column type as SQLAlchemy's, so that a migration does not change with the code."""
    return "sa.String(32)" if kind == "type" and isinstance(item, UtcTimestamp) else False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
    render_as_batch=connection.dialect.name == "sqlite",
    render_item=_render_item,
)
context.run_migrations()
