"""Strict pydantic settings, loaded from YAML or dicts; errors name the file and the key."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from os import PathLike
from typing import Any, ClassVar, Self

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.imports import find_file

MAX_ERRORS = 6


class Settings(BaseModel):
    """Strict, frozen settings: an unknown key is an error.

    Subclasses list the keys that were renamed in ``renamed``, old -> new: an old key is refused by its new name. Errors
    name the ``title`` of ``model_config``, or the class.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    renamed: ClassVar[Mapping[str, str]] = {}

    @model_validator(mode="before")
    @classmethod
    def _refuse_renamed_keys(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and (old := [key for key in cls.renamed if key in value]):
            raise ValueError("; ".join(f"{key!r} was renamed to {cls.renamed[key]!r}" for key in old))
        return value

    @classmethod
    def load(cls, value: Self | Mapping[str, Any] | str | PathLike[str], *, where: str | None = None) -> Self:
        """Load and validate the settings.

        :param value: the path of a YAML file, its content as a dict, or the settings themselves.
        :param where: the source of a dict, for error messages.
        :raises BadInput: when the file cannot be read, or a key or a value is invalid.
        """
        if isinstance(value, cls):
            return value
        what = cls.model_config.get("title") or cls.__name__
        if isinstance(value, (str, PathLike)):
            where = str(value)
            value = read_yaml(value, what)
        if not isinstance(value, Mapping):
            raise BadInput(
                f"a {what} has to be a mapping, not {type(value).__name__}",
                where=where,
                hint=f"known keys: {', '.join(cls.model_fields)}",
            )
        try:
            return cls.model_validate(dict(value))
        except ValidationError as error:
            raise _validation_error(error, what, where or str(value.get("name") or "") or None, cls) from None

    def to_dict(self) -> dict[str, Any]:
        """Return the explicitly set values as JSON-serialisable dict, as :meth:`load` reads it."""
        return self.model_dump(mode="json", exclude_unset=True)


def read_yaml(path: str | PathLike[str], what: str) -> Any:
    """Read a YAML file, located by :func:`~airflow_mlops.common.imports.find_file`.

    :param what: what the file contains, for error messages.
    :raises BadInput: when it is missing, not UTF-8, not YAML, or has a duplicate key.
    """
    path = find_file(path)
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeyLoader)  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise BadInput(f"the {what} file cannot be read: {error.strerror}", where=str(path)) from None
    except UnicodeDecodeError:
        raise BadInput(f"the {what} file is not UTF-8 text", where=str(path), hint="save it as UTF-8") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise BadInput(
            f"the {what} file is not valid YAML: {getattr(error, 'problem', None) or error}",
            where=f"{path}{line}",
            hint="correct that line",
        ) from None


class _UniqueKeyLoader(yaml.SafeLoader):
    """SafeLoader that rejects duplicate keys, of which PyYAML silently uses the last."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        keys: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=deep)
            if key_node.tag != "tag:yaml.org,2002:merge" and key in keys:
                raise yaml.constructor.ConstructorError(None, None, f"duplicate key {key!r}", key_node.start_mark)
            keys.add(key)
        return super().construct_mapping(node, deep=deep)


def _validation_error(error: ValidationError, what: str, where: str | None, model: type[BaseModel]) -> BadInput:
    """Convert pydantic's errors to one ``BadInput``: key path, problem, closest valid key."""
    lines = []
    for problem in error.errors()[:MAX_ERRORS]:
        path = ".".join(str(part) for part in problem["loc"]) or "(top)"
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            near = difflib.get_close_matches(str(problem["loc"][-1]), _keys_of(model), n=1)
            message = "is not a known key" + (f"; did you mean {near[0]!r}?" if near else "")
        elif problem["type"] != "missing" and not isinstance(problem["input"], Mapping):
            message += f" (got {repr(problem['input'])[:80]})"
        lines.append(f"{path}: {message}")
    more = error.error_count() - MAX_ERRORS
    lines += [f"... and {more} more"] if more > 0 else []
    return BadInput(
        f"this {what} is not valid:\n    " + "\n    ".join(lines),
        where=where,
        hint=f"correct these keys; known keys: {', '.join(model.model_fields)}",
    )


def _keys_of(model: type[BaseModel]) -> list[str]:
    """Return the keys of the model and of its nested models."""
    keys: list[str] = []
    for definition in [model.model_json_schema(), *model.model_json_schema().get("$defs", {}).values()]:
        keys += list(definition.get("properties", {}))
    return keys
