"""Custom model tests of a ``self_tests.py``: cases, invariances, directions and functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import ModuleType
from typing import Any, Literal, Self, get_args

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.evaluation.model_scoring import summarise_error
from airflow_mlops.core.model_tests.expectations import Expected
from airflow_mlops.core.model_tests.subject import ModelScorer

ScoreEffect = Literal["higher", "lower", "not higher", "not lower"]
CustomTestFunction = Callable[[ModelScorer], Any]
_UNSET: Any = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An input with its expected score.

    :param inputs: column -> value; other columns get their typical value in the rows: the median of numbers, else the
        most frequent value.
    :param expect: the expected score, such as ``between(0, 0.3)``.
    :param reason: the reason, in a few words; it names the test.
    :param target_class: in a multiclass task the class whose probability is tested.
    """

    inputs: Mapping[str, Any]
    expect: Expected
    reason: str
    target_class: Any = None

    def __post_init__(self) -> None:
        if not isinstance(self.expect, Expected):
            raise BadInput(f"expect={self.expect!r} is not an expectation", hint="use expect=between(0.0, 0.3)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Invariance:
    """A column whose value must not change the score.

    :param column: the column to change in each row.
    :param to: the new value, or a function of the column that returns the new column.
    :param tolerance: tolerated change of a score.
    :param min_fraction: minimum fraction of rows whose scores must not change.
    :param also: further columns to change -> their new value.
    :param where: only rows with these values: column -> value.
    :param reason: the reason, in a few words.
    """

    column: str
    to: Any
    tolerance: float = 0.01
    min_fraction: float = 0.95
    also: Mapping[str, Any] = field(default_factory=dict)
    where: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""

    def __post_init__(self) -> None:
        _check_fraction(self.min_fraction)


@dataclass(frozen=True, slots=True, kw_only=True)
class Direction:
    """A column that changes the score in one direction.

    :param column: the column to change in each row.
    :param by: the number to add to it; or else
    :param to: the new value, or a function of the column that returns the new column.
    :param expect: the expected effect on the score: ``higher``, ``lower``, ``not higher`` or ``not lower``.
    :param tolerance: changes up to this size count as none.
    :param min_fraction: minimum fraction of rows with the expected effect.
    :param also: further columns to change -> their new value.
    :param where: only rows with these values: column -> value.
    :param target_class: in a multiclass task the class whose probability is tested.
    :param reason: the reason, in a few words.
    """

    column: str
    expect: ScoreEffect
    by: float | None = None
    to: Any = _UNSET
    tolerance: float = 1e-9
    min_fraction: float = 0.95
    also: Mapping[str, Any] = field(default_factory=dict)
    where: Mapping[str, Any] = field(default_factory=dict)
    target_class: Any = None
    reason: str = ""

    def __post_init__(self) -> None:
        if self.expect not in get_args(ScoreEffect):
            raise BadInput(
                f"expect={self.expect!r} is not a direction", hint=f"use one of {', '.join(get_args(ScoreEffect))}"
            )
        if (self.by is None) == (self.to is _UNSET):
            raise BadInput(f"the change of {self.column!r} needs either by= or to=", hint="set exactly one of them")
        _check_fraction(self.min_fraction)


@dataclass(frozen=True, slots=True)
class CustomTests:
    """The custom tests of a module.

    :param cases: its ``CASES``.
    :param invariances: its ``INVARIANCES``.
    :param directions: its ``DIRECTIONS``.
    :param functions: its functions whose names start with ``test_``, by name.
    :param skip: its ``SKIP``: built-in test -> the reason to skip it.
    """

    cases: tuple[Case, ...] = ()
    invariances: tuple[Invariance, ...] = ()
    directions: tuple[Direction, ...] = ()
    functions: Mapping[str, CustomTestFunction] = field(default_factory=dict)
    skip: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, module: str | ModuleType) -> Self:
        """Load the tests of a module.

        :param module: the module, or its import path, such as ``include.churn.self_tests``.
        :raises BadInput: when it cannot be imported, has no tests, or a list has an item of the wrong type.
        """
        source = module if isinstance(module, ModuleType) else _import_module(module)
        tests = cls(
            cases=_read_list(source, "CASES", Case),
            invariances=_read_list(source, "INVARIANCES", Invariance),
            directions=_read_list(source, "DIRECTIONS", Direction),
            functions={
                name: value
                for name, value in vars(source).items()
                if name.startswith("test_") and callable(value) and getattr(value, "__module__", "") == source.__name__
            },
            skip=_read_skip(source),
        )
        if not (tests.cases or tests.invariances or tests.directions or tests.functions or tests.skip):
            raise BadInput(
                "there are no model tests in the module",
                where=source.__name__,
                hint="define CASES, INVARIANCES, DIRECTIONS, or functions test_...(model)",
            )
        return tests


def change_arguments(change: Invariance | Direction) -> Any:
    """Return how the column changes: ``(by, to)``, of which one is ``None``."""
    return (change.by, None) if isinstance(change, Direction) and change.by is not None else (None, change.to)


def _check_fraction(fraction: float) -> None:
    if not 0 < fraction <= 1:
        raise BadInput(f"min_fraction={fraction!r} is not a fraction of rows", hint="use a number above 0 and up to 1")


def _import_module(path: str) -> ModuleType:
    try:
        return import_module(path)
    except Exception as error:  # a user's module may raise anything
        raise BadInput(
            f"the model tests cannot be imported: {summarise_error(error)}",
            where=path,
            hint="use an import path below the root of the bundle, such as include.churn.self_tests",
        ) from error


def _read_list(module: ModuleType, name: str, kind: type[Any]) -> tuple[Any, ...]:
    items = getattr(module, name, ())
    if not isinstance(items, (list, tuple)) or not all(isinstance(item, kind) for item in items):
        raise BadInput(
            f"{name} is not a list of {kind.__name__}", where=module.__name__, hint=f"{name} = [{kind.__name__}(...)]"
        )
    return tuple(items)


def _read_skip(module: ModuleType) -> dict[str, str]:
    skip = getattr(module, "SKIP", {})
    if not isinstance(skip, Mapping) or not all(isinstance(reason, str) and reason.strip() for reason in skip.values()):
        raise BadInput(
            "SKIP needs a reason for each test",
            where=module.__name__,
            hint='SKIP = {"name of a built-in test": "reason"}',
        )
    return dict(skip)
