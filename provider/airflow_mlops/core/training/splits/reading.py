"""From what people write in a DAG, or a template has made of it, to a rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from airflow_mlops.core.data.contracts.durations import duration
from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.training.splits.keys import KeyRule
from airflow_mlops.core.training.splits.partitions import PartitionRule
from airflow_mlops.core.training.splits.parts import Rule, Shares
from airflow_mlops.core.training.splits.temporal import TimeRule

TAKES = {
    "key": {"key", "group", "test", "validation", "seed", "stratify", "earlier"},
    "temporal": {"time", "test", "validation", "gap"},
    "partition": {"partition", "test", "validation", "train", "gap"},
}
"""Way to split -> what says something about it."""


def rule_of(how: str, written: Mapping[str, Any]) -> Rule:
    """Read a rule.

    :param how: ``key``, ``temporal`` or ``partition``.
    :param written: what is said about it: see :data:`TAKES`. A value that is ``None`` or empty is not said; numbers and
        spans may be text.
    :raises BadInput: when something cannot be read, is missing, or says nothing about this way to split.
    """
    if how not in TAKES:
        raise BadInput(f"there is no split by {how!r}", mend=f"how is one of {', '.join(TAKES)}")
    said = {name: value for name, value in written.items() if value is not None and value != ""}
    if unused := sorted(said.keys() - TAKES[how]):
        raise BadInput(
            f"{unused[0]} says nothing about a split by {how!r}", mend=f"it takes {', '.join(sorted(TAKES[how]))}"
        )
    return {"key": _by_key, "temporal": _by_time, "partition": _by_partition}[how](said)


def _by_key(said: Mapping[str, Any]) -> Rule:
    key = said.get("group") or said.get("key")
    if not key:
        raise BadInput(
            "a split by key needs a key", mend="name the column whose values are the same in every retraining"
        )
    return KeyRule(
        key if isinstance(key, str) else tuple(key),
        Shares(
            _number("test", said.get("test", Shares().test)),
            _number("validation", said.get("validation", Shares().validation)),
        ),
        seed=_whole("seed", said.get("seed", 0)),
        stratify=said.get("stratify"),
        earlier=said.get("earlier"),
    )


def _by_time(said: Mapping[str, Any]) -> Rule:
    if "time" not in said:
        raise BadInput("a temporal split needs a time", mend="name the column of moments with time=")
    amounts = {name: _amount(name, said[name]) for name in ("test", "validation") if name in said}
    gap = said.get("gap", timedelta())
    if not isinstance(gap, timedelta) and str(gap).strip() != "0":
        gap = _span("gap", str(gap))
    return TimeRule(said["time"], gap=gap if isinstance(gap, timedelta) else timedelta(), **amounts)


def _by_partition(said: Mapping[str, Any]) -> Rule:
    which = {name: _which(name, said[name]) for name in ("test", "validation") if name in said}
    train = said.get("train")
    if isinstance(train, (str, int)):
        raise BadInput(f"train={train!r} is no list of partitions", mend="write train=['2026-03', '2026-04']")
    return PartitionRule(
        said.get("partition", "partition"),
        train=None if train is None else tuple(map(str, train)),
        gap=_whole("gap", said.get("gap", 0)),
        **which,
    )


def _amount(name: str, value: Any) -> timedelta | float:
    """Read a share or a span of time."""
    if isinstance(value, timedelta):
        return value
    try:
        return float(value)
    except (TypeError, ValueError):
        return _span(name, str(value))


def _span(name: str, text: str) -> timedelta:
    try:
        return duration(text)
    except ValueError as error:
        raise BadInput(f"{name}: {error}") from None


def _which(name: str, value: Any) -> int | tuple[str, ...]:
    """Read how many partitions, or which."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(map(str, value))
    return _whole(name, value)


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise BadInput(f"{name}={value!r} is no share", mend="give a number from 0 to 1") from None


def _whole(name: str, value: Any) -> int:
    try:
        whole = int(value)
    except (TypeError, ValueError):
        raise BadInput(f"{name}={value!r} is no whole number") from None
    if whole != float(value):
        raise BadInput(f"{name}={value!r} is no whole number")
    return whole
