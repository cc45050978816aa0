"""What a team writes down about its model in a ``self_tests.py``: cases, invariances, directions, functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import ModuleType
from typing import Any, Literal, Self, get_args

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.evaluation.scoring import said
from airflow_mlops.core.evaluation.self_tests.expectations import Expected
from airflow_mlops.core.evaluation.self_tests.subject import Scorer

Then = Literal["higher", "lower", "not higher", "not lower"]
Test = Callable[[Scorer], Any]
_NOTHING: Any = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One input with the answer that is expected.

    :param inputs: column -> value; a column that is not named gets its typical value in the rows: a number's median,
        else the most frequent.
    :param expect: what the score has to be, such as ``between(0, 0.3)``.
    :param why: why, in a few words; it names the test.
    :param of: in a multiclass task the class whose chance is meant.
    """

    inputs: Mapping[str, Any]
    expect: Expected
    why: str
    of: Any = None

    def __post_init__(self) -> None:
        if not isinstance(self.expect, Expected):
            raise BadInput(f"expect={self.expect!r} is no expectation", mend="write expect=between(0.0, 0.3)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Invariance:
    """A column whose value must not matter.

    :param column: the column that is changed in each row.
    :param to: the value that it gets, or a function of the column that gives the new one.
    :param tolerance: by how much a score may move.
    :param share: the share of rows whose scores have to stay.
    :param also: further columns -> the value that they get with it.
    :param where: only rows with these values: column -> value.
    :param why: why, in a few words.
    """

    column: str
    to: Any
    tolerance: float = 0.01
    share: float = 0.95
    also: Mapping[str, Any] = field(default_factory=dict)
    where: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""

    def __post_init__(self) -> None:
        _check_share(self.share)


@dataclass(frozen=True, slots=True, kw_only=True)
class Direction:
    """A column that moves the score one way.

    :param column: the column that is changed in each row.
    :param by: what is added to it; or else
    :param to: the value that it gets, or a function of the column that gives the new one.
    :param then: what the score is afterwards: ``higher``, ``lower``, ``not higher`` or ``not lower``.
    :param tolerance: how far the other way still counts as not moved; ``higher`` and ``lower`` mean by more than it.
    :param share: the share of rows that have to move so.
    :param also: further columns -> the value that they get with it.
    :param where: only rows with these values: column -> value.
    :param of: in a multiclass task the class whose chance is meant.
    :param why: why, in a few words.
    """

    column: str
    then: Then
    by: float | None = None
    to: Any = _NOTHING
    tolerance: float = 1e-9
    share: float = 0.95
    also: Mapping[str, Any] = field(default_factory=dict)
    where: Mapping[str, Any] = field(default_factory=dict)
    of: Any = None
    why: str = ""

    def __post_init__(self) -> None:
        if self.then not in get_args(Then):
            raise BadInput(f"then={self.then!r} is no direction", mend=f"write one of {', '.join(get_args(Then))}")
        if (self.by is None) == (self.to is _NOTHING):
            raise BadInput(f"how {self.column!r} changes is not clear", mend="give by=..., or to=..., not both")
        _check_share(self.share)


@dataclass(frozen=True, slots=True)
class Written:
    """What a module says about its model.

    :param cases: its ``CASES``.
    :param invariances: its ``INVARIANCES``.
    :param directions: its ``DIRECTIONS``.
    :param functions: its functions whose names start with ``test_``, by name.
    :param skip: its ``SKIP``: built-in test -> why this model need not pass it.
    """

    cases: tuple[Case, ...] = ()
    invariances: tuple[Invariance, ...] = ()
    directions: tuple[Direction, ...] = ()
    functions: Mapping[str, Test] = field(default_factory=dict)
    skip: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, module: str | ModuleType) -> Self:
        """Read a module.

        :param module: the module, or its import path, such as ``include.churn.self_tests``.
        :raises BadInput: when it cannot be imported, says nothing, or has something else in one of its lists.
        """
        found = module if isinstance(module, ModuleType) else _imported(module)
        written = cls(
            cases=_listed(found, "CASES", Case),
            invariances=_listed(found, "INVARIANCES", Invariance),
            directions=_listed(found, "DIRECTIONS", Direction),
            functions={
                name: value
                for name, value in vars(found).items()
                if name.startswith("test_") and callable(value) and getattr(value, "__module__", "") == found.__name__
            },
            skip=_skipped(found),
        )
        if not (written.cases or written.invariances or written.directions or written.functions or written.skip):
            raise BadInput(
                "there are no self-tests in the module",
                where=found.__name__,
                mend="write CASES, INVARIANCES, DIRECTIONS, or functions test_...(model)",
            )
        return written


def given(change: Invariance | Direction) -> Any:
    """Give what the changed column gets: ``(by, to)``, of which one is ``None``."""
    return (change.by, None) if isinstance(change, Direction) and change.by is not None else (None, change.to)


def _check_share(share: float) -> None:
    if not 0 < share <= 1:
        raise BadInput(f"share={share!r} is no share of rows", mend="write a number above 0 and up to 1")


def _imported(path: str) -> ModuleType:
    try:
        return import_module(path)
    except Exception as error:  # a user's module may raise anything
        raise BadInput(
            f"the self-tests cannot be imported: {said(error)}",
            where=path,
            mend="name a module as imports do, such as include.churn.self_tests, below the bundle's root",
        ) from error


def _listed(module: ModuleType, name: str, kind: type[Any]) -> tuple[Any, ...]:
    found = getattr(module, name, ())
    if not isinstance(found, (list, tuple)) or not all(isinstance(one, kind) for one in found):
        raise BadInput(
            f"{name} is no list of {kind.__name__}", where=module.__name__, mend=f"{name} = [{kind.__name__}(...)]"
        )
    return tuple(found)


def _skipped(module: ModuleType) -> dict[str, str]:
    found = getattr(module, "SKIP", {})
    if not isinstance(found, Mapping) or not all(isinstance(why, str) and why.strip() for why in found.values()):
        raise BadInput("SKIP does not say why", where=module.__name__, mend='SKIP = {"name of a built-in test": "why"}')
    return dict(found)
