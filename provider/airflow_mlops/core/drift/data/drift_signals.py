"""Drift signals of a column: effects with their thresholds and significance tests."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal, Self

import numpy as np

from airflow_mlops.common.statistics import significance
from airflow_mlops.core.data.profiles.categories import CategoryCounts
from airflow_mlops.core.data.profiles.model import ColumnProfile, Profile
from airflow_mlops.core.data.profiles.numbers import NumberHistogram
from airflow_mlops.core.drift.data import distances
from airflow_mlops.core.drift.data.drift_methods import DriftEffect, align_categories, measure_effect
from airflow_mlops.core.drift.data.drift_policy import DriftPolicy

# With clusters of unequal size, a name that occurs in one cluster only may have as many rows as a large cluster.
LARGE_CLUSTER = 3.0


@dataclass(slots=True)
class SignificanceTest:
    """A significance test, which two signals may share.

    :param p_value: the p-value before correction.
    :param adjusted: the p-value after Holm's correction over the report; None when it was not part of it.
    """

    p_value: float
    adjusted: float | None = None


@dataclass(slots=True)
class DriftSignal:
    """One measured difference of a column.

    :param method: the effect measure.
    :param effect: the effect size.
    :param threshold: the effect from which on it is drift.
    :param test: its significance test; None when there is none.
    :param description: description, such as ``mean 9.9 -> 12.4``.
    :param is_exact: whether the effect is exact, so that it needs no test.
    :param is_p_value: whether the effect is a p-value, so that values below the threshold are drift.
    """

    method: str
    effect: float
    threshold: float
    test: SignificanceTest | None
    description: str
    is_exact: bool = False
    is_p_value: bool = False

    @property
    def p_value(self) -> float | None:
        """Return the p-value before correction."""
        return self.test.p_value if self.test else None

    @property
    def adjusted(self) -> float | None:
        """Return the p-value after correction."""
        return self.test.adjusted if self.test else None

    @property
    def exceeds_threshold(self) -> bool:
        """Check whether the effect reaches its threshold."""
        return self.effect < self.threshold if self.is_p_value else self.effect >= self.threshold

    def is_drift(self, alpha: float | None) -> bool:
        """Check whether the effect reaches its threshold and is significant; a non-finite effect always does."""
        if not math.isfinite(self.effect) or (self.p_value is not None and math.isnan(self.p_value)):
            return True
        if not self.exceeds_threshold:
            return False
        return self.is_exact or alpha is None or (self.adjusted is not None and self.adjusted <= alpha)

    @property
    def relative_effect(self) -> float:
        """Return the effect relative to its threshold, to compare effects of different methods."""
        if not math.isfinite(self.effect):
            return math.inf
        if self.is_p_value:
            return self.threshold / max(self.effect, 1e-300)
        return self.effect / self.threshold

    @property
    def expected(self) -> str:
        """Return the condition for no drift, as text."""
        return f"{'>=' if self.is_p_value else '<'} {self.threshold:g}"


@dataclass(slots=True)
class ColumnPair:
    """A column on both sides.

    :param weight_reference: effective rows per row: below 1 for clustered rows.
    :param failures: why a drift method gave no effect.
    """

    name: str
    reference: ColumnProfile
    current: ColumnProfile
    weight_reference: float
    weight_current: float
    policy: DriftPolicy
    signals: list[DriftSignal] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, name: str, reference: Profile, current: Profile, policy: DriftPolicy) -> Self:
        """Create the pair of one column, without signals."""
        weights = [p.effective_rows / p.rows if p.rows else 1.0 for p in (reference, current)]
        return cls(name, reference.columns[name], current.columns[name], weights[0], weights[1], policy)

    def has_enough(self, what: Literal["rows", "count"]) -> bool:
        """Check whether both sides have the minimum number of effective rows or values."""
        return min(self.effective_sizes(what)) >= self.policy.min_rows

    def effective_sizes(self, what: Literal["rows", "count"]) -> tuple[float, float]:
        """Return the effective sizes of both sides."""
        return (
            getattr(self.reference, what) * self.weight_reference,
            getattr(self.current, what) * self.weight_current,
        )

    def threshold(self, name: str) -> float | None:
        """Return the threshold for this column."""
        return self.policy.threshold(self.name, name)

    @property
    def method(self) -> str:
        """Return the name of the column's drift method."""
        return self.policy.method(self.name, self.reference.kind)

    @property
    def effect_threshold(self) -> float | None:
        """Return the threshold of the column's drift method."""
        return self.policy.effect_threshold(self.name, self.reference.kind)

    def measure_effect(self) -> DriftEffect | None:
        """Return the effect that the column's drift method measures; None, with a failure, when there is none."""
        effect = measure_effect(self.method, self.reference, self.current)
        if isinstance(effect, str):
            self.failures.append(effect)
            return None
        return effect

    def significance(self, value: float) -> SignificanceTest | None:
        """Return a test with this p-value; None when the policy disables significance tests."""
        return None if self.policy.alpha is None else SignificanceTest(value)


