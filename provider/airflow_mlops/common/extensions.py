"""Extension points: a name, an entry point or an import path leads to an implementation."""

from __future__ import annotations

import difflib
import inspect
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from airflow_mlops.common.errors import BadInput, MlopsError
from airflow_mlops.common.imports import import_object

T = TypeVar("T")
PREFIX = "airflow_mlops."


@dataclass(frozen=True)
class ExtensionPoint(Generic[T]):
    """One kind of thing that packages outside this one can add, such as a metric.

    A name is looked up among the built-in implementations, then among the installed entry points. A name with a colon
    is an import path. A built-in name cannot be replaced: an entry point that has one is reported by :meth:`describe`.

    :param kind: what is added, in the singular: ``metric``.
    :param group: the entry-point group below ``airflow_mlops.``: ``metrics``.
    :param builtin: name -> an implementation, or the import path of one that is imported on first use.
    :param check: returns why an object is not an implementation, or ``None`` when it is.
    :param members: where implementations are created with options: the attributes that the created object must have.
    :param hint: how to write an implementation, shown when an object is not one.
    """

    kind: str
    group: str
    builtin: Mapping[str, T | str]
    check: Callable[[Any], str | None] = lambda _: None
    members: tuple[str, ...] = ()
    hint: str | None = None
    _loaded: dict[str, T] = field(default_factory=dict, repr=False)

    def get(self, name: str) -> T:
        """Return the implementation that a name or an import path leads to.

        :param name: a built-in name, an entry point's name, or ``package.module:attribute``.
        :raises BadInput: when there is none, it cannot be imported, or it is not of this kind.
        """
        if name not in self._loaded:
            self._loaded[name] = self._load(name)
        return self._loaded[name]

    def create(self, choice: str | Callable[..., Any], options: Mapping[str, Any] | None = None) -> Any:
        """Create the object that an implementation makes of its options.

        :param choice: the implementation's name or import path, or the class or function itself.
        :param options: keyword arguments of the class or function.
        :raises BadInput: when there is no such implementation, an option is unknown or missing, or it raises.
        """
        factory: Any = self.get(choice) if isinstance(choice, str) else choice
        name, options = name_of(choice), dict(options or {})
        if not callable(factory):
            raise BadInput(
                f"{name!r} is not a valid {self.kind}: got an object of type {type(factory).__name__}",
                hint=f"name the class, or a function that returns the {self.kind}",
            )
        self.check_options(name, factory, options)
        with third_party_errors(f"the {self.kind} {name!r} cannot be created", BadInput):
            created = factory(**options)
        if missing := [member for member in self.members if not hasattr(created, member)]:
            raise BadInput(
                f"{name!r} is not a valid {self.kind}: {type(created).__name__} has no {missing[0]!r}",
                hint=f"a {self.kind} has {', '.join(self.members)}",
            )
        return created

    def check_options(self, name: str, factory: Callable[..., Any], options: Mapping[str, Any]) -> None:
        """Check options by the signature of what they are passed to.

        :raises BadInput: when an option is unknown or missing.
        """
        try:
            parameters = inspect.signature(factory).parameters.values()
        except (TypeError, ValueError):  # written in C
            return
        named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
        known = [p.name for p in named]
        takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters)
        hint = f"its options: {', '.join(known) or 'none'}"
        if not takes_any and (unknown := [option for option in options if option not in known]):
            near = difflib.get_close_matches(str(unknown[0]), known, n=1)
            hint = f"did you mean {near[0]!r}? {hint}" if near else hint
            raise BadInput(f"{unknown[0]!r} is not an option of the {self.kind} {name!r}", hint=hint)
        if missing := [p.name for p in named if p.default is p.empty and p.name not in options]:
            raise BadInput(f"the {self.kind} {name!r} requires the option {missing[0]!r}", hint=hint)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (name in self.builtin or ":" in name or name in self._entry_points)

    def names(self) -> list[str]:
        """Return the built-in names in their order, then those of entry points in alphabetical order."""
        return [*self.builtin, *sorted(self._entry_points.keys() - self.builtin.keys())]

    def items(self) -> Iterator[tuple[str, T]]:
        """Iterate over all named implementations."""
        return ((name, self.get(name)) for name in self.names())

    def describe(self) -> list[tuple[str, str, str]]:
        """Return (name, origin, problem) of all named implementations, loading those of entry points.

        The origin is ``built in``, or the entry point's value. The problem is empty when it can be used.
        """
        rows = [(name, "built in", "") for name in self.builtin]
        for name, entry in sorted(self._entry_points.items()):
            problem = f"ignored: {name!r} is a built-in {self.kind}" if name in self.builtin else ""
            try:
                if not problem:
                    self.get(name)
            except BadInput as error:
                problem = error.what
            rows.append((name, entry.value, problem))
        return rows

    @cached_property
    def _entry_points(self) -> dict[str, EntryPoint]:
        # Reading the metadata of all installed packages takes a tenth of a second: only when a name is not built in.
        return {entry.name: entry for entry in entry_points(group=PREFIX + self.group)}

    def _load(self, name: str) -> T:
        if name in self.builtin:
            target: Any = self.builtin[name]
            value: T = import_object(target) if isinstance(target, str) else target
        elif ":" in name:
            with third_party_errors(f"the {self.kind} {name!r} cannot be imported", BadInput):
                value = import_object(name)
        elif name in self._entry_points:
            value = self._load_entry_point(self._entry_points[name])
        else:
            raise BadInput(f"{name!r} is not a known {self.kind}", hint=self._hint(name))
        if reason := self.check(value):
            raise BadInput(f"{name!r} is not a valid {self.kind}: {reason}", where=repr(value)[:200], hint=self.hint)
        return value

    def _load_entry_point(self, entry: EntryPoint) -> Any:
        try:
            return entry.load()
        except Exception as error:  # a third party's module may raise anything when it is imported
            raise BadInput(
                f"cannot load the {self.kind} {entry.name!r}: {type(error).__name__}: {error}",
                where=f"entry point {entry.value} of {entry.dist.name if entry.dist else 'an installed package'}",
                hint="repair or uninstall that package",
            ) from error

    def _hint(self, name: str) -> str:
        near = difflib.get_close_matches(name, self.names(), n=1)
        suggestion = f"did you mean {near[0]!r}? " if near else ""
        return f"{suggestion}known are {', '.join(self.names())}, or an import path 'package.module:attribute'"


