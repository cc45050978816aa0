"""Staging of unfinished snapshots: complete parts survive a kill and are reused by the next attempt.

A part is named by its content, and is valid once its marker file exists; both appear by a rename. So a part is complete
or ignored, even with concurrent writers, and other content never overwrites a part of a committed snapshot.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_mlops.common.errors import Conflict
from airflow_mlops.core.data.snapshots.dtypes import logical_type, normalise_dtypes
from airflow_mlops.core.data.snapshots.snapshot import ContentId, SnapshotRoot, encode_part, validate_name

if TYPE_CHECKING:
    import pandas as pd

    from airflow_mlops.common.refs import SnapshotRef

RETENTION_DAYS = 7
STAGING_FOLDER = "staging"


@dataclass(frozen=True, slots=True)
class StagedPart:
    """A complete part.

    :param file: its manifest entry: path, rows, bytes and SHA-256.
    :param lanes: its contribution to the content id.
    :param schema: column -> logical type.
    """

    file: dict[str, Any]
    lanes: list[int]
    schema: dict[str, str]


class Staging:
    """The parts of one unfinished snapshot, numbered from 0.

    :param root: the snapshot root.
    :param dataset: the dataset that the snapshot will belong to.
    :param key: identifies everything the parts depend on: writers with the same key produce the same parts.
    """

    def __init__(self, root: SnapshotRoot, dataset: str, key: str) -> None:
        self.root, self.dataset, self.key = root, validate_name(dataset), validate_name(key, "staging folder")
        self._markers = f"{dataset}/{STAGING_FOLDER}/{key}"
        self._parts = f"parts/{key}"

    def load_part(self, number: int) -> StagedPart | None:
        """Return a complete part of an earlier attempt; None when it has to be written."""
        try:
            part = StagedPart(**json.loads(self.root.read_text(self._marker(number))))
        except (FileNotFoundError, ValueError, TypeError):
            return None
        return part if self.root.is_part_complete(self.dataset, part.file) else None

    def add(self, number: int, frame: pd.DataFrame, schema: dict[str, str] | None = None) -> StagedPart:
        """Write a part.

        :param schema: the schema of an earlier part.
        :raises BadInput: when the frame does not have that schema.
        """
        rows = normalise_dtypes(frame, schema, f"{self.dataset}, part {number}")
        content = ContentId()
        content.add(rows)
        data, entry = encode_part(rows)
        file = {"path": f"{self._parts}/part-{number:05d}-{entry['sha256'][:16]}.parquet", **entry}
        if not self.root.is_part_complete(self.dataset, file):
            self._write(file["path"], data)
        part = StagedPart(file, content.lanes, schema or {n: logical_type(rows[n].dtype) for n in rows.columns})
        self.root.write_text(self._marker(number), json.dumps(asdict(part)))
        return part

    def commit(
        self, parts: Sequence[StagedPart], *, partition: str | None = None, source: dict[str, Any] | None = None
    ) -> SnapshotRef:
        """Commit the parts as a snapshot. Markers stay until :meth:`clear`, so that a retry after a kill is cheap.

        :raises Conflict: when another process has removed a part meanwhile.
        """
        content = ContentId()
        for part in parts:
            if not self.root.is_part_complete(self.dataset, part.file):
                raise Conflict("a staged part was removed or changed", where=f"{self.dataset}/{part.file['path']}")
            content.rows += int(part.file["rows"])
            content.lanes = [(lane + added) % (1 << 64) for lane, added in zip(content.lanes, part.lanes, strict=True)]
        files = [part.file for part in parts]
        return self.root.commit(self.dataset, content, parts[0].schema, files, partition=partition, source=source)

    def clear(self, ref: SnapshotRef | None) -> None:
        """Remove the markers, and the parts unless the snapshot uses them.

        :param ref: the committed snapshot, if any.
        """
        self._remove(self._markers)
        if ref is None or not self.root.uses_folder(ref, self._parts):
            self._remove(f"{self.dataset}/{self._parts}")

    def _marker(self, number: int) -> str:
        return f"{self._markers}/{number:05d}.json"

    def _write(self, path: str, data: bytes) -> None:
        fs, base = self.root.fs, f"{self.root.path}/{self.dataset}"
        draft = f"{self.root.path}/{self._markers}/{uuid.uuid4().hex}.draft"
        for folder in (f"{base}/{self._parts}", f"{self.root.path}/{self._markers}"):
            fs.makedirs(folder, exist_ok=True)
        with fs.open(draft, "wb") as file:
            file.write(data)
        fs.mv(draft, f"{base}/{path}")

    def _remove(self, folder: str) -> None:
        if self.root.fs.exists(f"{self.root.path}/{folder}"):
            self.root.fs.rm(f"{self.root.path}/{folder}", recursive=True)


def delete_abandoned(root: SnapshotRoot, dataset: str, *, now: datetime | None = None) -> list[str]:
    """Remove unfinished snapshots without a write for a week.

    :param now: the current time; default: the clock.
    :return: the keys of the removed ones.
    """
    folder = f"{root.path}/{validate_name(dataset)}/{STAGING_FOLDER}"
    if not root.fs.exists(folder):
        return []
    since = (now or datetime.now(UTC)) - timedelta(days=RETENTION_DAYS)
    stale = [key for key in _keys(root, folder) if _last_write(root, f"{folder}/{key}") < since]
    if stale:
        committed = root.list_snapshots(dataset)
        for key in stale:
            staging = Staging(root, dataset, key)
            staging.clear(next((ref for ref in committed if root.uses_folder(ref, f"parts/{key}")), None))
    return stale


def _keys(root: SnapshotRoot, folder: str) -> list[str]:
    return [str(path).rstrip("/").rpartition("/")[2] for path in root.fs.ls(folder, detail=False)]


def _last_write(root: SnapshotRoot, folder: str) -> datetime:
    """Return the time of the last write into a folder; the earliest possible for an empty one."""
    timestamps = [root.fs.modified(file) for file in root.fs.find(folder)]
    aware = [t.replace(tzinfo=UTC) if t.tzinfo is None else t for t in timestamps]
    return max(aware, default=datetime.min.replace(tzinfo=UTC))
