"""Scaffolding of a new model: files that run on synthetic data."""

from __future__ import annotations

import keyword
import re
from pathlib import Path

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.lifecycle.spec import NAME_PATTERN

TEMPLATES = Path(__file__).parents[2] / "templates" / "model"
SUFFIX = ".template"
MODEL = "__MODEL__"


def scaffold(model: str, root: Path) -> list[Path]:
    """Create the files of a new model: all of them, or none.

    :param model: its name: lower-case letters, digits and underscores.
    :param root: the bundle's root, the folder with ``dags`` and ``include``.
    :return: the files, relative to the root.
    :raises BadInput: when the name is invalid, or one of the files exists; nothing is overwritten.
    """
    if not re.fullmatch(NAME_PATTERN, model) or keyword.iskeyword(model):
        raise BadInput(
            f"{model!r} is not a valid model name",
            hint="use lower-case letters, digits and underscores, starting with a letter: fraud or churn_weekly",
        )
    files = render_files(model)
    if existing := sorted(str(target) for target in files if (root / target).exists()):
        raise BadInput(
            f"{model} already exists; nothing is overwritten",
            where=", ".join(existing[:6]),
            hint="choose another name, or move those files",
        )
    written: list[Path] = []
    try:
        for target, text in files.items():
            _write(root / target, text)
            written.append(target)
    except OSError as error:
        for target in written:
            (root / target).unlink(missing_ok=True)
        raise BadInput(f"{error.filename} cannot be written: {error.strerror}", where=str(root)) from None
    return written


def render_files(model: str) -> dict[Path, str]:
    """Render the files of a model: path from the root -> text.

    :param model: its name.
    """
    files = {}
    for template in sorted(TEMPLATES.rglob(f"*{SUFFIX}")):
        target = str(template.relative_to(TEMPLATES)).removesuffix(SUFFIX).replace(MODEL, model)
        files[Path(target)] = template.read_text(encoding="utf-8").replace(MODEL, model)
    return files


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:  # fails if the file was created meanwhile
        file.write(text)
