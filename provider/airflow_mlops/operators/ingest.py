"""Operator that ingests rows into a snapshot."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_mlops.operators.base import LifecycleOperator
from airflow_mlops.operators.callable_fields import CallableField
from airflow_mlops.task_keys import task_key

if TYPE_CHECKING:
    import pandas as pd
    from airflow.sdk import Context

    from airflow_mlops.core.data.sources import RowSource


class IngestDatasetOperator(LifecycleOperator):
    """Read rows and commit them as an immutable, content-addressed snapshot. Returns its ``SnapshotRef``.

    Exactly one of ``source``, ``sql``, ``path`` and ``rows`` says where they come from. The same rows in any order give
    the same snapshot. Late data gives a new snapshot, which becomes the current one of (dataset, partition) in the
    catalogue.

    :param dataset: name of the dataset.
    :param partition: partition key, the cutoff of the data. Default: the run's partition key. Without one, the snapshot
        is not recorded in the catalogue.
    :param sql: one SELECT statement, or the path of a ``.sql`` file below the bundle's root. Values are passed as named
        binds (``:cutoff``).
    :param conn_id: connection ID of the database for ``sql``.
    :param binds: values of the binds: a mapping, or the import path of a function from partition to mapping. Default:
        none.
    :param path: CSV or Parquet file: a local path or an fsspec URI.
    :param rows: function, or its import path, that returns one data frame or an iterable of them. Called with
        ``partition=``.
    :param source: row source of another package: its entry point's name, its import path, or its class. Also a mapping
        with its name as ``kind`` and its options. See docs/extending-sources.md.
    :param source_options: options of ``source``. Default: none. They are visible in the rendered template, so pass a
        connection ID, not a password.
    :param transform: function, or its import path, ``(frame, partition) -> frame``, applied to each chunk. Default:
        none.
    """

    template_fields: Sequence[str] = (
        "dataset",
        "partition",
        "sql",
        "conn_id",
        "binds",
        "path",
        "rows",
        "source",
        "source_options",
        "transform",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"sql": "sql", "binds": "json", "source_options": "json"}

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
        source: str | Mapping[str, Any] | Callable[..., RowSource] | None = None,
        source_options: Mapping[str, Any] | None = None,
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
        self.rows = CallableField.wrap(rows)
        self.source = CallableField.wrap(source)
        self.source_options = source_options
        self.transform = CallableField.wrap(transform)

    def step(self, context: Context) -> dict[str, Any]:
        """Read the rows, commit the snapshot and record it in the catalogue."""
        from airflow_mlops.common.extensions import name_of
        from airflow_mlops.store import catalogue

        choice, options = self._source()
        partition = self.partition or context["dag_run"].partition_key
        source = {"task": task_key(context), "kind": name_of(choice), "conn_id": self.conn_id, "path": self.path}
        frames = self._frames(choice, options, partition)
        ref = self.snapshots.write(self.dataset, frames, partition=partition, source=source)
        note = "no partition, not recorded in the catalogue"
        if partition is not None:
            note = "new" if catalogue.record(self.database, ref) else "unchanged"
        self.log.info("%s %s: %s rows, snapshot %s (%s)", self.dataset, partition or "", ref.rows, ref.id, note)
        return ref.to_dict()

    def _frames(self, choice: Any, options: Mapping[str, Any], partition: str | None) -> Iterator[pd.DataFrame]:
        from airflow.sdk.exceptions import AirflowException

        from airflow_mlops.common.imports import resolve_callable
        from airflow_mlops.core.data.sources import read_rows

        transform = resolve_callable(CallableField.unwrap(self.transform)) if self.transform else None
        for frame in read_rows(choice, options, partition, reraise=(AirflowException,)):
            yield transform(frame, partition) if transform else frame

    def _source(self) -> tuple[Any, dict[str, Any]]:
        """Return the row source that the parameters choose, and its options."""
        from airflow_mlops.common.errors import BadInput
        from airflow_mlops.core.data.sources import SOURCE_PARAMETERS, choose_source

        try:
            return choose_source({name: CallableField.unwrap(getattr(self, name)) for name in SOURCE_PARAMETERS})
        except BadInput as error:
            raise BadInput(error.what, where=f"task {self.task_id}", hint=error.hint) from None
