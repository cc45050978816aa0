"""Snapshots: immutable, content-addressed sets of rows.

Data enters as Parquet files under a manifest. Writing the manifest is the commit (a rename on a local disk, one PUT on
an object store), so a reader sees a whole snapshot or none. The id is made from the rows, not from the files: the same
rows in any order, in any number of chunks, give the same id.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.errors import BadInput, NotFound
from airflow_mlops.core.refs import SnapshotRef

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

FORMAT = 1
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_LANES = ("airflow-mlops-a0", "airflow-mlops-b1")  # hash keys: 16 bytes each, part of the format
_MASK = (1 << 64) - 1


def checked_name(name: str, what: str = "dataset") -> str:
    """Give back a name that is safe as a folder, or say what a name may be.

    :raises BadInput: when it could climb out of the snapshot root or is empty.
    """
    if not NAME.fullmatch(name or ""):
        raise BadInput(
            f"{name!r} cannot be the name of a {what}",
            mend="use letters, digits, '.', '_' and '-', at most 100, beginning with a letter or a digit",
        )
    return name


@dataclass(slots=True)
class ContentId:
    """The id of a multiset of rows, built up chunk by chunk.

    Each row is hashed by pandas twice (its hash does not change between versions; the key changes that of text, not
    that of numbers). The sums of both hashes and of their products modulo 2^64 are kept, so the order of rows and
    chunks cannot matter while a row that occurs twice does. The schema and the number of rows go into the final
    SHA-256. It tells different data apart; it does not withstand somebody who makes data to collide.
    """

    rows: int = 0
    lanes: list[int] = field(default_factory=lambda: [0, 0, 0])

    def add(self, frame: pd.DataFrame) -> None:
        """Count the rows of one chunk in. Columns are taken in the order of their names."""
        import numpy as np
        import pandas as pd

        ordered = frame[sorted(frame.columns)]
        first, second = (
            pd.util.hash_pandas_object(ordered, index=False, hash_key=key, categorize=True).to_numpy(np.uint64)
            for key in _LANES
        )
        with np.errstate(over="ignore"):
            sums = (first.sum(dtype=np.uint64), second.sum(dtype=np.uint64), (first * second).sum(dtype=np.uint64))
        self.lanes = [(lane + int(more)) & _MASK for lane, more in zip(self.lanes, sums, strict=True)]
        self.rows += len(frame)

    def hexdigest(self, schema: dict[str, str]) -> str:
        """Give the id: 32 hexadecimal digits."""
        body = json.dumps([FORMAT, sorted(schema.items()), self.rows, self.lanes])
        return hashlib.sha256(body.encode()).hexdigest()[:32]


def logical_type(dtype: Any) -> str:
    """Name a column's type in words that do not change with the library: int, float, bool, datetime, str."""
    import pandas as pd

    if pd.api.types.is_bool_dtype(dtype):
        return "bool"
    if pd.api.types.is_integer_dtype(dtype):
        return "int"
    if pd.api.types.is_float_dtype(dtype):
        return "float"
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return "datetime"
    return "str"


def _settle(frame: pd.DataFrame, schema: dict[str, str] | None, where: str) -> pd.DataFrame:
    """Bring a chunk to one set of types, so that chunks read from a database agree with each other."""
    import pandas as pd

    frame = frame.set_axis([str(name) for name in frame.columns], axis=1)
    duplicated = frame.columns[frame.columns.duplicated()].tolist()
    if duplicated:
        raise BadInput(f"column names occur twice: {duplicated[:5]}", where=where, mend="rename them at the source")
    if schema is not None and set(schema) != set(frame.columns):
        raise BadInput(f"a later chunk has other columns: {sorted(set(schema) ^ set(frame.columns))[:5]}", where=where)
    settled: dict[str, Any] = {}
    for name in frame.columns:
        kind = (schema or {}).get(name) or _kind(frame[name])
        try:
            settled[name] = _AS[kind](frame[name])
        except (TypeError, ValueError, OverflowError) as error:
            raise BadInput(
                f"column {name!r} is {kind}, but has values here that are not: {str(error)[:200]}",
                where=where,
                mend="cast it to one type at the source",
            ) from None
    return pd.DataFrame(settled, index=frame.index)


def _kind(column: pd.Series[Any]) -> str:
    """Name a column's logical type; a column of Python objects is looked into: databases give ``[True, None]``."""
    import pandas as pd

    if column.dtype != object:
        return logical_type(column.dtype)
    inferred = pd.api.types.infer_dtype(column, skipna=True)
    kinds = {"boolean": "bool", "integer": "int", "floating": "float", "decimal": "float", "datetime": "datetime"}
    return kinds.get(inferred, "str")


def _as_int(column: pd.Series[Any]) -> pd.Series[Any]:
    """Give whole numbers; a fraction or a number beyond 64 bits is an error, never cut."""
    if column.isna().any():
        return column.astype("Int64")
    whole = column.astype("int64")
    if not (whole == column).all():
        raise ValueError("not whole numbers of 64 bits")
    return whole