def parse_choice(value: str | Mapping[str, Any], key: str) -> tuple[str, dict[str, Any]]:
    """Return the name and the options of an implementation that is chosen in YAML.

    :param value: its name, or a mapping with its name as ``kind`` and its options.
    :param key: the YAML key, for the error.
    :raises BadInput: when a mapping has no ``kind``.
    """
    if isinstance(value, str):
        return value, {}
    options = dict(value)
    kind = options.pop("kind", None)
    if not isinstance(kind, str) or not kind:
        raise BadInput(f"{key} has no kind", hint=f"write {key}: name, or {key}: {{kind: name, option: value}}")
    return kind, options


def name_of(target: object) -> str:
    """Return a name as it is, and the import path of a class, a function or an object's class."""
    if isinstance(target, str):
        return target
    named = target if hasattr(target, "__qualname__") else type(target)
    return f"{named.__module__}:{named.__qualname__}"


@contextmanager
def third_party_errors(
    what: str, error_type: type[MlopsError] = MlopsError, reraise: tuple[type[BaseException], ...] = ()
) -> Iterator[None]:
    """Translate an error that another package's code raises into one that says what failed and in which line.

    :param what: what failed.
    :param error_type: ``BadInput`` where a retry cannot help.
    :param reraise: errors that pass unchanged, as those of this package do.
    """
    passing: tuple[type[BaseException], ...] = (MlopsError, *reraise)
    try:
        yield
    except passing:
        raise
    except Exception as error:  # another package's code may raise anything
        frame = traceback.extract_tb(error.__traceback__)[-1]
        raise error_type(
            f"{what}: {type(error).__name__}: {str(error)[:500]}",
            where=f"{frame.filename}, line {frame.lineno}",
            hint="the log has the full traceback",
        ) from error
