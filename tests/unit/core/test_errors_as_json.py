"""Errors across the border of a process: the same class where the other side has it, the same words always."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_mlops.core import errors
from airflow_mlops.core.errors import BadInput, MlopsError, Refused, Superseded
from airflow_mlops.core.errors_as_json import MOST_TOLD, as_raised, described, in_words, ours
from airflow_mlops.core.registry.promotion import GuardRefused
from airflow_mlops.core.serving.deployment import NotTheSame
from airflow_mlops.core.tracking import TrackingUnavailable

PUBLIC = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, MlopsError)]
words = st.text(max_size=50)


def there_and_back(error: BaseException) -> Exception:
    return as_raised(json.loads(json.dumps(described(error))))


@given(st.sampled_from(PUBLIC), words, st.none() | words, st.none() | words)
def test_one_of_ours_keeps_its_class_and_its_parts(
    kind: type[MlopsError], what: str, where: str | None, mend: str | None
) -> None:
    error = there_and_back(kind(what, where=where, mend=mend))
    assert isinstance(error, MlopsError)
    assert (type(error), error.what, error.where, error.mend) == (kind, what, where, mend)


def of_a_person(name: str, kind: type[MlopsError]) -> type[MlopsError]:
    """A class of somebody's own."""
    return type(name, (kind,), {})


@pytest.mark.parametrize(
    ("kind", "nearest"),
    [
        (GuardRefused, Refused),
        (NotTheSame, BadInput),
        (TrackingUnavailable, MlopsError),
        (of_a_person("Later", Superseded), Superseded),
        (of_a_person("BadInput", Refused), Refused),
    ],
)
def test_a_subclass_from_elsewhere_becomes_the_nearest_class_that_both_sides_have(
    kind: type[MlopsError], nearest: type[MlopsError]
) -> None:
    assert type(there_and_back(kind("what"))) is nearest


@pytest.mark.parametrize("kind", [ValueError, ZeroDivisionError, MemoryError])
def test_one_of_python_s_own_is_raised_as_it_was(kind: type[Exception]) -> None:
    error = there_and_back(kind("why"))
    assert (type(error), str(error)) == (kind, "why")


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(2, "no such file"),
        UnicodeDecodeError("utf-8", b"x", 0, 1, "why"),
        ExceptionGroup("several", [ValueError("one")]),
        KeyboardInterrupt("now"),
        json.JSONDecodeError("why", "x", 0),
    ],
    ids=lambda error: type(error).__name__,
)
def test_one_that_words_alone_do_not_make_keeps_its_name_in_its_words(error: BaseException) -> None:
    found = there_and_back(error)
    assert type(found) is RuntimeError
    assert str(found) == in_words(error) == f"{type(error).__name__}: {error}"


def test_a_long_story_is_cut() -> None:
    assert described(ValueError("x" * 20_000))["what"] == "x" * MOST_TOLD
    assert len(in_words(ValueError("x" * 20_000))) == MOST_TOLD


@pytest.mark.parametrize(
    "told", [{}, {"type": "MOST_TOLD"}, {"type": "partial", "what": 3}, {"type": "print"}, {"type": None}]
)
def test_what_a_broken_process_tells_is_an_error_all_the_same(told: dict[str, Any]) -> None:
    assert ours(told) is None
    assert type(as_raised(told)) is RuntimeError
