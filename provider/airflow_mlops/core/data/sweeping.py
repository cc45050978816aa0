"""What writers of snapshots have left below a snapshot root when they were killed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_mlops.core.data import staging
from airflow_mlops.core.data.snapshot import SnapshotRoot

_PARTS = re.compile(r"[0-9a-f]{32}")


def left(root: SnapshotRoot, before: datetime) -> Iterator[tuple[str, str]]:
    """Find temporary files, and parts that no committed snapshot refers to; changes nothing.

    :param before: only what was last written before this moment: what is younger may be at work.
    :returns: paths, and why they can go.
    """
    if not root.fs.exists(root.path):
        return
    for path in sorted(root.fs.glob(f"{root.path}/**/*.draft")):
        if path.split("/")[-3] != staging.FOLDER and _written(root.fs, path) < before:
            yield path, "a file that was not written to its end"
    for dataset in sorted(root.fs.glob(f"{root.path}/*/parts")):
        yield from _parts(root, dataset, before)
    for folder in sorted(root.fs.glob(f"{root.path}/*/{staging.FOLDER}/*")):
        if _last_written(root.fs, folder) < min(before, datetime.now(UTC) - timedelta(days=staging.KEPT_DAYS)):
            yield folder, "a snapshot in the making that nobody has gone on with"


def remove(root: SnapshotRoot, path: str) -> None:
    """Remove what was found, unless a snapshot refers to it by now."""
    if path.endswith(".draft"):
        root.fs.rm(path)
    elif path.rsplit("/", 2)[1] == staging.FOLDER:
        staging.sweep(root, path.rsplit("/", 3)[1])
    elif path.rsplit("/", 1)[1] not in _referred(root, path.rsplit("/", 2)[0]):
        root.fs.rm(path, recursive=True)


def _parts(root: SnapshotRoot, parts: str, before: datetime) -> Iterator[tuple[str, str]]:
    found = [p.rstrip("/") for p in root.fs.ls(parts, detail=False)]
    old = [p for p in found if _PARTS.fullmatch(p.rsplit("/", 1)[1]) and _last_written(root.fs, p) < before]
    dataset = parts.rsplit("/", 1)[0]
    waiting = {p.rstrip("/").rsplit("/", 1)[1] for p in root.fs.glob(f"{dataset}/{staging.FOLDER}/*")}
    referred = waiting | (_referred(root, dataset) if old else set())
    for path in sorted(old):
        if path.rsplit("/", 1)[1] not in referred:
            yield path, "parts of a snapshot that was not committed"


def _referred(root: SnapshotRoot, dataset: str) -> set[str]:
    """Give the folders of parts that the manifests of a dataset name.

    :raises ValueError: when a manifest cannot be read: then nobody knows what it refers to.
    """
    found = set[str]()
    for path in root.fs.glob(f"{dataset}/*.json"):
        with root.fs.open(path, "r") as file:
            manifest = json.load(file)
        found |= {part["path"].rsplit("/", 2)[1] for part in manifest.get("files", ())}
    return found


def _last_written(fs: Any, folder: str) -> datetime:
    files = fs.find(folder)
    return max(_written(fs, path) for path in files or [folder])


def _written(fs: Any, path: str) -> datetime:
    """Give when a file was written; one whose file system does not tell is taken as new."""
    try:
        moment: datetime = fs.modified(path)
    except (NotImplementedError, FileNotFoundError):
        return datetime.max.replace(tzinfo=UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
