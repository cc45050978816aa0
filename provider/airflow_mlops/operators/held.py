"""Functions in template fields: Airflow would call them when it renders the fields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from airflow_mlops.run.parameters import name_of

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Held:
    """A callable that a template field holds: Airflow calls bare ones, with its context, when it renders the fields.

    :param function: the callable.
    """

    function: Callable[..., Any]

    def __str__(self) -> str:
        """Name it, without an address in memory: the name is part of the serialised DAG."""
        return f"{getattr(self.function, '__module__', '')}:{name_of(self.function)}"

    __repr__ = __str__

    @classmethod
    def of(cls, value: T) -> T | Held:
        """Hold a callable; an import path, or nothing, needs no holding."""
        return cls(value) if callable(value) else value

    @classmethod
    def free(cls, value: T | Held) -> T | Callable[..., Any]:
        """Give back what was held, and all else as it is."""
        return value.function if isinstance(value, Held) else value
