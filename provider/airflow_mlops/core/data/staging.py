"""A snapshot in the making that outlives a kill: the parts that are whole are kept for the next attempt.

A part is written under a name made of its content, and counts once a small mark beside it says so; both appear by a
rename. So a part is whole or does not count, whatever writes at the same time, and a part of a committed snapshot is
never written over by other content.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.data.settling import logical_type, settle
from airflow_mlops.core.data.snapshot import ContentId, SnapshotRoot, checked_name, encoded
from airflow_mlops.core.errors import Conflict

if TYPE_CHECKING:
    import pandas as pd

    from airflow_mlops.core.refs import SnapshotRef

KEPT_DAYS = 7
FOLDER = "staging"


@dataclass(frozen=True, slots=True)
class Part:
    """A part that is whole.

    :param file: path, rows, bytes and SHA-256, as the manifest has them.
    :param lanes: its share of the content's id.
    :param schema: column -> logical type.
    """

    file: dict[str, Any]
    lanes: list[int]
    schema: dict[str, str]


class Staging:
    """The parts of one snapshot, numbered from 0 on.

    :param root: where snapshots live.
    :param dataset: the dataset that it will belong to.
    :param key: stands for all that the parts depend on: whoever has the same key makes the same parts.
    """

    def __init__(self, root: SnapshotRoot, dataset: str, key: str) -> None:
        self.root, self.dataset, self.key = root, checked_name(dataset), checked_name(key, "staging folder")
        self._marks = f"{dataset}/{FOLDER}/{key}"
        self._parts = f"parts/{key}"

    def part(self, number: int) -> Part | None:
        """Give a part that an earlier attempt has left whole; None when it has to be made."""
        try:
            found = Part(**json.loads(self.root.read_text(self._mark(number))))
        except (FileNotFoundError, ValueError, TypeError):
            return None
        return found if self.root.is_whole(self.dataset, found.file) else None

    def add(self, number: int, frame: pd.DataFrame, schema: dict[str, str] | None = None) -> Part:
        """Write a part.

        :param schema: of an earlier part.
        :raises BadInput: when it is not of that schema.
        """
        settled = settle(frame, schema, f"{self.dataset}, part {number}")
        content = ContentId()
        content.add(settled)
        data, told = encoded(settled)
        file = {"path": f"{self._parts}/part-{number:05d}-{told['sha256'][:16]}.parquet", **told}
        if not self.root.is_whole(self.dataset, file):
            self._write(file["path"], data)
        made = Part(file, content.lanes, schema or {n: logical_type(settled[n].dtype) for n in settled.columns})
        self.root.write_text(self._mark(number), json.dumps(asdict(made)))
        return made

    def commit(
        self, parts: Sequence[Part], *, partition: str | None = None, source: dict[str, Any] | None = None
    ) -> SnapshotRef:
        """Make a snapshot of the parts. The marks stay until :meth:`clear`, so that a kill after it costs nothing.

        :raises Conflict: when another process has removed a part meanwhile.
        """
        content = ContentId()
        for part in parts:
            if not self.root.is_whole(self.dataset, part.file):
                raise Conflict("a part that was whole is gone", where=f"{self.dataset}/{part.file['path']}")
            content.rows += int(part.file["rows"])
            content.lanes = [(one + more) % (1 << 64) for one, more in zip(content.lanes, part.lanes, strict=True)]
        files = [part.file for part in parts]
        return self.root.commit(self.dataset, content, parts[0].schema, files, partition=partition, source=source)

    def clear(self, ref: SnapshotRef | None) -> None:
        """Remove what only the making needed, and the parts, too, where no snapshot refers to them.

        :param ref: the snapshot that stays.
        """
        self._remove(self._marks)
        if ref is None or not self.root.refers(ref, self._parts):
            self._remove(f"{self.dataset}/{self._parts}")

    def _mark(self, number: int) -> str:
        return f"{self._marks}/{number:05d}.json"

    def _write(self, path: str, data: bytes) -> None:
        fs, base = self.root.fs, f"{self.root.path}/{self.dataset}"
        draft = f"{self.root.path}/{self._marks}/{uuid.uuid4().hex}.draft"
        for folder in (f"{base}/{self._parts}", f"{self.root.path}/{self._marks}"):
            fs.makedirs(folder, exist_ok=True)
        with fs.open(draft, "wb") as file:
            file.write(data)
        fs.mv(draft, f"{base}/{path}")

    def _remove(self, folder: str) -> None:
        if self.root.fs.exists(f"{self.root.path}/{folder}"):
            self.root.fs.rm(f"{self.root.path}/{folder}", recursive=True)


def sweep(root: SnapshotRoot, dataset: str, *, now: datetime | None = None) -> list[str]:
    """Remove what attempts have left that nobody has continued for a week; gives their keys.

    :param now: the present; default: the clock's.
    """
    folder = f"{root.path}/{checked_name(dataset)}/{FOLDER}"
    if not root.fs.exists(folder):
        return []
    since = (now or datetime.now(UTC)) - timedelta(days=KEPT_DAYS)
    stale = [key for key in _keys(root, folder) if _newest(root, f"{folder}/{key}") < since]
    if stale:
        committed = root.committed(dataset)
        for key in stale:
            staging = Staging(root, dataset, key)
            staging.clear(next((ref for ref in committed if root.refers(ref, f"parts/{key}")), None))
    return stale


def _keys(root: SnapshotRoot, folder: str) -> list[str]:
    return [str(path).rstrip("/").rpartition("/")[2] for path in root.fs.ls(folder, detail=False)]


def _newest(root: SnapshotRoot, folder: str) -> datetime:
    """Give when something was last written into a folder; long ago for an empty one."""
    moments = [root.fs.modified(file) for file in root.fs.find(folder)]
    known = [m.replace(tzinfo=UTC) if m.tzinfo is None else m for m in moments]
    return max(known, default=datetime.min.replace(tzinfo=UTC))
