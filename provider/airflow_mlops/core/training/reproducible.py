"""Model files that depend on the model alone: the same fit gives the same digest, in whatever process it was made."""

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
_FIRST_DAY = (1980, 1, 1, 0, 0, 0)  # the first that a zip file has
_CREATED = "1970-01-01 00:00:00.000000"


def noted(folder: Path, signature: Any) -> Model:
    """Give MLflow's note of a model, named by its files: MLflow's own would have a random name and the time.

    When a model was made, its run says.

    :param folder: with the files that the model is loaded from, and no others.
    :param signature: the model's.
    """
    from mlflow.models import Model

    content = sha256()
    for file in sorted(folder.iterdir()):
        content.update(file.name.encode() + sha256(file.read_bytes()).digest())
    name = uuid.UUID(bytes=content.digest()[:16]).hex
    return Model(signature=signature, utc_time_created=_CREATED, model_uuid=name)


def settled(content: bytes) -> bytes:
    """Give a skops file whose objects are numbered in the order in which they are described, without dates.

    skops itself names arrays by their addresses in memory.

    :param content: the file.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as old:
        numbers: dict[int, int] = {}
        files: dict[str, str] = {}
        schema = _numbered(json.loads(old.read(_SCHEMA)), numbers, files, set(old.namelist()))
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as new:
            for before, after in files.items():
                new.writestr(zipfile.ZipInfo(after, _FIRST_DAY), old.read(before), old.getinfo(before).compress_type)
            kind = old.getinfo(_SCHEMA).compress_type
            new.writestr(zipfile.ZipInfo(_SCHEMA, _FIRST_DAY), json.dumps(schema, indent=2), kind)
    return made.getvalue()


def _numbered(value: Any, numbers: dict[int, int], files: dict[str, str], known: set[str]) -> Any:
    if isinstance(value, list):
        return [_numbered(one, numbers, files, known) for one in value]
    if not isinstance(value, dict):
        return value
    found: dict[str, Any] = {}
    for key, one in value.items():
        if key == _ID and isinstance(one, int):
            found[key] = numbers.setdefault(one, len(numbers) + 1)
        elif key == _FILE and one in known:
            found[key] = files.setdefault(one, f"{len(files) + 1}{Path(one).suffix}")
        else:
            found[key] = _numbered(one, numbers, files, known)
    return found