def measure_drift(pair: ColumnPair) -> Iterator[DriftSignal]:
    """Measure all signals of the default policy."""
    yield from measure_exact(pair)
    if pair.has_enough("rows"):
        yield from _missing(pair)
    if pair.has_enough("count"):
        yield from _numeric(pair)
        yield from _categorical(pair)
        yield from _lengths(pair)
        yield from _new_categories(pair)


def measure_exact(pair: ColumnPair) -> Iterator[DriftSignal]:
    """Yield signals that need no test: a column without values, and infinite values, which are in no cell."""
    if not pair.has_enough("rows"):
        return
    if not pair.current.count and pair.reference.count:
        yield DriftSignal("all_missing", 1.0, 1.0, None, "all values are missing", is_exact=True)
    if count := pair.current.non_finite:
        fraction = count / pair.current.rows
        yield DriftSignal("non_finite", 1.0, 1.0, None, f"{count} infinite values ({fraction:.2%})", is_exact=True)


def _missing(pair: ColumnPair) -> Iterator[DriftSignal]:
    """Measure the change of the missing fraction."""
    before, now, limit = (
        pair.reference.missing_fraction,
        pair.current.missing_fraction,
        pair.threshold("missing_threshold"),
    )
    if limit is None or not pair.current.count:
        return
    n_reference, n_current = pair.effective_sizes("rows")
    p_value = significance.two_proportions_p_value(before * n_reference, n_reference, now * n_current, n_current)
    yield DriftSignal(
        "missing_fraction", abs(now - before), limit, pair.significance(p_value), f"missing {before:.1%} -> {now:.1%}"
    )


def _numeric(pair: ColumnPair) -> Iterator[DriftSignal]:
    """Measure the shift of a number or a date."""
    reference, current = pair.reference.numbers, pair.current.numbers
    limit = pair.effect_threshold
    if reference is None or current is None or limit is None:
        return
    if reference.std == 0:
        yield from _constant(pair, reference, current)
        return
    effect = pair.measure_effect()
    if effect is None:
        return
    p_value = effect.p_value
    if p_value is None:
        gap = distances.kolmogorov_smirnov(reference, current)
        p_value = significance.ks_p_value(gap, *pair.effective_sizes("count"))
    show = format_date if pair.reference.kind == "date" else format_number
    says = f"mean {show(reference.mean)} -> {show(current.mean)} ({effect.description})"
    if not math.isfinite(effect.size):
        says = "values too large to measure: check the source and its units"
    yield DriftSignal(pair.method, effect.size, limit, pair.significance(p_value), says)


def _constant(pair: ColumnPair, reference: NumberHistogram, current: NumberHistogram) -> Iterator[DriftSignal]:
    """Measure the fraction of values that differ from a constant reference."""
    limit = pair.threshold("constant_threshold")
    if limit is None:
        return
    count = current.counts[int(np.argmax(reference.counts))] if reference.counts.any() else 0
    equal = current.count if current.min == current.max == reference.min else int(count)
    changed = 1 - equal / current.count
    n_reference, n_current = pair.effective_sizes("count")
    p_value = significance.two_proportions_p_value(0, n_reference, changed * n_current, n_current)
    says = f"always {format_number(reference.min)} in the reference, now another value in {changed:.1%} of the rows"
    yield DriftSignal("constant_change", changed, limit, pair.significance(p_value), says)


def _lengths(pair: ColumnPair) -> Iterator[DriftSignal]:
    """Measure the shift of text lengths, for columns with too many categories to count by name."""
    sides, limit = (pair.reference.categories, pair.current.categories), pair.threshold("text_length_threshold")
    if limit is None or any(side is None or side.overflow is None for side in sides):
        return
    reference, current = (side.overflow.lengths for side in sides if side and side.overflow)
    spread = reference.std or 1.0  # all of one length: the unit is one character
    effect = distances.wasserstein(reference, current) / spread
    p_value = significance.ks_p_value(distances.kolmogorov_smirnov(reference, current), *pair.effective_sizes("count"))
    says = f"mean length {reference.mean:.1f} -> {current.mean:.1f} characters"
    yield DriftSignal("text_length", effect, limit, pair.significance(p_value), says)


