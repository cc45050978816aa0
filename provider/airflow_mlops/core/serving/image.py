"""The image of a served version: its own pinned packages, the server, its files. Built from what stands in its name.

The same version, base and server give the same files, and so the same name: an image that is there is not built again,
and versions with the same packages share their layers.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import airflow_mlops
from airflow_mlops.core.serving.places import FOLDER, MODEL, PORT, SECRETS, SETTINGS, USER_ID
from airflow_mlops.core.serving.settings import ServingSettings

SERVER = ("fastapi", "fsspec", "polars", "pyarrow", "pydantic", "pyyaml", "uvicorn")
LOGGING = ("psycopg2-binary", "sqlalchemy")
NOT_SERVED = ("mlflow", "mlflow-skinny")
"""What logs models, and neither loads nor serves them here."""
PARTS = ("core", "serving", "store")
# A container's first process, HAProxy does not hear SIGTERM; at SIGUSR1 it answers the requests that it has, and ends.
FRONT_DOCKERFILE = """\
FROM {base}
RUN apt-get update && apt-get install -y --no-install-recommends haproxy socat && rm -rf /var/lib/apt/lists/* \\
    && mkdir -p /run/haproxy && chown haproxy:haproxy /run/haproxy
COPY haproxy.cfg away.http /etc/haproxy/
USER haproxy
STOPSIGNAL SIGUSR1
CMD ["haproxy", "-db", "-f", "/etc/haproxy/haproxy.cfg"]
"""
DOCKERFILE = """\
FROM {base}
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/srv/app {threads}
RUN useradd --uid {user} --no-create-home --shell /usr/sbin/nologin serving \\
    && mkdir -p {secrets} && chown {user} {secrets} && chmod 700 {secrets}
COPY requirements.txt /srv/
RUN pip install --no-cache-dir --disable-pip-version-check -r /srv/requirements.txt
COPY app /srv/app
COPY serving {folder}
USER {user}
EXPOSE {port}
CMD ["python", "-m", "airflow_mlops.serving"]
"""
# One thread a process: rows come few at a time, and threads that wait for each other cost more than they give.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS")


@dataclass(frozen=True, slots=True)
class Recipe:
    """What an image is built from.

    :param files: path -> content.
    :param name: the repository's name.
    """

    files: Mapping[str, bytes]
    name: str

    @property
    def tag(self) -> str:
        """The image's name: what is in it decides."""
        total = hashlib.sha256()
        for path, content in sorted(self.files.items()):
            total.update(path.encode() + b"\0" + hashlib.sha256(content).digest())
        return f"{self.name}:{total.hexdigest()[:16]}"

    def context(self) -> bytes:
        """Give the files as a tar archive, byte for byte the same for the same files."""
        return packed(self.files)


def of_version(
    folder: Path, settings: ServingSettings, *, base: str, packages: Sequence[Path] = (), logged: bool = False
) -> Recipe:
    """Give the recipe of a version's image.

    :param folder: the model's files, their digest verified.
    :param settings: what the server is told.
    :param base: the base image, with a Python and pip.
    :param packages: folders of the project's own packages whose types the model contains.
    :param logged: whether predictions go into a database.
    """
    files = {f"serving/{MODEL}/{name}": content for name, content in _below(folder)}
    root = Path(airflow_mlops.__file__).parent
    files["app/airflow_mlops/__init__.py"] = (root / "__init__.py").read_bytes()
    for part in PARTS:
        files |= {f"app/airflow_mlops/{part}/{name}": content for name, content in _below(root / part, code=True)}
    for package in packages:
        files |= {f"app/{package.name}/{name}": content for name, content in _below(package, code=True)}
    files[f"serving/{SETTINGS}"] = json.dumps(settings.to_dict(), sort_keys=True).encode()
    pinned = files.get(f"serving/{MODEL}/requirements.txt", b"").decode()
    files["requirements.txt"] = requirements(pinned, (*SERVER, *(LOGGING if logged else ()))).encode()
    files["Dockerfile"] = DOCKERFILE.format(
        base=base,
        user=USER_ID,
        secrets=SECRETS,
        folder=FOLDER,
        port=PORT,
        threads=" ".join(f"{name}=1" for name in THREADS),
    ).encode()
    return Recipe(files, f"mlops-serving/{image_name(settings.model)}")


def requirements(pinned: str, beside: Iterable[str]) -> str:
    """Give the packages of an image: those that the version was logged with, and the server's own.

    :param pinned: the version's ``requirements.txt``.
    :param beside: what the server needs, in the versions that are installed here, unless the model pins its own.
    """
    lines = [line.strip() for line in pinned.splitlines() if line.strip() and not line.strip().startswith("#")]
    kept = [line for line in lines if _package(line) not in NOT_SERVED]
    known = {_package(line) for line in kept}
    for name in sorted(beside):
        if name not in known:
            kept.append(f"{name}=={found}" if (found := _installed(name)) else name)
    return "\n".join(kept) + "\n"


def python_of(environment: str) -> str:
    """Give the Python, such as ``3.11``, that a version was logged with; this one's where it does not say.

    :param environment: its ``python_env.yaml``.
    """
    import sys

    found = re.search(r"^python:\s*[\"']?(\d+\.\d+)", environment, flags=re.MULTILINE)
    return found[1] if found else f"{sys.version_info.major}.{sys.version_info.minor}"


def image_name(model: str) -> str:
    """Give a model's name as an image may be called."""
    return re.sub(r"[^a-z0-9]+", "-", model.lower()).strip("-") or "model"


def packed(files: Mapping[str, bytes], *, user: int = 0, mode: int = 0o644) -> bytes:
    """Give files as a tar archive.

    :param user: whose they are.
    :param mode: who may read them.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, content in sorted(files.items()):
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode, entry.uid, entry.gid = len(content), mode, user, user
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _below(folder: Path, *, code: bool = False) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not (code and ("__pycache__" in path.parts or path.suffix == ".pyc")):
            yield path.relative_to(folder).as_posix(), path.read_bytes()


def _package(requirement: str) -> str:
    return re.split(r"[\s\[<>=!~;@]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
