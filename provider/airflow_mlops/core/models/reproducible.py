"""Reproducible model files: the same fit gives the same digest in any process."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow.models import Model

_SCHEMA, _ID, _FILE = "schema.json", "__id__", "file"
_MIN_ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest date of the zip format
_CREATED = "1970-01-01 00:00:00.000000"


def build_mlmodel(folder: Path, signature: Any) -> Model:
    """Return MLflow's metadata of a model, with an id derived from its files instead of a random id and the time.

    The creation time is recorded by the run.

    :param folder: contains the files that the model is loaded from, and no others.
    :param signature: the model's signature.
    """
    from mlflow.models import Model

    content = sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        content.update(file.relative_to(folder).as_posix().encode() + sha256(file.read_bytes()).digest())
    name = uuid.UUID(bytes=content.digest()[:16]).hex
    return Model(signature=signature, utc_time_created=_CREATED, model_uuid=name)


def canonicalise_skops(content: bytes) -> bytes:
    """Return a skops file with objects numbered in schema order and without dates.

    skops itself names arrays by their memory addresses.

    :param content: the content of the file.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as old:
        numbers: dict[int, int] = {}
        files: dict[str, str] = {}
        schema = _renumber(json.loads(old.read(_SCHEMA)), numbers, files, set(old.namelist()))
        output = io.BytesIO()
        with zipfile.ZipFile(output, "w") as new:
            for before, after in files.items():
                new.writestr(zipfile.ZipInfo(after, _MIN_ZIP_DATE), old.read(before), old.getinfo(before).compress_type)
            kind = old.getinfo(_SCHEMA).compress_type
            new.writestr(zipfile.ZipInfo(_SCHEMA, _MIN_ZIP_DATE), json.dumps(schema, indent=2), kind)
    return output.getvalue()


def _renumber(value: Any, numbers: dict[int, int], files: dict[str, str], file_names: set[str]) -> Any:
    if isinstance(value, list):
        return [_renumber(item, numbers, files, file_names) for item in value]
    if not isinstance(value, dict):
        return value
    renumbered: dict[str, Any] = {}
    for key, item in value.items():
        if key == _ID and isinstance(item, int):
            renumbered[key] = numbers.setdefault(item, len(numbers) + 1)
        elif key == _FILE and item in file_names:
            renumbered[key] = files.setdefault(item, f"{len(files) + 1}{Path(item).suffix}")
        else:
            renumbered[key] = _renumber(item, numbers, files, file_names)
    return renumbered
