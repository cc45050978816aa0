"""Model artifacts: writing, digests, and loading with verification of the digest first."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlops.common.errors import BadInput, Refused
from airflow_mlops.core.models.formats import MODEL_FILE, TRUSTED_TYPES, is_loadable, restore, save

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MODEL_FILE", "TRUSTED_TYPES", "digest_of", "load_model", "read", "size_of", "verify_digest", "write"]


def digest_of(folder: str | Path) -> str:
    """Return the SHA-256 of a folder: each file's relative path and content, in the order of the paths.

    :raises BadInput: when the folder has no files, or contains anything but regular files and non-empty folders.
    """
    return _read_folder(folder, lambda _: False)[0]


def _read_folder(folder: str | Path, wanted: Callable[[str], bool]) -> tuple[str, dict[str, bytes]]:
    """Read each file of a folder once. Return the digest of all, and the content of the wanted ones."""
    root = Path(folder)
    files = sorted(_iter_files(root), key=lambda p: p.relative_to(root).as_posix())
    if not files:
        raise BadInput("the model artifact has no files", where=str(folder))
    total, contents = hashlib.sha256(), {}
    for path in files:
        name, content = path.relative_to(root).as_posix(), _read_file(path)
        total.update(os.fsencode(name) + b"\0")
        total.update(hashlib.sha256(content).digest())
        if wanted(name):
            contents[name] = content
    return total.hexdigest(), contents


def _iter_files(folder: Path) -> Iterator[Path]:
    """Yield every entry below a folder that is not a folder, hidden files included.

    An empty folder is an error, because the digest would not cover it.
    """
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.is_symlink() or not path.is_dir():
            yield path
        elif any(path.iterdir()):
            yield from _iter_files(path)
        else:
            raise BadInput("the model artifact contains an empty folder", where=str(path), hint="remove it")


def _read_file(path: Path) -> bytes:
    """Read a regular file. It is opened once, so the file that is checked is the file that is read."""
    # O_NONBLOCK: opening a pipe without a writer would block.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    if path.is_symlink():
        raise BadInput("the model artifact contains a symbolic link", where=str(path), hint="write the file itself")
    with os.fdopen(os.open(path, flags), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise BadInput(
                "the model artifact contains something that is not a regular file", where=str(path), hint="remove it"
            )
        return file.read()


def size_of(folder: str | Path) -> int:
    """Return the total size in bytes of all files below a folder."""
    return sum(p.stat().st_size for p in Path(folder).rglob("*") if p.is_file())


def write(
    model: Any,
    folder: str | Path,
    example: pd.DataFrame,
    *,
    trusted: Sequence[str] = (),
    save_example: bool = False,
) -> str:
    """Write a fitted model in MLflow's layout: as skops, or in the format of its library.

    :param model: a fitted estimator.
    :param folder: the target; must not exist.
    :param example: a few feature rows, for the signature.
    :param trusted: project types that the model may contain, in addition to :data:`TRUSTED_TYPES`.
    :param save_example: whether to store the example rows with the model.
    :returns: the digest.
    :raises BadInput: when the model contains an untrusted type, which would prevent loading it.
    """
    save(model, Path(folder), example, trusted=trusted, save_example=save_example)
    return digest_of(folder)


def verify_digest(folder: str | Path, digest: str) -> None:
    """Check that the files are the registered ones.

    :raises Refused: when they differ.
    """
    _read_and_verify(folder, digest, lambda _: False)


def read(folder: str | Path, digest: str) -> dict[str, bytes]:
    """Return the files that a model is loaded from, after verifying the digest.

    The verified bytes are the ones returned, so later changes on disk have no effect.

    :param digest: the registered digest.
    :returns: path -> content.
    :raises Refused: when the files are not the registered ones.
    """
    return _read_and_verify(folder, digest, is_loadable)


def _read_and_verify(folder: str | Path, digest: str, wanted: Callable[[str], bool]) -> dict[str, bytes]:
    try:
        actual, contents = _read_folder(folder, wanted)
    except (BadInput, OSError) as error:
        what = error.what if isinstance(error, BadInput) else f"they cannot be read ({type(error).__name__})"
        raise Refused(
            f"the model's files do not match the registered digest: {what}",
            where=(error.where if isinstance(error, BadInput) else None) or str(folder),
            hint="restore the files from a backup, or register the new files as a new version",
        ) from error
    if actual != digest:
        raise Refused(
            "the model's files do not match the registered digest",
            where=f"{folder}: digest {actual[:12]}…, registered {digest[:12]}…",
            hint="restore the files from a backup, or register the new files as a new version",
        )
    return contents


def load_model(
    folder: str | Path,
    digest: str,
    *,
    trusted: Sequence[str] = (),
    allow_pickle: bool = False,
    on_verified: Callable[[], object] = lambda: None,
) -> Any:
    """Verify the digest and load a model.

    Trusted types come from this package and the caller, never from the artifact. By default no format is read that
    can run code, so a tampered MLmodel file cannot trigger unpickling.

    :param digest: the registered digest.
    :param trusted: project types that the model may contain.
    :param allow_pickle: whether a model stored only as a pickle may be unpickled, which can run any code.
    :param on_verified: called after all files are read and verified, before any is deserialised.
    :raises Refused: when the digest, the format or a type is not allowed.
    """
    files = read(folder, digest)
    on_verified()
    return restore(files, trusted=trusted, allow_pickle=allow_pickle, where=str(folder))
