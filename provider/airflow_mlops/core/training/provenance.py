"""Code versions: the bundle's version, else the commit of the repository that contains the code."""

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

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.imports import resolve_callable

UNKNOWN_VERSION = "unknown"
CODE_TAG, PYTHON_TAG = "mlops.code_version", "mlops.python"
_INSTALL_FOLDERS = ("site-packages", "dist-packages")
_GIT_TIMEOUT = 10.0  # seconds that git may take


def code_version(
    code: str | Callable[..., Any], *, bundle: str | None = None, version: str | None = None, files: Sequence[str] = ()
) -> str:
    """Return the version of the code that builds a model.

    :param code: the function that builds or trains it, or its import path.
    :param bundle: the name of the Airflow bundle that the DAG came from.
    :param version: the bundle's version, if it is versioned.
    :param files: further source files, such as the DAG's; used when the function's own file is in no repository.
    :returns: ``bundle:name@version``; else ``git:commit`` of the first file in a repository, with ``+changed`` when it
        has uncommitted changes, or ``+unchecked`` when git could not be run; else ``package:name==version`` of the
        installed package; else ``unknown``.
    """
    if bundle and version:
        return f"bundle:{bundle}@{version}"
    source = _source_file(code)
    for file in filter(None, (source, *files)):
        if commit := _git_version(Path(file)):
            return commit
    return _package_version(code) or UNKNOWN_VERSION


def interpreter_version() -> str:
    """Return the Python version and the platform."""
    return f"{platform.python_version()} {sys.platform} {platform.machine()}"


def _source_file(code: str | Callable[..., Any]) -> str | None:
    try:
        function = resolve_callable(code)
    except BadInput:  # building the model raises the better error
        return None
    while isinstance(function, partial):
        function = function.func
    try:
        return inspect.getsourcefile(inspect.unwrap(function))
    except TypeError:
        return None


def _git_version(file: Path) -> str | None:
    """Return the commit of a file's repository; ``None`` when it is in none, or is an installed file."""
    file = file.resolve()
    if not file.is_file() or any(part in _INSTALL_FOLDERS for part in file.parts):
        return None
    for folder in file.parents:
        if (folder / ".git").exists():
            head = _read_head(folder / ".git")
            return None if head is None else f"git:{head}{_worktree_suffix(folder)}"
    return None


def _read_head(git: Path) -> str | None:
    """Read the checked-out commit, following gitrepository-layout(5)."""
    try:
        if git.is_file():  # a worktree or a submodule: the file names the git folder
            git = (git.parent / git.read_text().partition("gitdir:")[2].strip()).resolve()
        head = (git / "HEAD").read_text().strip()
        if not head.startswith("ref:"):
            return head or None
        return _resolve_reference(git, head.partition("ref:")[2].strip())
    except OSError:
        return None


def _resolve_reference(git: Path, name: str) -> str | None:
    common = git / "commondir"
    folders = [git, (git / common.read_text().strip()).resolve()] if common.is_file() else [git]
    for folder in folders:
        if (folder / name).is_file():
            return (folder / name).read_text().strip()
    for folder in folders:
        packed = folder / "packed-refs"
        for line in packed.read_text().splitlines() if packed.is_file() else ():
            commit, _, reference = line.partition(" ")
            if reference == name:
                return commit
    return None


def _worktree_suffix(folder: Path) -> str:
    """Return the suffix for uncommitted changes. Git writes nothing here and runs no hooks of the repository."""
    git = shutil.which("git")
    if git is None:
        return "+unchecked"
    command = [git, "--no-optional-locks", "-c", "core.fsmonitor=false", "-C", str(folder), "status", "--porcelain"]
    command += ["--", ".", ":(exclude,glob)**/__pycache__/**"]  # bytecode caches are not code changes
    try:
        status = subprocess.run(command, capture_output=True, timeout=_GIT_TIMEOUT, check=True)  # noqa: S603  # fixed arguments
    except (OSError, subprocess.SubprocessError):
        return "+unchecked"
    return "+changed" if status.stdout.strip() else ""


def _package_version(code: str | Callable[..., Any]) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    name = code.partition(":")[0] if isinstance(code, str) else getattr(code, "__module__", None) or ""
    top = name.partition(".")[0]
    try:
        return f"package:{top}=={version({'sklearn': 'scikit-learn'}.get(top, top))}"
    except (PackageNotFoundError, ValueError):
        return None
