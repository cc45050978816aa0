"""The model as files: the digest that stands for it, and loading it, digest first."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.errors import BadInput, Refused
from airflow_mlops.core.training.formats import MODEL_FILE, NEEDED, TRUSTED_TYPES, restore, save

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MODEL_FILE", "TRUSTED_TYPES", "digest_of", "load", "read", "size_of", "verify", "write"]


def digest_of(folder: str | Path) -> str:
    """Give the SHA-256 over a folder: each file's relative path and content, in the order of the paths.

    :raises BadInput: when the folder has no file, or something in it is neither a file nor a folder with files.
    """
    return _taken(folder, ())[0]


def _taken(folder: str | Path, names: Sequence[str]) -> tuple[str, dict[str, bytes]]:
    """Read each file of a folder once; gives the digest over all, and the content of those that are named."""
    root = Path(folder)
    files = sorted(_entries(root), key=lambda p: p.relative_to(root).as_posix())
    if not files:
        raise BadInput("a model artifact without files", where=str(folder))
    total, kept = hashlib.sha256(), {}
    for path in files:
        name, content = path.relative_to(root).as_posix(), _content(path)
        total.update(os.fsencode(name) + b"\0")
        total.update(hashlib.sha256(content).digest())
        if name in names:
            kept[name] = content
    return total.hexdigest(), kept


def _entries(folder: Path) -> Iterator[Path]:
    """Give all that is below a folder and is no folder: also what git and others would overlook.

    An empty folder is an error: the digest would not tell whether it is there.
    """
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.is_symlink() or not path.is_dir():
            yield path
        elif any(path.iterdir()):
            yield from _entries(path)
        else:
            raise BadInput("an empty folder inside a model artifact", where=str(path), mend="remove it")


def _content(path: Path) -> bytes:
    """Read a file that is a file: opened once, so that what was looked at is what is read."""
    # O_NONBLOCK: a pipe that nobody writes to would be waited for.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    if path.is_symlink():
        raise BadInput("a link inside a model artifact", where=str(path), mend="write the file itself")
    with os.fdopen(os.open(path, flags), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise BadInput("something else than a file inside a model artifact", where=str(path), mend="remove it")
        return file.read()


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
    """Write a fitted model in MLflow's layout: as skops, or in the own format of LightGBM, XGBoost or PyTorch.

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
    _verified(folder, digest, ())


def read(folder: str | Path, digest: str) -> dict[str, bytes]:
    """Read the files that a model is loaded from, once they are known to be those that were registered.

    What is given is what was verified: whoever changes a file afterwards changes nothing.

    :param digest: the registered digest.
    :returns: name -> content.
    :raises Refused: when they are not.
    """
    return _verified(folder, digest, NEEDED)


def _verified(folder: str | Path, digest: str, names: Sequence[str]) -> dict[str, bytes]:
    try:
        found, kept = _taken(folder, names)
    except (BadInput, OSError) as error:
        what = error.what if isinstance(error, BadInput) else f"they cannot be read ({type(error).__name__})"
        raise Refused(
            f"the model's files are not those that were registered: {what}",
            where=(error.where if isinstance(error, BadInput) else None) or str(folder),
            mend="restore the files from a backup, or register the new files as a new version",
        ) from error
    if found != digest:
        raise Refused(
            "the model's files are not those that were registered",
            where=f"{folder}: digest {found[:12]}…, registered {digest[:12]}…",
            mend="restore the files from a backup, or register the new files as a new version",
        )
    return kept


def load(
    folder: str | Path,
    digest: str,
    *,
    trusted: Sequence[str] = (),
    allow_pickle: bool = False,
    verified: Callable[[], object] = lambda: None,
) -> Any:
    """Load a model from files whose digest is right.

    The list of trusted types is ours and the caller's, never the artifact's own, and no format is read that could run
    code: a tampered MLmodel file cannot make pickle run.

    :param digest: the registered digest.
    :param trusted: types of the project's own that the model may contain.
    :param allow_pickle: whether a model that is kept in no other format may be unpickled, which can run any code.
    :param verified: called once all files are read and right, and before any is made use of.
    :raises Refused: when the digest, the format or a type is not what it has to be.
    """
    files = read(folder, digest)
    verified()
    return restore(files, trusted=trusted, allow_pickle=allow_pickle, where=str(folder))
