"""Peers live in environments of their own: they ask for other versions of the same libraries."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.paths import BUILD, HERE

REQUIREMENTS = HERE / "requirements"
DONE = "installed.txt"


def peers() -> list[str]:
    """List the peers that have an environment of their own."""
    return sorted(path.stem for path in REQUIREMENTS.glob("*.txt"))


def interpreter(environment: str | None) -> Path:
    """Return the Python of an environment.

    :param environment: a peer's name; None is the project's own.
    """
    return Path(sys.executable) if environment is None else BUILD / "envs" / environment / "bin" / "python"


def installed(environment: str | None) -> bool:
    """Check whether an environment is complete and up to date with its requirements."""
    if environment is None:
        return True
    done = BUILD / "envs" / environment / DONE
    return done.exists() and done.read_text() == (REQUIREMENTS / f"{environment}.txt").read_text()


def install(wanted: Sequence[str] = ()) -> None:
    """Create the environments that are missing.

    :param wanted: only these; all when empty.
    :raises SystemExit: when a name is not a peer's.
    """
    if unknown := sorted({*wanted} - {*peers()}):
        raise SystemExit(f"there is no peer {unknown}; the peers are {peers()}")
    for peer in wanted or peers():
        if installed(peer):
            print(f"{peer}: is there")
            continue
        folder, requirements = BUILD / "envs" / peer, REQUIREMENTS / f"{peer}.txt"
        print(f"{peer}: installing", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        pip = [str(interpreter(peer)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--requirement", str(requirements)], check=True)
        (folder / DONE).write_text(requirements.read_text())
