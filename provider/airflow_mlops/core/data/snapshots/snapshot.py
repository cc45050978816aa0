"""Snapshots: immutable, content-addressed sets of rows.

A snapshot is a set of Parquet files under a manifest. Writing the manifest is the commit: a hard link or rename on a
local disk, a move of a finished file on an object store. So readers see a complete snapshot or none. The id is computed
from the rows, not the files: the same rows in any order and any number of chunks have the same id.
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

from airflow_mlops.common.errors import BadInput, NotFound
from airflow_mlops.common.refs import SnapshotRef
from airflow_mlops.core.data.snapshots.dtypes import logical_type, masked_to_float, normalise_dtypes
from airflow_mlops.core.data.snapshots.storage_options import to_polars_options

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

FORMAT = 1
NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_LANES = ("airflow-mlops-a0", "airflow-mlops-b1")  # hash keys of 16 bytes each, part of the format
_MASK = (1 << 64) - 1


def validate_name(name: str, kind: str = "dataset") -> str:
    """Return the name if it is safe as a folder name.

    :param kind: what the name is for, for the error.
    :raises BadInput: when it is empty, or could escape the snapshot root.
    """
    if not NAME_PATTERN.fullmatch(name or ""):
        raise BadInput(
            f"{name!r} cannot be the name of a {kind}",
            hint="use letters, digits, '.', '_' and '-', at most 100, beginning with a letter or a digit",
        )
    return name


@dataclass(slots=True)
class ContentId:
    """The id of a multiset of rows, computed chunk by chunk.

    pandas hashes each row twice (the hash is the same in all supported pandas versions; the key changes the hash of
    text, not of numbers). The id is made from the sums of both hashes and of their products modulo 2^64: the order of
    rows and chunks does not matter, the number of times a row occurs does. The final SHA-256 includes the schema and
    the number of rows. The id is not collision-resistant against deliberately crafted data.
    """

    rows: int = 0
    lanes: list[int] = field(default_factory=lambda: [0, 0, 0])

    def add(self, frame: pd.DataFrame) -> None:
        """Add the rows of one chunk. Columns are hashed in the order of their names."""
        import numpy as np
        import pandas as pd

        ordered = frame[sorted(frame.columns)]
        first, second = (
            pd.util.hash_pandas_object(ordered, index=False, hash_key=key, categorize=True).to_numpy(np.uint64)
            for key in _LANES
        )
        with np.errstate(over="ignore"):
            sums = (first.sum(dtype=np.uint64), second.sum(dtype=np.uint64), (first * second).sum(dtype=np.uint64))
        self.lanes = [(lane + int(added)) & _MASK for lane, added in zip(self.lanes, sums, strict=True)]
        self.rows += len(frame)

    def hexdigest(self, schema: dict[str, str]) -> str:
        """Return the id: 32 hexadecimal digits."""
        body = json.dumps([FORMAT, sorted(schema.items()), self.rows, self.lanes])
        return hashlib.sha256(body.encode()).hexdigest()[:32]


def encode_part(frame: pd.DataFrame) -> tuple[bytes, dict[str, Any]]:
    """Return a part's Parquet bytes and its manifest entry, without the path."""
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
    :param options: fsspec's storage options for the files, such as credentials.
    """

    ref: SnapshotRef
    files: tuple[str, ...]
    schema: dict[str, str]
    options: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def name(self) -> str:
        """The display name: dataset and partition, or the id without a partition."""
        return f"{self.ref.dataset} {self.ref.partition or self.ref.id}"

    def scan(self) -> pl.LazyFrame:
        """Return a lazy Polars frame over all files."""
        import polars as pl

        return pl.scan_parquet(list(self.files), storage_options=to_polars_options(self.options))

    def to_pandas(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Read all rows into pandas.

        :param columns: only these, in this order.
        :raises BadInput: when a column is not in the snapshot.
        """
        import pandas as pd

        frames = list(self.batches(columns))
        return frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pd.DataFrame]:
        """Read file by file; the memory needed is that of the largest file.

        Nullable integers and booleans become floats with NaN.
        """
        import pandas as pd

        if columns is not None and (missing := [c for c in columns if c not in self.schema]):
            raise BadInput(
                f"snapshot has no column {missing[:5]}",
                where=f"{self.ref.dataset} {self.ref.partition or ''} ({self.ref.id})",
                hint=f"it has {sorted(self.schema)[:30]}",
            )
        selected = None if columns is None else list(columns)
        for uri in self.files:
            storage_options = dict(self.options) if "://" in uri else None
            yield masked_to_float(pd.read_parquet(uri, columns=selected, storage_options=storage_options))


