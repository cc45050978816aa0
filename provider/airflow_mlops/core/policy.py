"""``policy.yaml``: what a team demands of its model, in one file with a section for each step that decides."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any, TypeVar

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.settings import Settings, read_yaml

SECTIONS = frozenset({"gate", "drift", "concept", "performance", "episode"})
S = TypeVar("S", bound=Settings)


def load_section(model: type[S], source: str | PathLike[str] | Mapping[str, Any] | S | None, section: str) -> S:
    """Read one section of a policy.

    :param model: the section's model.
    :param source: a YAML file, the file's content as a mapping, the section itself, or ``None`` for the defaults.
    :param section: the section's name in the file, such as ``gate``.
    :raises BadInput: when the file is missing or is not YAML, or a value is wrong: with the key and what is allowed.
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
    """Take one section out of a whole policy; one that is not there, or empty, has its defaults."""
    if unknown := sorted(map(str, values.keys() - SECTIONS)):
        raise BadInput(f"unknown sections: {unknown[:5]}", where=where, mend=f"sections: {', '.join(sorted(SECTIONS))}")
    found = values.get(section)
    if found is not None and not isinstance(found, Mapping):
        raise BadInput(f"section {section!r} is {type(found).__name__}, not a mapping of keys to values", where=where)
    return found or {}
