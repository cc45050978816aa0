"""The prediction log: a table in any PostgreSQL or SQLite database, with a row for each version, partition and key.

A partition's scores come in one transaction, so a reader sees all of them or none, and rows that are there already are
overwritten: loaded again, after whatever kill, every row is there once.
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

from airflow_mlops.core.errors import BadInput, NotFound

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy import URL, Connection

    from airflow_mlops.store.database import Database

MODEL, VERSION, PARTITION = "model_name", "model_version", "partition"
SNAPSHOT, SCORED_AT = "snapshot_id", "scored_at"
IDENTITY = (MODEL, VERSION, PARTITION)
OWN = (*IDENTITY, SNAPSHOT, SCORED_AT)
STATEMENT_ROWS = 10_000
_INSERT: Mapping[str, Callable[..., Any]] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}
_TYPES = {"int": BigInteger, "float": Double, "bool": Boolean, "datetime": DateTime, "str": Text}


@dataclass(frozen=True, slots=True)
class ScoredBy:
    """Whose scores they are.

    :param model: the model's name.
    :param version: its version.
    :param partition: the partition that was scored.
    :param snapshot_id: the snapshot with the scores.
    :param scored_at: when they were made.
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
                mend="use PostgreSQL or SQLite; or load the snapshot of the scores with a task of your own",
            )

    def load(
        self,
        batches: Iterable[pd.DataFrame],
        by: ScoredBy,
        *,
        key: Sequence[str],
        schema: Mapping[str, str],
        beside: Database | None = None,
    ) -> int:
        """Write a partition's scores: all of them, in the place of those that the version had given it before.

        :param batches: key, scores, model's name and version.
        :param key: the columns that name a row.
        :param schema: column -> logical type.
        :param beside: the lifecycle store as an attempt of a task has it: what that may not publish is not committed.
        :returns: how many rows it has now.
        :raises BadInput: when a key repeats or is missing, or the table is another one.
        :raises Superseded: when another attempt has taken over.
        """
        table = self._table(key, schema)
        if beside is not None:
            self._check_apart(beside)
        with self._told():
            self._make(table)
            with self.engine.connect() as connection:
                total = sum(self._upsert(connection, table, frame, by, key) for frame in batches)
                connection.execute(delete(table).where(self._of(table, by), table.c[SNAPSHOT] != by.snapshot_id))
                there = connection.scalar(select(func.count()).select_from(table).where(self._of(table, by))) or 0
                if there != total:
                    raise _repeats(key, self.where, total - there)
                with nullcontext() if beside is None else beside.session():
                    connection.commit()
        return total

    def count(self, by: ScoredBy) -> int:
        """Count the rows of a score set that are there; none when there is no table."""
        with self._told():
            if not inspect(self.engine).has_table(self.name, schema=self.schema):
                return 0
            table = self._found()
            with self.engine.connect() as connection:
                whole = and_(self._of(table, by), table.c[SNAPSHOT] == by.snapshot_id)
                return connection.scalar(select(func.count()).select_from(table).where(whole)) or 0

    def versions(self, model: str, partition: str | None = None) -> list[ScoredBy]:
        """Give whose scores are there, oldest first.

        :param partition: only those of this one; of all it takes a look at the whole table.
        """
        with self._told():
            table = self._found()
            columns = [table.c[name] for name in OWN]
            query = select(*columns).where(table.c[MODEL] == model).distinct()
            if partition is not None:
                query = query.where(table.c[PARTITION] == partition)
            with self.engine.connect() as connection:
                found = [ScoredBy(m, v, p, s, _utc(at)) for m, v, p, s, at in connection.execute(query)]
        return sorted(found, key=lambda by: (by.scored_at, by.version))

    def read(self, by: ScoredBy, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Read the scores that a version gave to a partition.

        :param columns: only these.
        :raises NotFound: when there is no such table, or it has no such column.
        """
        import pandas as pd

        with self._told():
            table = self._found()
            if missing := [name for name in columns or () if name not in table.c]:
                raise NotFound(
                    f"there is no column {missing[:5]}", where=self.where, mend=f"it has {list(table.c.keys())}"
                )
            chosen = [table.c[name] for name in columns or table.c.keys()]
            with self.engine.connect() as connection:
                return pd.read_sql(select(*chosen).where(self._of(table, by)), connection)

    # inside

    def _check_apart(self, beside: Database) -> None:
        """Refuse the file of a lifecycle store in SQLite: its fence could not be read while this one is written."""
        ours, theirs = self.engine.url, beside.url
        if ours.get_backend_name() == theirs.get_backend_name() == "sqlite" and _file(ours) == _file(theirs):
            raise BadInput(
                "the prediction log and the lifecycle store are one SQLite file",
                where=self.where,
                mend="name the connection of another database, or keep both in PostgreSQL",
            )

    def _table(self, key: Sequence[str], schema: Mapping[str, str]) -> Table:
        if taken := sorted({*OWN} & {*key}):
            raise BadInput(f"{taken} is a column of the prediction log's own", where=self.where, mend="rename the key")
        given = {name: _TYPES[kind] for name, kind in schema.items() if name not in OWN}
        return Table(
            self.name,
            MetaData(),
            Column(MODEL, Text, nullable=False),
            Column(VERSION, Integer, nullable=False),
            Column(PARTITION, Text, nullable=False),
            *(Column(name, kind, nullable=name not in key) for name, kind in given.items()),
            Column(SNAPSHOT, Text, nullable=False),
            Column(SCORED_AT, DateTime(timezone=True), nullable=False),
            PrimaryKeyConstraint(*IDENTITY, *key),
            schema=self.schema,
        )

    def _make(self, table: Table) -> None:
        """Make the table unless it is there; one that is there has to have the columns and the key.

        :raises BadInput: when it has not.
        """
        inspector = inspect(self.engine)
        if not inspector.has_table(self.name, schema=self.schema):
            self._create(table)
            inspector = inspect(self.engine)
        there = {column["name"] for column in inspector.get_columns(self.name, schema=self.schema)}
        if missing := sorted({*table.c.keys()} - there):
            raise BadInput(
                f"the table lacks the columns {missing[:5]}",
                where=self.where,
                mend="add them, or name another table: one that is not there is made",
            )
        wanted = {column.name for column in table.primary_key}
        keys: list[Sequence[str | None]] = [
            inspector.get_pk_constraint(self.name, schema=self.schema)["constrained_columns"]
        ]
        keys += [u["column_names"] for u in inspector.get_unique_constraints(self.name, schema=self.schema)]
        keys += [i["column_names"] for i in inspector.get_indexes(self.name, schema=self.schema) if i["unique"]]
        if wanted not in [{*columns} for columns in keys]:
            raise BadInput(
                f"the table has no unique key over {[c.name for c in table.primary_key]}",
                where=self.where,
                mend="give it one, or name another table: one that is not there is made",
            )

    def _create(self, table: Table) -> None:
        try:
            with self.engine.begin() as connection:
                if self.schema is not None and self.engine.dialect.name == "postgresql":
                    connection.execute(CreateSchema(self.schema, if_not_exists=True))
                connection.execute(CreateTable(table, if_not_exists=True))
        except DBAPIError:  # of two at once, PostgreSQL refuses one in spite of IF NOT EXISTS
            if not inspect(self.engine).has_table(self.name, schema=self.schema):
                raise

    def _found(self) -> Table:
        if not inspect(self.engine).has_table(self.name, schema=self.schema):
            raise NotFound("there is no such table", where=self.where, mend="score with table=... first")
        return Table(self.name, MetaData(), schema=self.schema, autoload_with=self.engine)

    def _of(self, table: Table, by: ScoredBy) -> ColumnElement[bool]:
        return and_(table.c[MODEL] == by.model, table.c[VERSION] == by.version, table.c[PARTITION] == by.partition)

    def _upsert(
        self, connection: Connection, table: Table, frame: pd.DataFrame, by: ScoredBy, key: Sequence[str]
    ) -> int:
        """Write a batch."""
        if frame[list(key)].isna().any(axis=None):
            raise BadInput(f"{list(key)} is missing in a row", where=self.where, mend="name every row")
        if repeated := int(frame.duplicated(list(key)).sum()):
            raise _repeats(key, self.where, repeated)
        fixed = {PARTITION: by.partition, SNAPSHOT: by.snapshot_id, SCORED_AT: by.scored_at}
        statement = _INSERT[self.engine.dialect.name](table)
        others = [column.name for column in table.c if not column.primary_key]
        statement = statement.on_conflict_do_update(
            index_elements=list(table.primary_key), set_={name: statement.excluded[name] for name in others}
        )
        for rows in _slices(frame):
            connection.execute(statement, [{**row, **fixed} for row in rows])
        return len(frame)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what a driver raises into an error that says where, unless trying again may help."""
        from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

        try:
            yield
        except (ProgrammingError, IntegrityError) as error:
            reason = (str(error.orig).strip().splitlines() or [type(error.orig).__name__])[0][:300]
            raise BadInput(f"the database says: {reason}", where=self.where, mend="mend what it names") from error
        except (OperationalError, DBAPIError) as error:
            error.add_note(self.where)
            raise


def prediction_log(engine_of: Callable[[str], Engine], conn_id: str | None, table: str | None) -> PredictionLog | None:
    """Give the table that parameters name, if they do.

    :param engine_of: gives the engine of a connection's database.
    :param conn_id: the connection.
    :param table: the table there, ``table`` or ``schema.table``.
    :raises BadInput: when only one of the two is named, or the database is neither PostgreSQL nor SQLite.
    """
    check_named(conn_id, table)
    return None if conn_id is None or table is None else PredictionLog(engine_of(conn_id), table)


def check_named(conn_id: str | None, table: str | None) -> None:
    """Check that parameters name a table and its connection, or neither.

    :raises BadInput: when only one of the two is named.
    """
    if (conn_id is None) != (table is None):
        raise BadInput("a table needs its connection, and a connection its table", mend="give both or neither")


def _repeats(key: Sequence[str], where: str, rows: int) -> BadInput:
    return BadInput(
        f"{list(key)} does not name a row: {rows} rows have the key of another one",
        where=where,
        mend="name all columns that tell rows apart with key=[...]",
    )


def _file(url: URL) -> str:
    return os.path.realpath(url.database or "")


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)  # SQLite keeps no zone


def _slices(frame: pd.DataFrame) -> Iterator[list[dict[str, Any]]]:
    """Give rows as plain values, some thousand at a time; missing is ``None``."""
    for first in range(0, len(frame), STATEMENT_ROWS):
        part = frame.iloc[first : first + STATEMENT_ROWS]
        names = [str(name) for name in part.columns]
        columns = [_plain(part[name]) for name in part.columns]
        yield [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def _plain(column: pd.Series[Any]) -> list[Any]:
    missing = column.isna()
    values = list(column.dt.to_pydatetime()) if column.dtype.kind == "M" else column.tolist()
    if not missing.any():
        return values
    return [None if gone else value for value, gone in zip(values, missing, strict=True)]
