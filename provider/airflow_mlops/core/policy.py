"""``policy.yaml``: what a team demands of its model, in one file with a section for each step that decides."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.imports import find_file

SECTIONS = frozenset({"gate", "drift", "performance", "episode"})


class Section(BaseModel):
    """A section of the policy: unknown keys are errors, values cannot change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


S = TypeVar("S", bound=BaseModel)


def load_section(model: type[S], source: str | Path | Mapping[str, Any] | S | None, section: str) -> S:
    """Read one section of a policy.

    :param model: the section's model.
    :param source: a YAML file, the file's content as a mapping, the section itself, or ``None`` for the defaults.
    :param section: the section's name in the file, such as ``gate``.
    :raises BadInput: when the file is missing or is not YAML, or a value is wrong: with the key and what is allowed.
    """
    if isinstance(source, model):
        return source
    where = f"policy section {section!r}"
    if isinstance(source, (str, Path)):
        where = f"{source}, section {section!r}"
        source = read_yaml(source)
    values = dict(source or {})
    if values.keys() & SECTIONS:  # a whole policy file; a section that is not there, or empty, has its defaults
        values = _section_of(values, section, where)
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise BadInput(
            f"{key}: {first['msg']} (got {first.get('input')!r})",
            where=where,
            mend=f"allowed keys: {', '.join(model.model_fields)}",
        ) from None


def _section_of(values: Mapping[str, Any], section: str, where: str) -> dict[str, Any]:
    if unknown := sorted(map(str, values.keys() - SECTIONS)):
        raise BadInput(f"unknown sections: {unknown[:5]}", where=where, mend=f"sections: {', '.join(sorted(SECTIONS))}")
    found = values.get(section)
    if found is not None and not isinstance(found, Mapping):
        raise BadInput(f"section {section!r} is {type(found).__name__}, not a mapping of keys to values", where=where)
    return dict(found or {})


def read_yaml(path: str | Path) -> dict[str, Any]:
    """Read a YAML mapping.

    :raises BadInput: when there is no such file, or it is not a YAML mapping.
    """
    import yaml

    text = find_file(path).read_text(encoding="utf-8")
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadInput(f"not valid YAML: {str(error).splitlines()[0]}", where=str(path)) from None
    if not isinstance(values, dict):
        raise BadInput("expected a mapping of keys to values", where=str(path))
    return values
