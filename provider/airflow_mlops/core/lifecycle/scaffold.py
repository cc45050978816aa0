"""A folder for a new model: ready to run on a look-alike, and to be edited."""

from __future__ import annotations

import keyword
import re
from pathlib import Path

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.lifecycle.spec import NAME

TEMPLATES = Path(__file__).parents[2] / "templates" / "model"
SUFFIX = ".template"
MODEL = "__MODEL__"


def scaffold(model: str, root: Path) -> list[Path]:
    """Write the files of a new model; either all of them, or none.

    :param model: its name: small letters, digits and underscores.
    :param root: the bundle's root, the folder that has ``dags`` and ``include``.
    :returns: the files, from the root.
    :raises BadInput: when it is no name, or one of the files is there: nothing is ever overwritten.
    """
    if not re.fullmatch(NAME, model) or keyword.iskeyword(model):
        raise BadInput(
            f"{model!r} cannot be a model's name",
            mend="small letters, digits and underscores, beginning with a letter, such as fraud or churn_weekly",
        )
    files = rendered(model)
    if there := sorted(str(target) for target in files if (root / target).exists()):
        raise BadInput(
            f"{model} is there already; nothing is overwritten",
            where=", ".join(there[:6]),
            mend="choose another name, or move those files away",
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


def rendered(model: str) -> dict[Path, str]:
    """Give the files of a model: path from the root -> text.

    :param model: its name.
    """
    found = {}
    for template in sorted(TEMPLATES.rglob(f"*{SUFFIX}")):
        target = str(template.relative_to(TEMPLATES)).removesuffix(SUFFIX).replace(MODEL, model)
        found[Path(target)] = template.read_text(encoding="utf-8").replace(MODEL, model)
    return found


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:  # never over a file that has come meanwhile
        file.write(text)
