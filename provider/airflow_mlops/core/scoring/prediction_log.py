"""The prediction log: a PostgreSQL or SQLite table of the user's, with one row per version, partition and key.

The scores of a partition are written in one transaction, so a reader sees all of them or none. Existing rows are
overwritten, so loading again after a crash leaves every row once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    DateTime,
    Double,
    Engine,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    and_,
    delete,
    func,
    inspect,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateSchema, CreateTable

from airflow_mlops.common.errors import BadInput, NotFound

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy import URL, Connection

    from airflow_mlops.store.database import Database

MODEL_COLUMN, VERSION_COLUMN, PARTITION_COLUMN = "model_name", "model_version", "partition"
SNAPSHOT_COLUMN, SCORED_AT_COLUMN = "snapshot_id", "scored_at"
IDENTITY_COLUMNS = (MODEL_COLUMN, VERSION_COLUMN, PARTITION_COLUMN)
RESERVED_COLUMNS = (*IDENTITY_COLUMNS, SNAPSHOT_COLUMN, SCORED_AT_COLUMN)
STATEMENT_ROWS = 10_000
_INSERT: Mapping[str, Callable[..., Any]] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}
_TYPES = {"int": BigInteger, "float": Double, "bool": Boolean, "datetime": DateTime, "str": Text}


@dataclass(frozen=True, slots=True)
class PredictionLogEntry:
    """Identity of the scores of one partition by one version.

    :param model: the model's name.
    :param version: its version.
    :param partition: the partition that was scored.
    :param snapshot_id: the snapshot with the scores.
    :param scored_at: when they were computed.
    """

    model: str
    version: int
    partition: str
    snapshot_id: str
    scored_at: datetime


class PredictionLog:
    """A table of predictions.

    :param engine: of the database.
    :param table: its name, or ``schema.name``.
    :raises BadInput: when the database is neither PostgreSQL nor SQLite.
    """

    def __init__(self, engine: Engine, table: str) -> None:
        self.engine = engine
        schema, _, name = table.rpartition(".")
        self.schema, self.name = schema or None, name
        self.where = f"table {table} in {engine.url.render_as_string(hide_password=True)}"
        if engine.dialect.name not in _INSERT:
            raise BadInput(
                f"predictions cannot be written into {engine.dialect.name}",
                where=self.where,
                hint="use PostgreSQL or SQLite, or load the snapshot of the scores with your own task",
            )

    def load(
        self,
        batches: Iterable[pd.DataFrame],
        entry: PredictionLogEntry,
        *,
        key: Sequence[str],
        schema: Mapping[str, str],
        store: Database | None = None,
    ) -> int:
        """Write all scores of a partition; they replace the version's earlier scores of it.

        :param batches: key, scores, model's name and version.
        :param key: the columns that identify a row.
        :param schema: column -> logical type.
        :param store: the lifecycle store, fenced for the attempt: a superseded attempt commits nothing.
        :returns: the number of rows of the partition.
        :raises BadInput: when a key repeats or is missing, or the table does not fit.
        :raises Superseded: when another attempt has taken over.
        """
        table = self._table(key, schema)
        if store is not None:
            self._check_separate(store)
        with self._translated_errors():
            self._ensure(table)
            with self.engine.connect() as connection:
                total = sum(self._upsert(connection, table, frame, entry, key) for frame in batches)
                connection.execute(
                    delete(table).where(self._matches(table, entry), table.c[SNAPSHOT_COLUMN] != entry.snapshot_id)
                )
                stored = (
                    connection.scalar(select(func.count()).select_from(table).where(self._matches(table, entry))) or 0
                )
                if stored != total:
                    raise _duplicate_keys(key, self.where, total - stored)
                with nullcontext() if store is None else store.session():
                    connection.commit()
        return total

    def count(self, entry: PredictionLogEntry) -> int:
        """Return the number of stored rows of a score set; 0 when there is no table."""
        with self._translated_errors():
            if not inspect(self.engine).has_table(self.name, schema=self.schema):
                return 0
            table = self._existing()
            with self.engine.connect() as connection:
                same_set = and_(self._matches(table, entry), table.c[SNAPSHOT_COLUMN] == entry.snapshot_id)
                return connection.scalar(select(func.count()).select_from(table).where(same_set)) or 0

    def versions(self, model: str, partition: str | None = None) -> list[PredictionLogEntry]:
        """Return the score sets of a model, oldest first.

        :param partition: only those of this partition; without it the full table is scanned.
        """
        with self._translated_errors():
            table = self._existing()
            columns = [table.c[name] for name in RESERVED_COLUMNS]
            query = select(*columns).where(table.c[MODEL_COLUMN] == model).distinct()
            if partition is not None:
                query = query.where(table.c[PARTITION_COLUMN] == partition)
            with self.engine.connect() as connection:
                sets = [PredictionLogEntry(m, v, p, s, _utc(at)) for m, v, p, s, at in connection.execute(query)]
        return sorted(sets, key=lambda by: (by.scored_at, by.version))

    def read(self, entry: PredictionLogEntry, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Read the scores of a partition by a version.

        :param columns: only these.
        :raises NotFound: when the table or a column does not exist.
        """
        import pandas as pd

        with self._translated_errors():
            table = self._existing()
            if missing := [name for name in columns or () if name not in table.c]:
                raise NotFound(
                    f"there is no column {missing[:5]}", where=self.where, hint=f"it has {list(table.c.keys())}"
                )
            selected = [table.c[name] for name in columns or table.c.keys()]
            with self.engine.connect() as connection:
                return pd.read_sql(select(*selected).where(self._matches(table, entry)), connection)

    def _check_separate(self, beside: Database) -> None:
        """Raise if log and store are the same SQLite file: the fence cannot be read while the log is written."""
        log, store = self.engine.url, beside.url
        if log.get_backend_name() == store.get_backend_name() == "sqlite" and _file(log) == _file(store):
            raise BadInput(
                "the prediction log and the lifecycle store are the same SQLite file",
                where=self.where,
                hint="use a connection to another database, or keep both in PostgreSQL",
            )

    def _table(self, key: Sequence[str], schema: Mapping[str, str]) -> Table:
        if reserved := sorted({*RESERVED_COLUMNS} & {*key}):
            raise BadInput(f"{reserved} is reserved for the prediction log", where=self.where, hint="rename the key")
        columns = {name: _TYPES[kind] for name, kind in schema.items() if name not in RESERVED_COLUMNS}
        return Table(
            self.name,
            MetaData(),
            Column(MODEL_COLUMN, Text, nullable=False),
            Column(VERSION_COLUMN, Integer, nullable=False),
            Column(PARTITION_COLUMN, Text, nullable=False),
            *(Column(name, kind, nullable=name not in key) for name, kind in columns.items()),
            Column(SNAPSHOT_COLUMN, Text, nullable=False),
            Column(SCORED_AT_COLUMN, DateTime(timezone=True), nullable=False),
            PrimaryKeyConstraint(*IDENTITY_COLUMNS, *key),
            schema=self.schema,
        )

    def _ensure(self, table: Table) -> None:
        """Create the table, or check that the existing one has the columns and the key.

        :raises BadInput: when it has not.
        """
        inspector = inspect(self.engine)
        if not inspector.has_table(self.name, schema=self.schema):
            self._create(table)
            inspector = inspect(self.engine)
        existing = {column["name"] for column in inspector.get_columns(self.name, schema=self.schema)}
        if missing := sorted({*table.c.keys()} - existing):
            raise BadInput(
                f"the table lacks the columns {missing[:5]}",
                where=self.where,
                hint="add them, or name another table; a missing table is created",
            )
        required = {column.name for column in table.primary_key}
        keys: list[Sequence[str | None]] = [
            inspector.get_pk_constraint(self.name, schema=self.schema)["constrained_columns"]
        ]
        keys += [u["column_names"] for u in inspector.get_unique_constraints(self.name, schema=self.schema)]
        keys += [i["column_names"] for i in inspector.get_indexes(self.name, schema=self.schema) if i["unique"]]
        if required not in [{*columns} for columns in keys]:
            raise BadInput(
                f"the table has no unique key over {[c.name for c in table.primary_key]}",
                where=self.where,
                hint="add one, or name another table; a missing table is created",
            )

    def _create(self, table: Table) -> None:
        try:
            with self.engine.begin() as connection:
                if self.schema is not None and self.engine.dialect.name == "postgresql":
                    connection.execute(CreateSchema(self.schema, if_not_exists=True))
                connection.execute(CreateTable(table, if_not_exists=True))
        except DBAPIError:  # PostgreSQL may refuse one of two concurrent calls in spite of IF NOT EXISTS
            if not inspect(self.engine).has_table(self.name, schema=self.schema):
                raise

    def _existing(self) -> Table:
        if not inspect(self.engine).has_table(self.name, schema=self.schema):
            raise NotFound("there is no such table", where=self.where, hint="score with table=... first")
        return Table(self.name, MetaData(), schema=self.schema, autoload_with=self.engine)

    def _matches(self, table: Table, by: PredictionLogEntry) -> ColumnElement[bool]:
        return and_(
            table.c[MODEL_COLUMN] == by.model,
            table.c[VERSION_COLUMN] == by.version,
            table.c[PARTITION_COLUMN] == by.partition,
        )

    def _upsert(
        self, connection: Connection, table: Table, frame: pd.DataFrame, by: PredictionLogEntry, key: Sequence[str]
    ) -> int:
        """Insert or update a batch; return its number of rows."""
        if frame[list(key)].isna().any(axis=None):
            raise BadInput(f"{list(key)} is missing in a row", where=self.where, hint="set the key in every row")
        if duplicates := int(frame.duplicated(list(key)).sum()):
            raise _duplicate_keys(key, self.where, duplicates)
        identity = {PARTITION_COLUMN: by.partition, SNAPSHOT_COLUMN: by.snapshot_id, SCORED_AT_COLUMN: by.scored_at}
        statement = _INSERT[self.engine.dialect.name](table)
        updated = [column.name for column in table.c if not column.primary_key]
        statement = statement.on_conflict_do_update(
            index_elements=list(table.primary_key), set_={name: statement.excluded[name] for name in updated}
        )
        for rows in _chunks(frame):
            connection.execute(statement, [{**row, **identity} for row in rows])
        return len(frame)

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        """Turn driver errors into BadInput with the location, unless a retry may help."""
        from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

        try:
            yield
        except (ProgrammingError, IntegrityError) as error:
            reason = (str(error.orig).strip().splitlines() or [type(error.orig).__name__])[0][:300]
            raise BadInput(
                f"the database reports: {reason}", where=self.where, hint="fix the reported error"
            ) from error
        except (OperationalError, DBAPIError) as error:
            error.add_note(self.where)
            raise