def _as_float(column: pd.Series[Any]) -> pd.Series[Any]:
    return column.astype("float64")


def _as_bool(column: pd.Series[Any]) -> pd.Series[Any]:
    if not column.isna().all() and _kind(column) != "bool":
        raise ValueError(f"they are {_kind(column)}")
    return column.astype("boolean" if column.isna().any() else "bool")


def _as_datetime(column: pd.Series[Any]) -> pd.Series[Any]:
    """Give moments without a zone; those that have one become UTC."""
    import pandas as pd

    if not column.isna().all() and _kind(column) in ("int", "float", "bool"):
        raise ValueError(f"they are {_kind(column)}")
    moments = pd.to_datetime(column)
    if moments.dt.tz is not None:
        moments = moments.dt.tz_convert("UTC").dt.tz_localize(None)
    return moments.astype("datetime64[us]")


def _as_text(column: pd.Series[Any]) -> pd.Series[Any]:
    """Give a text column: missing stays missing; dates and other objects become their ISO or plain form."""
    import pandas as pd

    missing = column.isna()
    text = column.map(lambda v: v if isinstance(v, str) else str(v)).astype(object)
    text[missing] = None
    return text.astype(pd.StringDtype(na_value=float("nan")))


_AS = {"int": _as_int, "float": _as_float, "bool": _as_bool, "datetime": _as_datetime, "str": _as_text}


def _for_models(frame: pd.DataFrame) -> pd.DataFrame:
    """Give whole numbers and booleans that have missing values as floats with NaN: scikit-learn knows no ``pd.NA``."""
    import pandas as pd

    masked = [c for c in frame.columns if isinstance(frame[c].dtype, (pd.Int64Dtype, pd.BooleanDtype))]
    return frame.astype(dict.fromkeys(masked, "float64")) if masked else frame


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A committed snapshot, open for reading.

    :param ref: its reference.
    :param files: the URIs of its Parquet files, in order.
    :param schema: column name -> logical type.
    """

    ref: SnapshotRef
    files: tuple[str, ...]
    schema: dict[str, str]

    @property
    def name(self) -> str:
        """What to call it: dataset and partition, or its id where it has none."""
        return f"{self.ref.dataset} {self.ref.partition or self.ref.id}"

    def scan(self) -> pl.LazyFrame:
        """Give a lazy Polars frame over all files."""
        import polars as pl

        return pl.scan_parquet(list(self.files))

    def to_pandas(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Read all rows into pandas.

        :param columns: only these, in this order.
        :raises BadInput: when a column is not in the snapshot.
        """
        import pandas as pd

        frames = list(self.batches(columns))
        return frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pd.DataFrame]:
        """Read file by file: the memory needed is that of the largest file."""
        import pandas as pd

        if columns is not None and (missing := [c for c in columns if c not in self.schema]):
            raise BadInput(
                f"snapshot has no column {missing[:5]}",
                where=f"{self.ref.dataset} {self.ref.partition or ''} ({self.ref.id})",
                mend=f"it has {sorted(self.schema)[:30]}",
            )
        for uri in self.files:
            yield _for_models(pd.read_parquet(uri, columns=None if columns is None else list(columns)))


