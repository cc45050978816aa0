"""Parsing of split rules from DAG arguments and rendered templates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.extensions import ExtensionPoint
from airflow_mlops.core.data.contracts.durations import parse_duration
from airflow_mlops.core.training.splits.keys import KeyRule
from airflow_mlops.core.training.splits.partitions import PartitionRule
from airflow_mlops.core.training.splits.parts import SplitFractions, SplitRule
from airflow_mlops.core.training.splits.temporal import TimeRule

_FRACTIONS = SplitFractions()


def parse_split_rule(method: str, options: Mapping[str, Any]) -> SplitRule:
    """Parse a split rule.

    :param method: ``key``, ``temporal``, ``partition``, or the name or import path of a rule of another package.
    :param options: its options. ``None`` and empty values are ignored; numbers and durations may be text.
    :raises BadInput: when there is no such method, or an option is invalid, missing, or not supported by it.
    """
    used = {name: value for name, value in options.items() if value is not None and value != ""}
    return SPLIT_RULES.create(method, used)  # type: ignore[no-any-return]


def key_rule(
    *,
    key: str | Sequence[str] | None = None,
    group: str | None = None,
    test: Any = _FRACTIONS.test,
    validation: Any = _FRACTIONS.validation,
    seed: Any = 0,
    stratify: str | None = None,
) -> KeyRule:
    """Create a split by key from its options."""
    columns = group or key
    if not columns:
        raise BadInput("a split by key needs a key", hint="name a column whose values are the same in every retraining")
    return KeyRule(
        columns if isinstance(columns, str) else tuple(columns),
        SplitFractions(_parse_float("test", test), _parse_float("validation", validation)),
        seed=_parse_int("seed", seed),
        stratify=stratify,
    )


def time_rule(*, time: str, test: Any = None, validation: Any = None, gap: Any = timedelta()) -> TimeRule:
    """Create a split by time from its options."""
    sizes = {"test": test, "validation": validation}
    amounts = {name: _parse_amount(name, size) for name, size in sizes.items() if size is not None}
    if not isinstance(gap, timedelta):
        gap = timedelta() if str(gap).strip() == "0" else _parse_duration("gap", str(gap))
    return TimeRule(time, gap=gap, **amounts)


def partition_rule(
    *, partition: str = "partition", test: Any = 1, validation: Any = 1, train: Any = None, gap: Any = 0
) -> PartitionRule:
    """Create a split by partition from its options."""
    if isinstance(train, (str, int)):
        raise BadInput(
            f"train={train!r} is not a list of partitions", hint="use a list such as train=['2026-03', '2026-04']"
        )
    return PartitionRule(
        partition,
        test=_parse_partitions("test", test),
        validation=_parse_partitions("validation", validation),
        train=None if train is None else tuple(map(str, train)),
        gap=_parse_int("gap", gap),
    )


SPLIT_RULES: ExtensionPoint[Callable[..., SplitRule]] = ExtensionPoint(
    kind="split rule",
    group="splits",
    builtin={"key": key_rule, "temporal": time_rule, "partition": partition_rule},
    members=("has_validation", "assign", "to_dict"),
)


def _parse_amount(name: str, value: Any) -> timedelta | float:
    """Parse a fraction or a duration."""
    if isinstance(value, timedelta):
        return value
    try:
        return float(value)
    except (TypeError, ValueError):
        return _parse_duration(name, str(value))


def _parse_duration(name: str, text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise BadInput(f"{name}: {error}") from None


def _parse_partitions(name: str, value: Any) -> int | tuple[str, ...]:
    """Parse a number of partitions, or their names."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(map(str, value))
    return _parse_int(name, value)


def _parse_float(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise BadInput(f"{name}={value!r} is not a valid fraction", hint="use a number from 0 to 1") from None


def _parse_int(name: str, value: Any) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise BadInput(f"{name}={value!r} is not an integer") from None
    if number != float(value):
        raise BadInput(f"{name}={value!r} is not an integer")
    return number
