"""Detection of columns that are broken upstream, from two profiles and without labels.

Drift calls for a new model; a broken column calls for a fix at the source, because a model trained on it learns the
fault. Some faults are certain from the column itself: it is missing, emptied, constant or has infinite values. Others
resemble drift: a renamed category, a placeholder value, another unit. They count as faults only when every drifted
column is explained, since genuine drift rarely changes single columns abruptly and leaves all others unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from itertools import chain

from airflow_mlops.core.data.profiles.model import ColumnProfile, Profile

_MIN_MISSING_INCREASE = 0.2
"""The increase of the missing fraction from which a column counts as emptied."""
_MIN_CONSTANT_FRACTION = 0.98
_MIN_CATEGORY_FRACTION = 0.02
"""A category of at least this fraction does not disappear by gradual drift."""
_MIN_UNIT_FACTOR = 5.0
"""The minimum factor of a changed unit, as in cents for euros or seconds for minutes."""
_PLACEHOLDERS = frozenset({"", "-", "?", "n/a", "na", "nan", "none", "null", "nil", "unknown", "undefined", "missing"})


def broken_columns(reference: Profile, current: Profile, drifted: Collection[str]) -> dict[str, str]:
    """Find the columns that are broken upstream.

    :param drifted: the columns that the drift check failed.
    :return: column -> a description of the fault.
    """
    certain_faults = {name: fault for name in drifted if (fault := _certain_fault(name, reference, current))}
    uncertain = [name for name in drifted if name not in certain_faults]
    possible_faults = {
        name: fault for name in uncertain if (fault := _possible_fault(reference.columns[name], current.columns[name]))
    }
    return {**certain_faults, **possible_faults} if len(possible_faults) == len(uncertain) else certain_faults


def _certain_fault(name: str, reference: Profile, current: Profile) -> str | None:
    """Describe a fault that is certain; None without one."""
    if name not in reference.columns:
        return None
    if name not in current.columns:
        return "the column is gone"
    before, now = reference.columns[name], current.columns[name]
    if before.kind != now.kind:
        return f"was of kind {before.kind}, is of kind {now.kind}"
    if now.missing_fraction - before.missing_fraction >= _MIN_MISSING_INCREASE:
        return f"missing {before.missing_fraction:.0%} -> {now.missing_fraction:.0%}"
    if now.non_finite and not before.non_finite:
        return f"{now.non_finite} infinite values"
    return _constant_value(before, now)


def _constant_value(before: ColumnProfile, now: ColumnProfile) -> str | None:
    """Describe a column in which one value has taken over; None otherwise."""
    if now.numbers is not None and now.count and before.std > 0 and now.numbers.min == now.numbers.max:
        return f"always {now.numbers.min:.4g}"
    if before.categories is None or now.categories is None or not now.count or not before.count:
        return None
    name, fraction = next(iter(now.categories.top(1).items()), ("", 0.0))
    previous_fraction = before.categories.counts.get(name, 0) / before.count
    return (
        f"{name!r} in {previous_fraction:.0%} -> {fraction:.0%} of the rows"
        if fraction >= _MIN_CONSTANT_FRACTION and fraction - previous_fraction >= 0.5
        else None
    )


def _possible_fault(before: ColumnProfile, now: ColumnProfile) -> str | None:
    """Describe a fault that resembles drift; None without one."""
    if before.categories is not None and now.categories is not None:
        if before.categories.overflow is not None or now.categories.overflow is not None:
            return None
        return _renamed_category(*(_fractions(side) for side in (before, now)))
    return _unit_change(before, now)


def _fractions(column: ColumnProfile) -> dict[str, float]:
    assert column.categories is not None
    return {name: rows / column.count for name, rows in column.categories.counts.items() if rows and column.count}


def _renamed_category(before: Mapping[str, float], now: Mapping[str, float]) -> str | None:
    """Describe changed category names: renamed, replaced by a placeholder, or gone."""
    gone = {
        name: fraction for name, fraction in before.items() if fraction >= _MIN_CATEGORY_FRACTION and name not in now
    }
    new = {name: fraction for name, fraction in now.items() if name not in before}
    known_names = {_normalised(name) for name in before}
    suspicious = [name for name in new if _normalised(name) in _PLACEHOLDERS or _normalised(name) in known_names]
    if new and len(suspicious) == len(new) and sum(new.values()) >= _MIN_CATEGORY_FRACTION:
        return f"{sorted(new)[0]!r} in place of a value, in {sum(new.values()):.0%} of the rows"
    if (
        gone
        and new
        and abs(sum(gone.values()) - sum(new.values())) <= max(_MIN_CATEGORY_FRACTION, sum(gone.values()) / 4)
    ):
        return f"{_format_names(gone)} gone, {_format_names(new)} in its place"
    if gone and not new and _same_mix(before, now, set(gone)):
        return f"{_format_names(gone)} gone, all other values as before"
    return None


def _same_mix(before: Mapping[str, float], now: Mapping[str, float], without: set[str]) -> bool:
    """Check whether the remaining categories have the same proportions."""
    remaining = {name: fraction for name, fraction in before.items() if name not in without}
    total = sum(remaining.values())
    return (
        bool(total)
        and sum(abs(fraction / total - now.get(name, 0.0)) for name, fraction in remaining.items()) / 2 <= 0.05
    )


def _normalised(name: str) -> str:
    return re.sub(r"\s+", " ", name.strip().lower())


def _format_names(names: Mapping[str, float]) -> str:
    shown = sorted(names, key=lambda name: (-names[name], name))[:3]
    return ", ".join(repr(name[:40]) for name in shown)


def _unit_change(before: ColumnProfile, now: ColumnProfile) -> str | None:
    """Describe a constant factor between all values of a numeric column; None without one."""
    if before.numbers is None or now.numbers is None or not before.count or not now.count or before.kind != "number":
        return None
    quartiles = [(before.quantile(q), now.quantile(q)) for q in (0.25, 0.5, 0.75)]
    pairs = list(chain(quartiles, [(before.mean, now.mean), (before.std, now.std)]))
    if any(not a or not b or a * b < 0 for a, b in pairs):
        return None
    factors = [b / a for a, b in pairs]
    factor = factors[3]
    if (
        not (factor >= _MIN_UNIT_FACTOR or factor <= 1 / _MIN_UNIT_FACTOR)
        or max(abs(f / factor - 1) for f in factors[3:]) > 0.15
    ):
        return None
    return f"all values {factor:.3g} times what they were: another unit?"
