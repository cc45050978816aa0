"""Columns that are broken upstream, told by two profiles alone: no labels are needed.

Data that moved call for a new model, a broken column calls for its owner: a model that is trained on it learns the
fault. Some faults show in the column itself (it is gone, emptied, frozen, has infinite values). Others look like a
move: a category that comes under another name, a placeholder in place of a value, another unit. They are taken for
faults only where nothing else moved: the world does not change one column at a stroke and leave all others alone.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from itertools import chain

from airflow_mlops.core.data.profiles.model import ColumnProfile, Profile

EMPTIED = 0.2
"""Missing values that took over so much of a column."""
FROZEN = 0.98
VANISHED = 0.02
"""A category of this share that is gone altogether did not fade away."""
UNIT = 5.0
"""A unit is wrong by such a factor at least, as in cents for euros or seconds for minutes."""
PLACEHOLDERS = frozenset({"", "-", "?", "n/a", "na", "nan", "none", "null", "nil", "unknown", "undefined", "missing"})


def broken_columns(reference: Profile, current: Profile, drifted: Collection[str]) -> dict[str, str]:
    """Name the columns that are broken upstream.

    :param drifted: the columns that the drift check failed.
    :return: column -> how it is broken, in words.
    """
    certain = {name: how for name in drifted if (how := _surely(name, reference, current))}
    rest = [name for name in drifted if name not in certain]
    alone = {name: how for name in rest if (how := _perhaps(reference.columns[name], current.columns[name]))}
    return {**certain, **alone} if len(alone) == len(rest) else certain


def _surely(name: str, reference: Profile, current: Profile) -> str | None:
    """Say how a column is broken beyond doubt."""
    if name not in reference.columns:
        return None
    if name not in current.columns:
        return "the column is gone"
    before, now = reference.columns[name], current.columns[name]
    if before.kind != now.kind:
        return f"was of kind {before.kind}, is of kind {now.kind}"
    if now.missing_share - before.missing_share >= EMPTIED:
        return f"missing {before.missing_share:.0%} -> {now.missing_share:.0%}"
    if now.non_finite and not before.non_finite:
        return f"{now.non_finite} infinite values"
    return _frozen(before, now)


def _frozen(before: ColumnProfile, now: ColumnProfile) -> str | None:
    """Say whether one value took over."""
    if now.numbers is not None and now.count and before.std > 0 and now.numbers.min == now.numbers.max:
        return f"always {now.numbers.min:.4g}"
    if before.categories is None or now.categories is None or not now.count or not before.count:
        return None
    name, share = next(iter(now.categories.top(1).items()), ("", 0.0))
    had = before.categories.counts.get(name, 0) / before.count
    return f"{name!r} in {had:.0%} -> {share:.0%} of the rows" if share >= FROZEN and share - had >= 0.5 else None


def _perhaps(before: ColumnProfile, now: ColumnProfile) -> str | None:
    """Say how a column may be broken, if nothing else moved."""
    if before.categories is not None and now.categories is not None:
        if before.categories.overflow is not None or now.categories.overflow is not None:
            return None
        return _renamed(*(_shares(side) for side in (before, now)))
    return _other_unit(before, now)


def _shares(column: ColumnProfile) -> dict[str, float]:
    assert column.categories is not None
    return {name: rows / column.count for name, rows in column.categories.counts.items() if rows and column.count}


def _renamed(before: Mapping[str, float], now: Mapping[str, float]) -> str | None:
    """Say how the names of a category changed: another name for the same, a placeholder, or a name that is gone."""
    gone = {name: share for name, share in before.items() if share >= VANISHED and name not in now}
    new = {name: share for name, share in now.items() if name not in before}
    known = {_plain(name) for name in before}
    odd = [name for name in new if _plain(name) in PLACEHOLDERS or _plain(name) in known]
    if new and len(odd) == len(new) and sum(new.values()) >= VANISHED:
        return f"{sorted(new)[0]!r} in place of a value, in {sum(new.values()):.0%} of the rows"
    if gone and new and abs(sum(gone.values()) - sum(new.values())) <= max(VANISHED, sum(gone.values()) / 4):
        return f"{_some(gone)} gone, {_some(new)} in its place"
    if gone and not new and _same_mix(before, now, set(gone)):
        return f"{_some(gone)} gone, all other values as before"
    return None


def _same_mix(before: Mapping[str, float], now: Mapping[str, float], without: set[str]) -> bool:
    """Say whether the other names are there in the same proportions."""
    left = {name: share for name, share in before.items() if name not in without}
    whole = sum(left.values())
    return bool(whole) and sum(abs(share / whole - now.get(name, 0.0)) for name, share in left.items()) / 2 <= 0.05


def _plain(name: str) -> str:
    return re.sub(r"\s+", " ", name.strip().lower())


def _some(names: Mapping[str, float]) -> str:
    shown = sorted(names, key=lambda name: (-names[name], name))[:3]
    return ", ".join(repr(name[:40]) for name in shown)


def _other_unit(before: ColumnProfile, now: ColumnProfile) -> str | None:
    """Say whether all values of a number are larger, or smaller, by one factor."""
    if before.numbers is None or now.numbers is None or not before.count or not now.count or before.kind != "number":
        return None
    middles = [(before.quantile(q), now.quantile(q)) for q in (0.25, 0.5, 0.75)]
    pairs = list(chain(middles, [(before.mean, now.mean), (before.std, now.std)]))
    if any(not a or not b or a * b < 0 for a, b in pairs):
        return None
    factors = [b / a for a, b in pairs]
    factor = factors[3]
    if not (factor >= UNIT or factor <= 1 / UNIT) or max(abs(f / factor - 1) for f in factors[3:]) > 0.15:
        return None
    return f"all values {factor:.3g} times what they were: another unit?"
