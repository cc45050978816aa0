"""A container engine to test with: the one that runs, or one that is started here."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

START_SECONDS = 60


def missing() -> str | None:
    """Get hold of an engine and of compose; return why there is none, in words, or ``None``.

    ``MLOPS_BASE_IMAGES`` names a script that makes the base images where no registry can be reached; it may install
    and start the engine, too.
    """
    script = os.environ.get("MLOPS_BASE_IMAGES")
    if not _answers() and os.geteuid() == 0:
        print("No container engine runs: starting one", flush=True)
        if script:
            subprocess.run([script], check=False)
        elif shutil.which("dockerd"):
            _start()
    if not _answers():
        if os.geteuid():
            return "no container engine answers, and only root can start one"
        return "no container engine answers, and none could be started; is docker installed?"
    if script and not all(_has_image(image) for image in base_images().values()):
        subprocess.run([script], check=True)
    return None if compose() else "neither 'docker compose' nor 'docker-compose' is installed"


def base_images() -> dict[str, str]:
    """Give the base images, by the variables that name them; a script's are Debian's where it has no official ones."""
    postgres = "local/postgres:15" if os.environ.get("MLOPS_BASE_IMAGES") else "postgres:16"
    defaults = {"PYTHON_IMAGE": "python:3.11-slim-bookworm", "POSTGRES_IMAGE": postgres, "REDIS_IMAGE": "redis:7"}
    return {name: os.environ.get(name, image) for name, image in defaults.items()}


def compose() -> list[list[str]]:
    """Return the commands of the compose versions that are installed."""
    ways = [["docker", "compose"], ["docker-compose"]]
    return [way for way in ways if shutil.which(way[0]) and _well([*way, "version"])]


def _answers() -> bool:
    return bool(shutil.which("docker")) and _well(["docker", "info"])


def _has_image(image: str) -> bool:
    return _well(["docker", "image", "inspect", image])


def _well(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _start() -> None:
    log = Path(os.environ.get("TMPDIR", "/tmp")) / "dockerd.log"
    with log.open("wb") as out:
        subprocess.Popen(["dockerd"], stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True)
    until = time.monotonic() + START_SECONDS
    while not _answers() and time.monotonic() < until:
        time.sleep(1)
