"""Orphaned files below a snapshot root, left by killed writers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_mlops.core.data.snapshots import staging
from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot

_PARTS_FOLDER = re.compile(r"[0-9a-f]{32}")


def find_orphaned_files(root: SnapshotRoot, before: datetime) -> Iterator[tuple[str, str]]:
    """Find temporary files, and parts that no committed snapshot references; change nothing.

    :param before: only files last written before this time: newer ones may be in use.
    :return: paths, each with the reason why it is orphaned.
    """
    if not root.fs.exists(root.path):
        return
    for path in sorted(root.fs.glob(f"{root.path}/**/*.draft")):
        if path.split("/")[-3] != staging.STAGING_FOLDER and _modified_at(root.fs, path) < before:
            yield path, "incomplete temporary file"
    for dataset in sorted(root.fs.glob(f"{root.path}/*/parts")):
        yield from _orphaned_parts(root, dataset, before)
    for folder in sorted(root.fs.glob(f"{root.path}/*/{staging.STAGING_FOLDER}/*")):
        if _last_written(root.fs, folder) < min(before, datetime.now(UTC) - timedelta(days=staging.RETENTION_DAYS)):
            yield folder, "abandoned unfinished snapshot"


def delete_orphaned_file(root: SnapshotRoot, path: str) -> None:
    """Remove an orphaned path, unless a snapshot references it by now."""
    if path.endswith(".draft"):
        root.fs.rm(path)
    elif path.rsplit("/", 2)[1] == staging.STAGING_FOLDER:
        staging.delete_abandoned(root, path.rsplit("/", 3)[1])
    elif path.rsplit("/", 1)[1] not in _referenced_folders(root, path.rsplit("/", 2)[0]):
        root.fs.rm(path, recursive=True)


def _orphaned_parts(root: SnapshotRoot, parts: str, before: datetime) -> Iterator[tuple[str, str]]:
    folders = [p.rstrip("/") for p in root.fs.ls(parts, detail=False)]
    old = [p for p in folders if _PARTS_FOLDER.fullmatch(p.rsplit("/", 1)[1]) and _last_written(root.fs, p) < before]
    dataset = parts.rsplit("/", 1)[0]
    staged = {p.rstrip("/").rsplit("/", 1)[1] for p in root.fs.glob(f"{dataset}/{staging.STAGING_FOLDER}/*")}
    referenced = staged | (_referenced_folders(root, dataset) if old else set())
    for path in sorted(old):
        if path.rsplit("/", 1)[1] not in referenced:
            yield path, "parts of an uncommitted snapshot"


def _referenced_folders(root: SnapshotRoot, dataset: str) -> set[str]:
    """Return the part folders that the manifests of a dataset reference.

    :raises ValueError: when a manifest cannot be read, so that its references are unknown.
    """
    folders = set[str]()
    for path in root.fs.glob(f"{dataset}/*.json"):
        with root.fs.open(path, "r") as file:
            manifest = json.load(file)
        folders |= {part["path"].rsplit("/", 2)[1] for part in manifest.get("files", ())}
    return folders


def _last_written(fs: Any, folder: str) -> datetime:
    files = fs.find(folder)
    return max(_modified_at(fs, path) for path in files or [folder])


def _modified_at(fs: Any, path: str) -> datetime:
    """Return when a file was last written; the latest possible time where the file system does not report it."""
    try:
        modified: datetime = fs.modified(path)
    except (NotImplementedError, FileNotFoundError):
        return datetime.max.replace(tzinfo=UTC)
    return modified if modified.tzinfo else modified.replace(tzinfo=UTC)
