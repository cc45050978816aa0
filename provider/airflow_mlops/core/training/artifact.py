"""The model as files: the digest that stands for it, and loading it, digest first."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.errors import BadInput, Refused
from airflow_mlops.core.training.formats import MODEL_FILE, TRUSTED_TYPES, restore, save

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MODEL_FILE", "TRUSTED_TYPES", "digest_of", "load", "size_of", "verify", "write"]


def digest_of(folder: str | Path) -> str:
    """Give the SHA-256 over a folder: each file's relative path and content, in the order of the paths.

    :raises BadInput: when the folder has no file, or something in it is a link.
    """
    root = Path(folder)
    files = sorted(
        (p for p in root.rglob("*") if p.is_symlink() or not p.is_dir()), key=lambda p: p.relative_to(root).as_posix()
    )
    if not files:
        raise BadInput("a model artifact without files", where=str(folder))
    total = hashlib.sha256()
    for path in files:
        if path.is_symlink():
            raise BadInput("a link inside a model artifact", where=str(path), mend="write the file itself")
        total.update(path.relative_to(root).as_posix().encode() + b"\0")
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def size_of(folder: str | Path) -> int:
    """Give the bytes of all files below a folder."""
    return sum(p.stat().st_size for p in Path(folder).rglob("*") if p.is_file())


def write(
    model: Any,
    folder: str | Path,
    example: pd.DataFrame,
    *,
    trusted: Sequence[str] = (),
    keep_example: bool = False,
) -> str:
    """Write a fitted model in MLflow's layout: as skops, or in LightGBM's or XGBoost's own format.

    :param model: a fitted estimator.
    :param folder: where to; must not exist.
    :param example: a few feature rows, for the signature.
    :param trusted: types of the project's own that the model may contain, beside :data:`TRUSTED_TYPES`.
    :param keep_example: whether the rows of the example are kept with it.
    :returns: the digest.
    :raises BadInput: when the model contains a type that is not trusted, so that it could not be loaded again.
    """
    save(model, Path(folder), example, trusted=trusted, keep_example=keep_example)
    return digest_of(folder)


def verify(folder: str | Path, digest: str) -> None:
    """Make sure that the files are those that were registered.

    :raises Refused: when they are not.
    """
    found = digest_of(folder)
    if found != digest:
        raise Refused(
            "the model's files are not those that were registered",
            where=f"{folder}: digest {found[:12]}…, registered {digest[:12]}…",
            mend="restore the files from a backup, or register the new files as a new version",
        )


def load(folder: str | Path, digest: str, *, trusted: Sequence[str] = ()) -> Any:
    """Load a model from files whose digest is right.

    The list of trusted types is ours and the caller's, never the artifact's own, and no format is read that could run
    code: a tampered MLmodel file cannot make pickle run.

    :param digest: the registered digest.
    :param trusted: types of the project's own that the model may contain.
    :raises Refused: when the digest, the format or a type is not what it has to be.
    """
    verify(folder, digest)
    return restore(Path(folder), trusted=trusted)