def _categorical(pair: ColumnPair) -> Iterator[DriftSignal]:
    """Measure the shift of the category proportions."""
    reference, current = pair.reference.categories, pair.current.categories
    if reference is None or current is None:
        return
    a, b = align_categories(reference, current)
    test = pair.significance(significance.chi_squared_p_value(a, b, pair.weight_reference, pair.weight_current))
    name, before, now = _largest_change(reference, current)
    change = f"proportion of {name[:60]!r} {before:.1%} -> {now:.1%}"
    limit = pair.effect_threshold
    effect = pair.measure_effect() if limit is not None else None
    if limit is not None and effect is not None:
        own_test = test if effect.p_value is None else pair.significance(effect.p_value)
        yield DriftSignal(pair.method, effect.size, limit, own_test, f"{change} ({effect.description})")
    limit = pair.threshold("share_threshold")
    if limit is not None:
        size = float(np.abs(a / a.sum() - b / b.sum()).max())
        yield DriftSignal("proportion_change", size, limit, test, change)


def _largest_change(reference: CategoryCounts, current: CategoryCounts) -> tuple[str, float, float]:
    """Return the category with the largest change, and its proportions in the reference and now."""
    proportions = {
        name: (reference.counts.get(name, 0) / reference.count, current.counts.get(name, 0) / current.count)
        for name in {**reference.counts, **current.counts}
    }
    proportions = proportions or {"(other)": (reference.other / reference.count, current.other / current.count)}
    name = max(sorted(proportions), key=lambda n: abs(proportions[n][0] - proportions[n][1]))
    return name, *proportions[name]


def _new_categories(pair: ColumnPair) -> Iterator[DriftSignal]:
    """Measure the fraction of values whose category is not in the reference.

    With many rare categories some are new by chance. The test is against the expected fraction, that of reference
    categories with a single row (Good-Turing).
    """
    reference, current, limit = (
        pair.reference.categories,
        pair.current.categories,
        pair.threshold("new_categories_threshold"),
    )
    if reference is None or current is None or limit is None or reference.overflow is not None:
        return
    new = {name: count for name, count in current.counts.items() if name not in reference.counts}
    fraction = (sum(new.values()) + current.other) / current.count
    expected, size = _unseen_fraction(reference, pair.weight_reference)
    p_value, n_current = 1.0, pair.effective_sizes("count")[1]
    if fraction > expected:
        p_value = significance.two_proportions_p_value(expected * size, size, fraction * n_current, n_current)
    examples = ", ".join(repr(name[:40]) for name in sorted(new, key=lambda n: (-new[n], n))[:3])
    says = f"{fraction:.1%} in categories new to the reference" + (f": {examples}" if examples else "")
    yield DriftSignal("new_categories", fraction, limit, pair.significance(p_value), says)


def _unseen_fraction(reference: CategoryCounts, weight: float) -> tuple[float, float]:
    """Estimate the fraction of values in categories that the reference sample missed.

    Good (1953): it is N1 / n, with variance (N1 + 2 N2) / n^2, where N1 categories have one row and N2 two rows.
    For clustered rows, categories of a single cluster take the place of those with one row.

    :param weight: effective rows per row.
    :return: the fraction, and the number of independent rows that give an estimate of this precision.
    """
    rows = reference.count
    if weight < 1:
        single = sum(count for count in reference.counts.values() if count <= LARGE_CLUSTER / weight)
        return single / rows, rows * weight
    once, twice = (sum(count == n for count in reference.counts.values()) for n in (1, 2))
    fraction = once / rows
    return fraction, (fraction * (1 - fraction) * rows**2 / (once + 2 * twice) if 0 < fraction < 1 else float(rows))


def format_number(value: float | None) -> str:
    """Format a number for a message."""
    return "none" if value is None else f"{value:.4g}"


def format_date(days: float) -> str:
    """Format days since 1970 as a date."""
    try:
        return str((datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=days)).date())
    except (OverflowError, ValueError):
        return f"day {days:.4g}"
