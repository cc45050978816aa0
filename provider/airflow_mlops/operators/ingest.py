"""Ingestion: rows from a source become a committed snapshot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_mlops.keys import task_key
from airflow_mlops.operators.base import LifecycleOperator
from airflow_mlops.operators.held import Held

if TYPE_CHECKING:
    import pandas as pd
    from airflow.sdk import Context


class IngestDatasetOperator(LifecycleOperator):
    """Read rows and commit them as an immutable, content-addressed snapshot; gives its ``SnapshotRef``.

    Exactly one of ``sql``, ``path`` and ``rows`` says where from. The same rows in any order give the same snapshot;
    late data gives a new one, and the catalogue's (dataset, partition) then points to that.

    :param dataset: the dataset's name.
    :param partition: the partition: the data's cut-off. Default: the run's partition key.
    :param sql: one SELECT, as text or as the path of a ``.sql`` file below the bundle's root; values come in as
        named binds (``:cutoff``).
    :param conn_id: the connection that ``sql`` runs on.
    :param binds: values of the binds: a mapping, or the import path of a function from partition to mapping.
    :param path: a CSV or Parquet file: a local path or an fsspec URI.
    :param rows: a function (or its import path) that gives a frame or frames; called with ``partition=``.
    :param transform: a function (or its import path), ``(frame, partition) -> frame``, applied to each chunk.
    """

    template_fields: Sequence[str] = ("dataset", "partition", "sql", "conn_id", "binds", "path", "rows", "transform")
    template_fields_renderers: ClassVar[dict[str, str]] = {"sql": "sql", "binds": "json"}

    def __init__(
        self,
        *,
        dataset: str,
        partition: str | None = None,
        sql: str | None = None,
        conn_id: str | None = None,
        binds: Mapping[str, Any] | str | None = None,
        path: str | None = None,
        rows: str | Callable[..., Any] | None = None,
        transform: str | Callable[..., Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset
        self.partition = partition
        self.sql = sql
        self.conn_id = conn_id
        self.binds = binds
        self.path = path
        self.rows = Held.of(rows)
        self.transform = Held.of(transform)

    def step(self, context: Context) -> dict[str, Any]:
        """Read, write, commit, and put the snapshot in the catalogue."""
        from airflow_mlops.store import catalogue

        partition = self.partition or context["dag_run"].partition_key
        source = {"task": task_key(context), "conn_id": self.conn_id, "path": self.path}
        ref = self.snapshots.write(self.dataset, self._frames(partition), partition=partition, source=source)
        note = "no partition, so not in the catalogue"
        if partition is not None:
            note = "new" if catalogue.record(self.database, ref) else "the same rows as before"
        self.log.info("%s %s: %s rows, snapshot %s (%s)", self.dataset, partition or "", ref.rows, ref.id, note)
        return ref.to_dict()

    def _frames(self, partition: str | None) -> Iterator[pd.DataFrame]:
        from airflow_mlops.core.imports import resolve

        transform = resolve(Held.free(self.transform)) if self.transform else None
        for frame in self._read(partition):
            yield transform(frame, partition) if transform else frame

    def _read(self, partition: str | None) -> Iterable[pd.DataFrame]:
        from airflow_mlops.core.errors import BadInput
        from airflow_mlops.core.imports import resolve

        given = [name for name in ("sql", "path", "rows") if getattr(self, name)]
        if len(given) != 1:
            raise BadInput(
                f"exactly one of sql, path and rows says where the data come from; given: {given or 'none'}",
                where=f"task {self.task_id}",
            )
        if self.sql:
            from airflow_mlops.hooks.source import read_sql

            if not self.conn_id:
                raise BadInput("sql needs conn_id", where=f"task {self.task_id}", mend="name the database's connection")
            return read_sql(self.conn_id, self._query(), self._binds(partition))
        if self.path:
            from airflow_mlops.core.data.files import read_file

            return read_file(self.path)
        import pandas as pd

        found = resolve(Held.free(self.rows))(partition=partition)  # type: ignore[arg-type]  # one of the three is given
        return [found] if isinstance(found, pd.DataFrame) else found

    def _query(self) -> str:
        from airflow_mlops.core.imports import find_file

        assert self.sql is not None
        if not self.sql.strip().endswith(".sql"):
            return self.sql
        return find_file(self.sql.strip()).read_text(encoding="utf-8")

    def _binds(self, partition: str | None) -> Mapping[str, Any]:
        from airflow_mlops.core.imports import resolve

        if isinstance(self.binds, str):
            return resolve(self.binds)(partition)
        return self.binds or {}