def open_prediction_log(
    get_engine: Callable[[str], Engine], conn_id: str | None, table: str | None
) -> PredictionLog | None:
    """Return the prediction log at a connection and table; ``None`` when neither is set.

    :param get_engine: returns the engine of a connection's database.
    :param conn_id: the connection.
    :param table: the table there, ``table`` or ``schema.table``.
    :raises BadInput: when only one of the two is set, or the database is neither PostgreSQL nor SQLite.
    """
    check_table_options(conn_id, table)
    return None if conn_id is None or table is None else PredictionLog(get_engine(conn_id), table)


def check_table_options(conn_id: str | None, table: str | None) -> None:
    """Check that a table and its connection are both set, or neither.

    :raises BadInput: when only one of the two is set.
    """
    if (conn_id is None) != (table is None):
        raise BadInput("a table needs its connection, and a connection its table", hint="set both or neither")


def _duplicate_keys(key: Sequence[str], where: str, rows: int) -> BadInput:
    return BadInput(
        f"{list(key)} does not identify a row: {rows} rows have the key of another one",
        where=where,
        hint="list all columns that identify a row in key=[...]",
    )


def _file(url: URL) -> str:
    return os.path.realpath(url.database or "")


def _utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)  # SQLite stores no time zone


def _chunks(frame: pd.DataFrame) -> Iterator[list[dict[str, Any]]]:
    """Yield chunks of rows as Python values; missing is ``None``."""
    for first in range(0, len(frame), STATEMENT_ROWS):
        chunk = frame.iloc[first : first + STATEMENT_ROWS]
        names = [str(name) for name in chunk.columns]
        columns = [_values(chunk[name]) for name in chunk.columns]
        yield [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def _values(column: pd.Series[Any]) -> list[Any]:
    missing = column.isna()
    values = list(column.dt.to_pydatetime()) if column.dtype.kind == "M" else column.tolist()
    if not missing.any():
        return values
    return [None if is_missing else value for value, is_missing in zip(values, missing, strict=True)]
