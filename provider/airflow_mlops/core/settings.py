"""Settings that people write by hand: strict models whose errors name the file and the key."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from os import PathLike
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.imports import find_file

MOST_TOLD = 6


class Settings(BaseModel):
    """A strict, frozen model: a key that it does not know is an error, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def load(cls, value: Self | Mapping[str, Any] | str | PathLike[str], *, where: str | None = None) -> Self:
        """Read the settings.

        :param value: the path of a YAML file, its content as a dict, or the settings themselves.
        :param where: where a dict came from, for the errors.
        :raises BadInput: when the file cannot be read, or a key or a value is wrong; it names file and key.
        """
        if isinstance(value, cls):
            return value
        what = cls.__name__
        if isinstance(value, (str, PathLike)):
            where = str(value)
            value = read_yaml(value, what)
        if not isinstance(value, Mapping):
            raise BadInput(
                f"a {what} has to be a mapping, not {type(value).__name__}",
                where=where,
                mend=f"known keys: {', '.join(cls.model_fields)}",
            )
        try:
            return cls.model_validate(dict(value))
        except ValidationError as error:
            raise _told(error, what, where or str(value.get("name") or "") or None, cls) from None

    def to_dict(self) -> dict[str, Any]:
        """Give what was set, ready for JSON; :meth:`load` reads it back."""
        return self.model_dump(mode="json", exclude_unset=True)


def read_yaml(path: str | PathLike[str], what: str) -> Any:
    """Read a YAML file, found as imports are.

    :param what: what it is, for the errors.
    :raises BadInput: when it is not there, not UTF-8, not YAML, or has a key twice.
    """
    path = find_file(path)
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_OneOfEach)  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise BadInput(f"the {what} file cannot be read: {error.strerror}", where=str(path)) from None
    except UnicodeDecodeError:
        raise BadInput(f"the {what} file is not UTF-8 text", where=str(path), mend="save it as UTF-8") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise BadInput(
            f"the {what} file is not valid YAML: {getattr(error, 'problem', None) or error}",
            where=f"{path}{line}",
            mend="mend that line",
        ) from None


class _OneOfEach(yaml.SafeLoader):
    """YAML that refuses a key written twice: plain YAML would keep the last and say nothing."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=deep)
            if key_node.tag != "tag:yaml.org,2002:merge" and key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is there twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def _told(error: ValidationError, what: str, where: str | None, model: type[BaseModel]) -> BadInput:
    """Turn pydantic's list into one error of ours: key path, what is wrong, what was probably meant."""
    lines = []
    for problem in error.errors()[:MOST_TOLD]:
        path = ".".join(str(part) for part in problem["loc"]) or "(top)"
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            near = difflib.get_close_matches(str(problem["loc"][-1]), _keys_of(model), n=1)
            message = "is not a known key" + (f"; did you mean {near[0]!r}?" if near else "")
        elif problem["type"] != "missing" and not isinstance(problem["input"], Mapping):
            message += f" (got {repr(problem['input'])[:80]})"
        lines.append(f"{path}: {message}")
    more = error.error_count() - MOST_TOLD
    lines += [f"... and {more} more"] if more > 0 else []
    return BadInput(
        f"this {what} is not valid:\n    " + "\n    ".join(lines),
        where=where,
        mend=f"correct what is named above; known keys: {', '.join(model.model_fields)}",
    )


def _keys_of(model: type[BaseModel]) -> list[str]:
    """Collect the keys that the model and the models inside it know."""
    keys: list[str] = []
    for definition in [model.model_json_schema(), *model.model_json_schema().get("$defs", {}).values()]:
        keys += list(definition.get("properties", {}))
    return keys
