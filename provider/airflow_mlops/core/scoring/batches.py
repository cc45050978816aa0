"""Readers of snapshots in batches of a fixed number of rows, independent of file boundaries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.data.snapshots.dtypes import masked_to_float
from airflow_mlops.core.data.snapshots.snapshot import Snapshot, SnapshotRoot

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_BUFFER_BYTES = 1 << 20
_DECODED_ROWS = 65_536


@dataclass(frozen=True, slots=True)
class RowRange:
    """A range of consecutive rows in a file.

    :param file: the index of the file.
    :param group: the index of the row group in the file.
    :param first: the index of the first row in the row group.
    :param rows: the number of rows.
    """

    file: int
    group: int
    first: int
    rows: int


def plan_batches(groups: Sequence[Sequence[int]], batch_rows: int) -> list[list[RowRange]]:
    """Divide files into batches of the same size; the last one may be smaller.

    :param groups: the rows of each row group, by file.
    :param batch_rows: rows of a batch.
    :return: the pieces of each batch, in the order of the files.
    :raises BadInput: when the batch size is not positive.
    """
    if batch_rows < 1:
        raise BadInput(f"batch_rows must be positive; got {batch_rows}", hint="set batch_rows to 1 or more")
    batches: list[list[RowRange]] = []
    room = 0
    for file, row_groups in enumerate(groups):
        for group, rows in enumerate(row_groups):
            first = 0
            while first < rows:
                if not room:
                    batches.append([])
                    room = batch_rows
                taken = min(room, rows - first)
                batches[-1].append(RowRange(file, group, first, taken))
                first, room = first + taken, room - taken
    return batches


class BatchReader:
    """Numbered batches of a snapshot's rows; each row is decoded once if batches are read in order.

    Memory is bounded by the batch, even for files with larger row groups.

    :param root: the snapshot root.
    :param rows: the snapshot.
    :param columns: the columns to read, in this order.
    :param batch_rows: rows of a batch.
    :raises BadInput: when the snapshot lacks a column.
    """

    def __init__(self, root: SnapshotRoot, rows: Snapshot, columns: Sequence[str], batch_rows: int) -> None:
        if missing := [c for c in columns if c not in rows.schema]:
            raise BadInput(
                f"the snapshot does not have the columns {missing[:5]}",
                where=f"{rows.name} ({rows.ref.id})",
                hint=f"columns: {sorted(rows.schema)[:30]}",
            )
        self.root, self.files, self.columns = root, rows.files, list(columns)
        self._open = ExitStack()
        self._file: tuple[int, Any] | None = None
        self._at: tuple[int, int] | None = None
        self._stream: _BatchStream | None = None
        self.pieces = plan_batches([self._row_groups(number) for number in range(len(rows.files))], batch_rows)

    def __enter__(self) -> BatchReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def __len__(self) -> int:
        return len(self.pieces)

    def read(self, number: int) -> pd.DataFrame:
        """Read a batch, with the dtypes of :meth:`Snapshot.batches`."""
        import pyarrow as pa

        tables = [part for piece in self.pieces[number] for part in self._read_piece(piece)]
        table = tables[0] if len(tables) == 1 else pa.concat_tables(tables, promote_options="default")
        return masked_to_float(table.select(self.columns).to_pandas())

    def _row_groups(self, number: int) -> list[int]:
        metadata = self._open_parquet(number).metadata
        return [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]

    def _open_parquet(self, number: int) -> Any:
        """Open a file, closing the previous one."""
        from pyarrow.parquet import ParquetFile

        if self._file is None or self._file[0] != number:
            self._open.close()
            self._file, self._stream, self._at = None, None, None
            file = self._open.enter_context(self.root.fs.open(self.files[number], "rb"))
            self._file = (number, self._open.enter_context(ParquetFile(file, buffer_size=_BUFFER_BYTES)))
        return self._file[1]

    def _read_piece(self, piece: RowRange) -> Iterator[pa.Table]:
        file = self._open_parquet(piece.file)
        stream = self._stream
        if stream is None or self._at != (piece.file, piece.group) or stream.position > piece.first:
            options = {"row_groups": [piece.group], "columns": self.columns, "batch_size": _DECODED_ROWS}
            stream = self._stream = _BatchStream(file.iter_batches(**options))
            self._at = (piece.file, piece.group)
        stream.skip(piece.first - stream.position)
        yield stream.take(piece.rows)


class _BatchStream:
    """A forward-only reader of a row group.

    :param batches: the decoded batches.
    """

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        self.batches, self.position = batches, 0
        self._rest: pa.RecordBatch | None = None

    def take(self, rows: int) -> pa.Table:
        """Take the next rows."""
        import pyarrow as pa

        return pa.Table.from_batches(list(self._next(rows)))

    def skip(self, rows: int) -> None:
        """Skip the next rows."""
        for _ in self._next(rows):
            pass

    def _next(self, rows: int) -> Iterator[pa.RecordBatch]:
        self.position += rows
        while rows:
            batch = self._rest if self._rest is not None else next(self.batches)
            taken = batch.slice(0, rows)
            self._rest = batch.slice(len(taken)) if len(taken) < len(batch) else None
            rows -= len(taken)
            yield taken
