"""Which code made a model: the bundle's version, else the commit of the repository that the code lies in."""

from __future__ import annotations

import inspect
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.imports import resolve

UNKNOWN = "unknown"
CODE_TAG, PYTHON_TAG = "mlops.code_version", "mlops.python"
_INSTALLED = ("site-packages", "dist-packages")
_DEADLINE = 10.0  # seconds that git may take


def code_version(
    code: str | Callable[..., Any], *, bundle: str | None = None, version: str | None = None, files: Sequence[str] = ()
) -> str:
    """Say which code is about to make a model.

    :param code: the function that builds or trains it, or its import path.
    :param bundle: the name of the Airflow bundle that the DAG came from.
    :param version: its version, if it has versions.
    :param files: more files that the code is in, such as the DAG's; asked where the function's own file is in no
        repository.
    :returns: ``bundle:name@version``; else ``git:commit`` of the first file that lies in a repository, with
        ``+changed`` when something in it is not committed, or ``+unchecked`` when git could not tell; else
        ``package:name==version`` of the installed package; else ``unknown``.
    """
    if bundle and version:
        return f"bundle:{bundle}@{version}"
    own = _file_of(code)
    for file in filter(None, (own, *files)):
        if found := _commit_of(Path(file)):
            return found
    return _package_of(code) or UNKNOWN


def python() -> str:
    """Name the interpreter and the platform."""
    return f"{platform.python_version()} {sys.platform} {platform.machine()}"


def _file_of(code: str | Callable[..., Any]) -> str | None:
    try:
        found = resolve(code)
    except BadInput:  # whoever builds with it will say so better
        return None
    while isinstance(found, partial):
        found = found.func
    try:
        return inspect.getsourcefile(inspect.unwrap(found))
    except TypeError:
        return None


def _commit_of(file: Path) -> str | None:
    """Give the commit of the repository that a file lies in; ``None`` when it lies in none, or is installed."""
    file = file.resolve()
    if not file.is_file() or any(part in _INSTALLED for part in file.parts):
        return None
    for folder in file.parents:
        if (folder / ".git").exists():
            head = _head(folder / ".git")
            return None if head is None else f"git:{head}{_changed(folder)}"
    return None


def _head(git: Path) -> str | None:
    """Read the commit that is checked out, as gitrepository-layout(5) has it."""
    try:
        if git.is_file():  # a worktree or a submodule: the file says where the rest is
            git = (git.parent / git.read_text().partition("gitdir:")[2].strip()).resolve()
        head = (git / "HEAD").read_text().strip()
        if not head.startswith("ref:"):
            return head or None
        return _reference(git, head.partition("ref:")[2].strip())
    except OSError:
        return None


def _reference(git: Path, name: str) -> str | None:
    common = git / "commondir"
    homes = [git, (git / common.read_text().strip()).resolve()] if common.is_file() else [git]
    for home in homes:
        if (home / name).is_file():
            return (home / name).read_text().strip()
    for home in homes:
        packed = home / "packed-refs"
        for line in packed.read_text().splitlines() if packed.is_file() else ():
            commit, _, found = line.partition(" ")
            if found == name:
                return commit
    return None


def _changed(folder: Path) -> str:
    """Ask git whether everything is committed. It writes nothing, and runs no program of the repository's."""
    git = shutil.which("git")
    if git is None:
        return "+unchecked"
    command = [git, "--no-optional-locks", "-c", "core.fsmonitor=false", "-C", str(folder), "status", "--porcelain"]
    command += ["--", ".", ":(exclude,glob)**/__pycache__/**"]  # what importing writes is no change of the code
    try:
        done = subprocess.run(command, capture_output=True, timeout=_DEADLINE, check=True)  # noqa: S603  # fixed words
    except (OSError, subprocess.SubprocessError):
        return "+unchecked"
    return "+changed" if done.stdout.strip() else ""


def _package_of(code: str | Callable[..., Any]) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    name = code.partition(":")[0] if isinstance(code, str) else getattr(code, "__module__", None) or ""
    top = name.partition(".")[0]
    try:
        return f"package:{top}=={version({'sklearn': 'scikit-learn'}.get(top, top))}"
    except (PackageNotFoundError, ValueError):
        return None