class SnapshotRoot:
    """The place where snapshots live: a folder or a bucket, through fsspec.

    :param uri: for example ``file:///data/snapshots`` or ``s3://bucket/snapshots``.
    :param options: fsspec's storage options, such as credentials.
    """

    def __init__(self, uri: str, options: dict[str, Any] | None = None) -> None:
        from fsspec.core import url_to_fs

        self.uri = uri.rstrip("/")
        self.fs, self.path = url_to_fs(self.uri, **(options or {}))

    def write(
        self,
        dataset: str,
        frames: pd.DataFrame | Iterable[pd.DataFrame],
        *,
        partition: str | None = None,
        source: dict[str, Any] | None = None,
    ) -> SnapshotRef:
        """Write rows as a snapshot and commit it.

        Parts are written under a name of their own first; nothing refers to them until the manifest is there. When
        the same content is committed already, the new parts are removed and the old snapshot is given.

        :param dataset: the dataset's name.
        :param frames: one frame, or frames to be streamed; each becomes a Parquet file.
        :param partition: the partition (the data's cut-off) that it is made for.
        :param source: a few facts on where the rows came from, kept in the manifest.
        :raises BadInput: when there is no column, a column name occurs twice, or chunks disagree.
        """
        import pandas as pd

        checked_name(dataset)
        folder = f"{self.path}/{dataset}/parts/{uuid.uuid4().hex}"
        self.fs.makedirs(folder, exist_ok=True)
        content, schema, files = ContentId(), None, []
        try:
            for number, frame in enumerate([frames] if isinstance(frames, pd.DataFrame) else frames):
                where = " ".join(filter(None, (dataset, partition, f"chunk {number}")))
                settled = _settle(frame, schema, where)
                if schema is None:
                    schema = {name: logical_type(settled[name].dtype) for name in settled.columns}
                content.add(settled)
                files.append(self._write_part(f"{folder}/part-{number:05d}.parquet", settled))
            if not schema:
                raise BadInput("no rows and no columns came in", where=f"{dataset} {partition or ''}".strip())
            ref = self._commit(dataset, content, schema, files, partition, source)
        except BaseException:
            # Killed just after the commit: the parts are no longer ours to remove.
            if not schema or not self._refers(SnapshotRef(dataset, content.hexdigest(schema), "", 0), folder):
                self._remove(folder)
            raise
        if not self._refers(ref, folder):
            self._remove(folder)  # these rows had been committed before
        return ref

    def open(self, ref: SnapshotRef | dict[str, Any]) -> Snapshot:
        """Open a committed snapshot.

        :raises NotFound: when there is no such manifest, or a file of it is gone or has another size.
        """
        ref = SnapshotRef.from_dict(ref)
        manifest = self._manifest(ref)
        for part in manifest["files"]:
            if not self._whole(part):
                raise NotFound(
                    "a file of a committed snapshot is gone or was changed",
                    where=part["path"],
                    mend="restore it from a backup, or ingest the same rows again",
                )
        files = tuple(self.fs.unstrip_protocol(part["path"]) for part in manifest["files"])
        if all(f.startswith("file://") for f in files):
            files = tuple(f.removeprefix("file://") for f in files)
        return Snapshot(ref, files, manifest["schema"])

    def write_text(self, name: str, text: str, *, once: bool = False) -> str:
        """Write a small file below the root, whole or not at all.

        :param name: its path below the root.
        :param once: leave what somebody else has written there meanwhile. An object store cannot tell: there the last
            writer's stays.
        :returns: its URI.
        """
        path = f"{self.path}/{name}"
        self.fs.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
        draft = f"{path}.{uuid.uuid4().hex}.draft"
        with self.fs.open(draft, "w", encoding="utf-8") as file:
            file.write(text)
        if not once or not self._linked(draft, path):
            self.fs.mv(draft, path)
        return str(self.fs.unstrip_protocol(path))

    def read_text(self, name: str) -> str:
        """Read a small file below the root.

        :raises FileNotFoundError: when it is not there.
        """
        with self.fs.open(f"{self.path}/{name}", "r", encoding="utf-8") as file:
            return str(file.read())

    def _linked(self, draft: str, path: str) -> bool:
        """Give a draft its name unless that is taken, and remove it; gives whether the file system knows links.

        A rename would take the name from a manifest that another writer of the same rows has committed meanwhile.
        """
        link = getattr(self.fs, "link", None)
        if link is None:
            return False
        try:
            link(draft, path)
        except FileExistsError:
            pass
        except OSError:  # a mounted share without hard links
            return False
        self.fs.rm_file(draft)
        return True

    def _write_part(self, path: str, frame: pd.DataFrame) -> dict[str, Any]:
        import io

        buffer = io.BytesIO()
        frame.to_parquet(buffer, index=False)
        data = buffer.getvalue()
        with self.fs.open(path, "wb") as file:
            file.write(data)
        return {"path": path, "rows": len(frame), "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}

    def _commit(
        self,
        dataset: str,
        content: ContentId,
        schema: dict[str, str],
        files: list[dict[str, Any]],
        partition: str | None,
        source: dict[str, Any] | None,
    ) -> SnapshotRef:
        snapshot_id = content.hexdigest(schema)
        path = f"{self.path}/{dataset}/{snapshot_id}.json"
        ref = SnapshotRef(dataset, snapshot_id, self.fs.unstrip_protocol(path), content.rows, partition)
        there = self.fs.exists(path)
        if there and all(map(self._whole, self._manifest(ref)["files"])):
            return ref
        manifest = {
            "format": FORMAT,
            "dataset": dataset,
            "id": snapshot_id,
            "rows": content.rows,
            "schema": schema,
            "files": files,
            "source": source or {},
            "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        self.write_text(f"{dataset}/{snapshot_id}.json", json.dumps(manifest, indent=1), once=not there)
        return ref

    def _manifest(self, ref: SnapshotRef) -> dict[str, Any]:
        path = f"{self.path}/{checked_name(ref.dataset)}/{checked_name(ref.id, 'snapshot')}.json"
        try:
            with self.fs.open(path, "r") as file:
                manifest: dict[str, Any] = json.load(file)
        except FileNotFoundError:
            raise NotFound(
                f"there is no snapshot {ref.id} of {ref.dataset!r}",
                where=path,
                mend="check that this worker uses the same snapshot root as the one that wrote it",
            ) from None
        return manifest

    def _whole(self, part: dict[str, Any]) -> bool:
        return bool(self.fs.exists(part["path"]) and self.fs.size(part["path"]) == part["bytes"])

    def _refers(self, ref: SnapshotRef, folder: str) -> bool:
        """Whether the snapshot is committed with the parts of this folder."""
        try:
            return any(part["path"].startswith(f"{folder}/") for part in self._manifest(ref)["files"])
        except NotFound:
            return False

    def _remove(self, folder: str) -> None:
        if self.fs.exists(folder):
            self.fs.rm(folder, recursive=True)
