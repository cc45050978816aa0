"""Reading a snapshot in batches of so many rows, however its files are cut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.data.settling import for_models
from airflow_mlops.core.data.snapshot import Snapshot, SnapshotRoot
from airflow_mlops.core.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

BUFFER = 1 << 20
DECODED_ROWS = 65_536


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows of a file that lie together.

    :param file: the file's number.
    :param group: the number of the row group in it.
    :param first: the number of the first row in that.
    :param rows: how many.
    """

    file: int
    group: int
    first: int
    rows: int


def plan(groups: Sequence[Sequence[int]], most: int) -> list[list[Piece]]:
    """Cut files into batches: all of the same size but the last one, which may be smaller.

    :param groups: for each file the rows of its row groups.
    :param most: rows of a batch.
    :returns: the pieces of each batch, in the order of the files.
    :raises BadInput: when a batch could hold no row.
    """
    if most < 1:
        raise BadInput(f"a batch of {most} rows", mend="give batch_rows a number from 1 on")
    batches: list[list[Piece]] = []
    room = 0
    for file, of_file in enumerate(groups):
        for group, rows in enumerate(of_file):
            first = 0
            while first < rows:
                if not room:
                    batches.append([])
                    room = most
                taken = min(room, rows - first)
                batches[-1].append(Piece(file, group, first, taken))
                first, room = first + taken, room - taken
    return batches


class Batches:
    """A snapshot's rows in batches, each by its number; asked for in order, each row is decoded once.

    Memory is that of a batch, also where a file has row groups that are larger.

    :param root: where the snapshot lives.
    :param rows: the snapshot.
    :param columns: what is read, in this order.
    :param most: rows of a batch.
    :raises BadInput: when the snapshot has no such column.
    """

    def __init__(self, root: SnapshotRoot, rows: Snapshot, columns: Sequence[str], most: int) -> None:
        if missing := [c for c in columns if c not in rows.schema]:
            raise BadInput(
                f"snapshot has no column {missing[:5]}",
                where=f"{rows.name} ({rows.ref.id})",
                mend=f"it has {sorted(rows.schema)[:30]}",
            )
        self.root, self.files, self.columns = root, rows.files, list(columns)
        self._open = ExitStack()
        self._file: tuple[int, Any] | None = None
        self._at: tuple[int, int] | None = None
        self._stream: _Stream | None = None
        self.pieces = plan([self._groups(number) for number in range(len(rows.files))], most)

    def __enter__(self) -> Batches:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def __len__(self) -> int:
        return len(self.pieces)

    def read(self, number: int) -> pd.DataFrame:
        """Read a batch, as :meth:`Snapshot.batches` would have its rows."""
        import pyarrow as pa

        tables = [table for piece in self.pieces[number] for table in self._piece(piece)]
        whole = tables[0] if len(tables) == 1 else pa.concat_tables(tables, promote_options="default")
        return for_models(whole.select(self.columns).to_pandas())

    def _groups(self, number: int) -> list[int]:
        about = self._parquet(number).metadata
        return [about.row_group(group).num_rows for group in range(about.num_row_groups)]

    def _parquet(self, number: int) -> Any:
        """Open a file; the one before is closed."""
        from pyarrow.parquet import ParquetFile

        if self._file is None or self._file[0] != number:
            self._open.close()
            self._file, self._stream, self._at = None, None, None
            file = self._open.enter_context(self.root.fs.open(self.files[number], "rb"))
            self._file = (number, self._open.enter_context(ParquetFile(file, buffer_size=BUFFER)))
        return self._file[1]

    def _piece(self, piece: Piece) -> Iterator[pa.Table]:
        file = self._parquet(piece.file)
        stream = self._stream
        if stream is None or self._at != (piece.file, piece.group) or stream.place > piece.first:
            wanted = {"row_groups": [piece.group], "columns": self.columns, "batch_size": DECODED_ROWS}
            stream = self._stream = _Stream(file.iter_batches(**wanted))
            self._at = (piece.file, piece.group)
        stream.skip(piece.first - stream.place)
        yield stream.take(piece.rows)


class _Stream:
    """Rows of a row group, taken from its beginning on.

    :param batches: they, as they are decoded.
    """

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        self.batches, self.place = batches, 0
        self._rest: pa.RecordBatch | None = None

    def take(self, rows: int) -> pa.Table:
        """Take the next rows."""
        import pyarrow as pa

        return pa.Table.from_batches(list(self._next(rows)))

    def skip(self, rows: int) -> None:
        """Leave the next rows out."""
        for _ in self._next(rows):
            pass

    def _next(self, rows: int) -> Iterator[pa.RecordBatch]:
        self.place += rows
        while rows:
            batch = self._rest if self._rest is not None else next(self.batches)
            taken = batch.slice(0, rows)
            self._rest = batch.slice(len(taken)) if len(taken) < len(batch) else None
            rows -= len(taken)
            yield taken
