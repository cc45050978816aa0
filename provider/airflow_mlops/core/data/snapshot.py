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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.data.object_store import for_polars
from airflow_mlops.core.data.settling import for_models, logical_type, settle
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


def encoded(frame: pd.DataFrame) -> tuple[bytes, dict[str, Any]]:
    """Give a part's bytes, as Parquet, and what the manifest says of them."""
    import io

    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    data = buffer.getvalue()
    return data, {"rows": len(frame), "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A committed snapshot, open for reading.

    :param ref: its reference.
    :param files: the URIs of its Parquet files, in order.
    :param schema: column name -> logical type.
    :param options: fsspec's options for where the files are, such as a login.
    """

    ref: SnapshotRef
    files: tuple[str, ...]
    schema: dict[str, str]
    options: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def name(self) -> str:
        """What to call it: dataset and partition, or its id where it has none."""
        return f"{self.ref.dataset} {self.ref.partition or self.ref.id}"

    def scan(self) -> pl.LazyFrame:
        """Give a lazy Polars frame over all files."""
        import polars as pl

        return pl.scan_parquet(list(self.files), storage_options=for_polars(self.options))

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
        wanted = None if columns is None else list(columns)
        for uri in self.files:
            login = dict(self.options) if "://" in uri else None
            yield for_models(pd.read_parquet(uri, columns=wanted, storage_options=login))


class SnapshotRoot:
    """The place where snapshots live: a folder or a bucket, through fsspec.

    :param uri: for example ``file:///data/snapshots`` or ``s3://bucket/snapshots``.
    :param options: fsspec's storage options, such as credentials.
    """

    def __init__(self, uri: str, options: dict[str, Any] | None = None) -> None:
        from fsspec.core import url_to_fs

        self.uri = uri.rstrip("/")
        self.options = dict(options or {})
        self.fs, self.path = url_to_fs(self.uri, **self.options)

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
        folder = f"parts/{uuid.uuid4().hex}"
        self.fs.makedirs(f"{self.path}/{dataset}/{folder}", exist_ok=True)
        content, schema, files = ContentId(), None, []
        try:
            for number, frame in enumerate([frames] if isinstance(frames, pd.DataFrame) else frames):
                where = " ".join(filter(None, (dataset, partition, f"chunk {number}")))
                settled = settle(frame, schema, where)
                if schema is None:
                    schema = {name: logical_type(settled[name].dtype) for name in settled.columns}
                content.add(settled)
                files.append(self._write_part(dataset, f"{folder}/part-{number:05d}.parquet", settled))
            if not schema:
                raise BadInput("no rows and no columns came in", where=f"{dataset} {partition or ''}".strip())
            ref = self.commit(dataset, content, schema, files, partition=partition, source=source)
        except BaseException:
            # Killed just after the commit: the parts are no longer ours to remove.
            if not schema or not self.refers(SnapshotRef(dataset, content.hexdigest(schema), "", 0), folder):
                self._remove(f"{dataset}/{folder}")
            raise
        if not self.refers(ref, folder):
            self._remove(f"{dataset}/{folder}")  # these rows had been committed before
        return ref

    def open(self, ref: SnapshotRef | dict[str, Any]) -> Snapshot:
        """Open a committed snapshot.

        :raises NotFound: when there is no such manifest, or a file of it is gone or has another size.
        """
        ref = SnapshotRef.from_dict(ref)
        manifest = self._manifest(ref)
        for part in manifest["files"]:
            if not self.is_whole(ref.dataset, part):
                raise NotFound(
                    "a file of a committed snapshot is gone or was changed",
                    where=self._place(ref.dataset, part),
                    mend="restore it from a backup, or ingest the same rows again",
                )
        files = tuple(self.fs.unstrip_protocol(self._place(ref.dataset, part)) for part in manifest["files"])
        if all(f.startswith("file://") for f in files):
            files = tuple(f.removeprefix("file://") for f in files)
        return Snapshot(ref, files, manifest["schema"], self.options)

    def committed(self, dataset: str) -> list[SnapshotRef]:
        """Give all snapshots of a dataset, by their manifests."""
        found = []
        self.fs.invalidate_cache()  # an object store's listings are remembered for as long as the process lives
        for path in sorted(self.fs.glob(f"{self.path}/{checked_name(dataset)}/*.json")):
            name = str(path).rpartition("/")[2].removesuffix(".json")
            rows = self._manifest(SnapshotRef(dataset, name, "", 0))["rows"]
            found.append(SnapshotRef(dataset, name, self.fs.unstrip_protocol(path), rows))
        return found

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

    def _write_part(self, dataset: str, path: str, frame: pd.DataFrame) -> dict[str, Any]:
        data, told = encoded(frame)
        with self.fs.open(f"{self.path}/{dataset}/{path}", "wb") as file:
            file.write(data)
        return {"path": path, **told}

    def commit(
        self,
        dataset: str,
        content: ContentId,
        schema: dict[str, str],
        files: list[dict[str, Any]],
        *,
        partition: str | None = None,
        source: dict[str, Any] | None = None,
    ) -> SnapshotRef:
        """Write the manifest of parts that are there. When the same content is committed already, that one stays.

        :param content: of the rows of all parts.
        :param schema: column -> logical type.
        :param files: each part's ``path`` below the dataset's folder, ``rows``, ``bytes`` and ``sha256``.
        :param partition: the partition that it is made for.
        :param source: a few facts on where the rows came from.
        """
        snapshot_id = content.hexdigest(schema)
        path = f"{self.path}/{dataset}/{snapshot_id}.json"
        ref = SnapshotRef(dataset, snapshot_id, self.fs.unstrip_protocol(path), content.rows, partition)
        there = self.fs.exists(path)
        if there and all(self.is_whole(dataset, part) for part in self._manifest(ref)["files"]):
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

    def is_whole(self, dataset: str, part: dict[str, Any]) -> bool:
        """Tell whether a part is there, with all its bytes."""
        path = self._place(dataset, part)
        return bool(self.fs.exists(path) and self.fs.size(path) == part["bytes"])

    def _place(self, dataset: str, part: dict[str, Any]) -> str:
        """Give where a part is: below its dataset, wherever the root has been moved to."""
        path = str(part["path"])
        return f"{self.path}/{dataset}/{path}" if path.startswith("parts/") else path  # earlier manifests: a whole path

    def refers(self, ref: SnapshotRef, folder: str) -> bool:
        """Tell whether a snapshot is committed with the parts of a folder.

        :param folder: below the dataset's own.
        """
        whole = f"{self.path}/{ref.dataset}/{folder}/"
        try:
            return any(self._place(ref.dataset, part).startswith(whole) for part in self._manifest(ref)["files"])
        except NotFound:
            return False

    def _remove(self, folder: str) -> None:
        if self.fs.exists(f"{self.path}/{folder}"):
            self.fs.rm(f"{self.path}/{folder}", recursive=True)
