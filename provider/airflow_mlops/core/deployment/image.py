"""Image of a served version: its pinned packages, the server and its files, tagged by a hash of the content.

The same version, base and server give the same tag, so an existing image is not rebuilt. Versions with the same
packages share layers.
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
from airflow_mlops.core.serving.container_paths import (
    MODEL_DIR,
    PORT,
    SECRETS_DIR,
    SERVING_DIR,
    SETTINGS_FILE,
    USER_ID,
)
from airflow_mlops.core.serving.settings import ServingSettings

_SERVER_PACKAGES = ("fastapi", "fsspec", "polars", "pyarrow", "pydantic", "pyyaml", "uvicorn")
_LOGGING_PACKAGES = ("psycopg2-binary", "sqlalchemy")
_EXCLUDED_PACKAGES = ("mlflow", "mlflow-skinny")
"""MLflow logs models, but neither loads nor serves them in the container."""
_SERVER_SUBPACKAGES = ("common", "core", "model_server", "store")
# As PID 1, HAProxy ignores SIGTERM; on SIGUSR1 it finishes its requests and exits.
PROXY_DOCKERFILE = """\
FROM {base}
RUN apt-get update && apt-get install -y --no-install-recommends haproxy socat && rm -rf /var/lib/apt/lists/* \\
    && mkdir -p /run/haproxy && chown haproxy:haproxy /run/haproxy
COPY haproxy.cfg unavailable.http /etc/haproxy/
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
CMD ["python", "-m", "airflow_mlops.model_server"]
"""
# One thread per process: batches are small, and thread synchronisation costs more than it gains.
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS")


@dataclass(frozen=True, slots=True)
class ImageRecipe:
    """The build context of an image.

    :param files: path -> content.
    :param name: the repository name.
    """

    files: Mapping[str, bytes]
    name: str

    @property
    def tag(self) -> str:
        """The image's tag: a hash of its files."""
        total = hashlib.sha256()
        for path, content in sorted(self.files.items()):
            total.update(path.encode() + b"\0" + hashlib.sha256(content).digest())
        return f"{self.name}:{total.hexdigest()[:16]}"

    def context(self) -> bytes:
        """Return the files as a tar archive, byte for byte the same for the same files."""
        return pack_tar(self.files)


def version_recipe(
    folder: Path, settings: ServingSettings, *, base: str, packages: Sequence[Path] = (), logged: bool = False
) -> ImageRecipe:
    """Return the recipe of a version's image.

    :param folder: the model's files, whose digest is verified.
    :param settings: the settings of the server.
    :param base: the base image, with Python and pip.
    :param packages: folders of project packages with types that the model contains.
    :param logged: whether predictions are logged to a database.
    """
    files = {f"serving/{MODEL_DIR}/{name}": content for name, content in _files_in(folder)}
    root = Path(airflow_mlops.__file__).parent
    files["app/airflow_mlops/__init__.py"] = (root / "__init__.py").read_bytes()
    for part in _SERVER_SUBPACKAGES:
        files |= {f"app/airflow_mlops/{part}/{name}": content for name, content in _files_in(root / part, code=True)}
    for package in packages:
        files |= {f"app/{package.name}/{name}": content for name, content in _files_in(package, code=True)}
    files[f"serving/{SETTINGS_FILE}"] = json.dumps(settings.to_dict(), sort_keys=True).encode()
    pinned = files.get(f"serving/{MODEL_DIR}/requirements.txt", b"").decode()
    files["requirements.txt"] = image_requirements(
        pinned, (*_SERVER_PACKAGES, *(_LOGGING_PACKAGES if logged else ()))
    ).encode()
    files["Dockerfile"] = DOCKERFILE.format(
        base=base,
        user=USER_ID,
        secrets=SECRETS_DIR,
        folder=SERVING_DIR,
        port=PORT,
        threads=" ".join(f"{name}=1" for name in _THREAD_VARIABLES),
    ).encode()
    return ImageRecipe(files, f"mlops-serving/{image_name(settings.model)}")


def image_requirements(pinned: str, server_packages: Iterable[str]) -> str:
    """Return the requirements of an image: the version's pinned packages and the server's own.

    :param pinned: the version's ``requirements.txt``.
    :param server_packages: the server's packages, in the versions installed here unless the model pins its own.
    """
    lines = [line.strip() for line in pinned.splitlines() if line.strip() and not line.strip().startswith("#")]
    result = [line for line in lines if _package_name(line) not in _EXCLUDED_PACKAGES]
    pinned_names = {_package_name(line) for line in result}
    for name in sorted(server_packages):
        if name not in pinned_names:
            result.append(f"{name}=={installed}" if (installed := _installed_version(name)) else name)
    return "\n".join(result) + "\n"


def python_version(environment: str) -> str:
    """Return the Python version, such as ``3.11``, that a version was logged with; default: the current one.

    :param environment: the content of its ``python_env.yaml``.
    """
    import sys

    match = re.search(r"^python:\s*[\"']?(\d+\.\d+)", environment, flags=re.MULTILINE)
    return match[1] if match else f"{sys.version_info.major}.{sys.version_info.minor}"


def image_name(model: str) -> str:
    """Return a model's name in the form allowed for image names."""
    return re.sub(r"[^a-z0-9]+", "-", model.lower()).strip("-") or "model"


def pack_tar(files: Mapping[str, bytes], *, user: int = 0, mode: int = 0o644) -> bytes:
    """Return files as a tar archive.

    :param user: the owner's user id.
    :param mode: the file mode.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, content in sorted(files.items()):
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode, entry.uid, entry.gid = len(content), mode, user, user
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _files_in(folder: Path, *, code: bool = False) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not (code and ("__pycache__" in path.parts or path.suffix == ".pyc")):
            yield path.relative_to(folder).as_posix(), path.read_bytes()


def _package_name(requirement: str) -> str:
    return re.split(r"[\s\[<>=!~;@]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def _installed_version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
