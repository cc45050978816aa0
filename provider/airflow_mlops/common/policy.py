"""``policy.yaml``: the team's requirements, with one section for each deciding step."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any, TypeVar

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.settings import Settings, read_yaml

SECTIONS = frozenset({"gate", "drift", "concept", "performance", "episode"})
S = TypeVar("S", bound=Settings)


def load_section(model: type[S], source: str | PathLike[str] | Mapping[str, Any] | S | None, section: str) -> S:
    """Load one section of a policy.

    :param model: the settings class of the section.
    :param source: a YAML file, the file's content as a mapping, the section itself, or ``None`` for the defaults.
    :param section: the section's name in the file, such as ``gate``.
    :raises BadInput: when the file is missing or not YAML, or a key or a value is invalid.
    """
    where = f"section {section!r}"
    if isinstance(source, (str, PathLike)):
        where = f"{source}, {where}"
        source = read_yaml(source, "policy")
        if not isinstance(source, Mapping):
            raise BadInput("a policy has to be a mapping of sections", where=where)
    if isinstance(source, Mapping) and source.keys() & SECTIONS:
        source = _section_of(source, section, where)
    return model.load({} if source is None else source, where=where)


def _section_of(values: Mapping[str, Any], section: str, where: str) -> Mapping[str, Any]:
    """Return one section of a complete policy; a missing or empty one means the defaults."""
    if unknown := sorted(map(str, values.keys() - SECTIONS)):
        raise BadInput(f"unknown sections: {unknown[:5]}", where=where, hint=f"sections: {', '.join(sorted(SECTIONS))}")
    content = values.get(section)
    if content is not None and not isinstance(content, Mapping):
        raise BadInput(f"section {section!r} is {type(content).__name__}, not a mapping of keys to values", where=where)
    return content or {}