class SnapshotRoot:
    """The root location of snapshots: a folder or a bucket, through fsspec.

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

        Parts go to a new folder that nothing references before the manifest exists. If the same content is committed
        already, the new parts are removed and the existing snapshot is returned.

        :param dataset: the dataset's name.
        :param frames: one frame, or frames to be streamed; each becomes a Parquet file.
        :param partition: the partition (the partition key) that it belongs to.
        :param source: the provenance of the rows, stored in the manifest.
        :raises BadInput: when there is no column, a column name occurs twice, or chunks differ in columns or types.
        """
        import pandas as pd

        validate_name(dataset)
        folder = f"parts/{uuid.uuid4().hex}"
        self.fs.makedirs(f"{self.path}/{dataset}/{folder}", exist_ok=True)
        content, schema, files = ContentId(), None, []
        try:
            for number, frame in enumerate([frames] if isinstance(frames, pd.DataFrame) else frames):
                where = " ".join(filter(None, (dataset, partition, f"chunk {number}")))
                rows = normalise_dtypes(frame, schema, where)
                if schema is None:
                    schema = {name: logical_type(rows[name].dtype) for name in rows.columns}
                content.add(rows)
                files.append(self._write_part(dataset, f"{folder}/part-{number:05d}.parquet", rows))
            if not schema:
                raise BadInput("no rows and no columns to write", where=f"{dataset} {partition or ''}".strip())
            ref = self.commit(dataset, content, schema, files, partition=partition, source=source)
        except BaseException:
            # After a kill just after the commit, the parts belong to the snapshot.
            if not schema or not self.uses_folder(SnapshotRef(dataset, content.hexdigest(schema), "", 0), folder):
                self._remove(f"{dataset}/{folder}")
            raise
        if not self.uses_folder(ref, folder):
            self._remove(f"{dataset}/{folder}")  # the same rows were committed before
        return ref

    def open(self, ref: SnapshotRef | dict[str, Any]) -> Snapshot:
        """Open a committed snapshot.

        :raises NotFound: when the manifest does not exist, or one of its files is missing or has another size.
        """
        ref = SnapshotRef.from_dict(ref)
        manifest = self._manifest(ref)
        for part in manifest["files"]:
            if not self.is_part_complete(ref.dataset, part):
                raise NotFound(
                    "a file of a committed snapshot is gone or was changed",
                    where=self._part_path(ref.dataset, part),
                    hint="restore it from a backup, or ingest the same rows again",
                )
        files = tuple(self.fs.unstrip_protocol(self._part_path(ref.dataset, part)) for part in manifest["files"])
        if all(f.startswith("file://") for f in files):
            files = tuple(f.removeprefix("file://") for f in files)
        return Snapshot(ref, files, manifest["schema"], self.options)

    def list_snapshots(self, dataset: str) -> list[SnapshotRef]:
        """List all committed snapshots of a dataset, by their manifests."""
        refs = []
        self.fs.invalidate_cache()  # fsspec caches an object store's listings for the life of the process
        for path in sorted(self.fs.glob(f"{self.path}/{validate_name(dataset)}/*.json")):
            name = str(path).rpartition("/")[2].removesuffix(".json")
            rows = self._manifest(SnapshotRef(dataset, name, "", 0))["rows"]
            refs.append(SnapshotRef(dataset, name, self.fs.unstrip_protocol(path), rows))
        return refs

    def write_text(self, name: str, text: str, *, keep_existing: bool = False) -> str:
        """Write a small file below the root, atomically.

        :param name: its path below the root.
        :param keep_existing: do not replace a file that another writer has written meanwhile. fsspec offers
            no portable way to check this on an object store: there the last writer wins.
        :return: its URI.
        """
        path = f"{self.path}/{name}"
        self.fs.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
        draft = f"{path}.{uuid.uuid4().hex}.draft"
        with self.fs.open(draft, "w", encoding="utf-8") as file:
            file.write(text)
        if not keep_existing or not self._link(draft, path):
            self.fs.mv(draft, path)
        return str(self.fs.unstrip_protocol(path))

    def read_text(self, name: str) -> str:
        """Read a small file below the root.

        :raises FileNotFoundError: when it does not exist.
        """
        with self.fs.open(f"{self.path}/{name}", "r", encoding="utf-8") as file:
            return str(file.read())

    def _link(self, draft: str, path: str) -> bool:
        """Link a draft to its final path unless that exists, and remove the draft.

        A rename would replace a manifest that another writer of the same rows has committed meanwhile.

        :return: False when the file system does not support links.
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
        data, entry = encode_part(frame)
        with self.fs.open(f"{self.path}/{dataset}/{path}", "wb") as file:
            file.write(data)
        return {"path": path, **entry}

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
        """Write the manifest of existing parts. If the same content is committed already, return that snapshot.

        :param content: the content id of the rows of all parts.
        :param schema: column -> logical type.
        :param files: each part's ``path`` below the dataset's folder, ``rows``, ``bytes`` and ``sha256``.
        :param partition: the partition that it belongs to.
        :param source: the provenance of the rows.
        """
        snapshot_id = content.hexdigest(schema)
        path = f"{self.path}/{dataset}/{snapshot_id}.json"
        ref = SnapshotRef(dataset, snapshot_id, self.fs.unstrip_protocol(path), content.rows, partition)
        exists = self.fs.exists(path)
        if exists and all(self.is_part_complete(dataset, part) for part in self._manifest(ref)["files"]):
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
        self.write_text(f"{dataset}/{snapshot_id}.json", json.dumps(manifest, indent=1), keep_existing=not exists)
        return ref

    def _manifest(self, ref: SnapshotRef) -> dict[str, Any]:
        path = f"{self.path}/{validate_name(ref.dataset)}/{validate_name(ref.id, 'snapshot')}.json"
        try:
            with self.fs.open(path, "r") as file:
                manifest: dict[str, Any] = json.load(file)
        except FileNotFoundError:
            raise NotFound(
                f"there is no snapshot {ref.id} of {ref.dataset!r}",
                where=path,
                hint="check that this worker uses the same snapshot root as the one that wrote it",
            ) from None
        return manifest

    def is_part_complete(self, dataset: str, part: dict[str, Any]) -> bool:
        """Check whether a part exists, with all its bytes."""
        path = self._part_path(dataset, part)
        return bool(self.fs.exists(path) and self.fs.size(path) == part["bytes"])

    def _part_path(self, dataset: str, part: dict[str, Any]) -> str:
        """Return a part's path: relative to its dataset, so that the root may be moved."""
        path = str(part["path"])
        return f"{self.path}/{dataset}/{path}" if path.startswith("parts/") else path  # older manifests: absolute path

    def uses_folder(self, ref: SnapshotRef, folder: str) -> bool:
        """Check whether a committed snapshot uses parts of a folder.

        :param folder: its path below the dataset's folder.
        """
        prefix = f"{self.path}/{ref.dataset}/{folder}/"
        try:
            return any(self._part_path(ref.dataset, part).startswith(prefix) for part in self._manifest(ref)["files"])
        except NotFound:
            return False

    def _remove(self, folder: str) -> None:
        if self.fs.exists(f"{self.path}/{folder}"):
            self.fs.rm(f"{self.path}/{folder}", recursive=True)
