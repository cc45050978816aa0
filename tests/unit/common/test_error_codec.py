"""Errors cross a process boundary with their message, and with their class if the other side has it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_mlops.common import errors
from airflow_mlops.common.error_codec import (
    MAX_MESSAGE_LENGTH,
    decode_error,
    decode_mlops_error,
    encode_error,
    format_error,
)
from airflow_mlops.common.errors import BadInput, MlopsError, Refused, Superseded
from airflow_mlops.core.deployment.rollout import PredictionMismatch
from airflow_mlops.core.registry.promotion import GuardRefused
from airflow_mlops.core.tracking import TrackingUnavailable

PUBLIC = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, MlopsError)]
words = st.text(max_size=50)


def round_trip(error: BaseException) -> Exception:
    return decode_error(json.loads(json.dumps(encode_error(error))))


@given(st.sampled_from(PUBLIC), words, st.none() | words, st.none() | words)
def test_an_error_of_the_package_keeps_its_class_and_parts(
    kind: type[MlopsError], what: str, where: str | None, hint: str | None
) -> None:
    error = round_trip(kind(what, where=where, hint=hint))
    assert isinstance(error, MlopsError)
    assert (type(error), error.what, error.where, error.hint) == (kind, what, where, hint)


def subclass(name: str, kind: type[MlopsError]) -> type[MlopsError]:
    """Create a custom error class."""
    return type(name, (kind,), {})


@pytest.mark.parametrize(
    ("kind", "nearest"),
    [
        (GuardRefused, Refused),
        (PredictionMismatch, BadInput),
        (TrackingUnavailable, MlopsError),
        (subclass("Later", Superseded), Superseded),
        (subclass("BadInput", Refused), Refused),
    ],
)
def test_a_subclass_becomes_its_nearest_public_class(kind: type[MlopsError], nearest: type[MlopsError]) -> None:
    assert type(round_trip(kind("what"))) is nearest


@pytest.mark.parametrize("kind", [ValueError, ZeroDivisionError, MemoryError])
def test_a_builtin_exception_keeps_its_class(kind: type[Exception]) -> None:
    error = round_trip(kind("why"))
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
def test_other_exceptions_become_runtime_errors_with_the_class_name(error: BaseException) -> None:
    decoded = round_trip(error)
    assert type(decoded) is RuntimeError
    assert str(decoded) == format_error(error) == f"{type(error).__name__}: {error}"


def test_a_long_message_is_truncated() -> None:
    assert encode_error(ValueError("x" * 20_000))["what"] == "x" * MAX_MESSAGE_LENGTH
    assert len(format_error(ValueError("x" * 20_000))) == MAX_MESSAGE_LENGTH


@pytest.mark.parametrize(
    "value", [{}, {"type": "Any"}, {"type": "partial", "what": 3}, {"type": "print"}, {"type": None}]
)
def test_output_of_a_broken_process_becomes_a_runtime_error(value: dict[str, Any]) -> None:
    assert decode_mlops_error(value) is None
    assert type(decode_error(value)) is RuntimeError
