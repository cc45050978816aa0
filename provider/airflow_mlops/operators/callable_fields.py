"""Wrapper for callables in template fields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from airflow_mlops.execution.steps.parameters import candidate_name

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CallableField:
    """Wrapper for a callable in a template field. Airflow calls bare callables when it renders the fields.

    :param function: the callable.
    """

    function: Callable[..., Any]

    def __str__(self) -> str:
        """Return ``module:name``. It has no memory address, because it is part of the serialised DAG."""
        return f"{getattr(self.function, '__module__', '')}:{candidate_name(self.function)}"

    __repr__ = __str__

    @classmethod
    def wrap(cls, value: T) -> T | CallableField:
        """Wrap a callable; return import paths and ``None`` unchanged."""
        return cls(value) if callable(value) else value

    @classmethod
    def unwrap(cls, value: T | CallableField) -> T | Callable[..., Any]:
        """Return the wrapped callable; return other values unchanged."""
        return value.function if isinstance(value, CallableField) else value
