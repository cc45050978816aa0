"""What is measured of one column on two sides: signals, each an effect with its threshold and its significance."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal, Self

import numpy as np

from airflow_mlops.core.data.drift import distances, statistics
from airflow_mlops.core.data.drift.policy import DriftPolicy
from airflow_mlops.core.data.drift.statistics import Counts
from airflow_mlops.core.data.profiles.categories import Categories
from airflow_mlops.core.data.profiles.model import ColumnProfile, Profile
from airflow_mlops.core.data.profiles.numbers import Numbers

# With groups of unequal size, a name that one group alone uses may be there as often as a group is large.
LARGE_GROUP = 3.0


@dataclass(slots=True)
class Significance:
    """A test of significance; two signals may rest on one.

    :param p_value: the chance to see the difference without drift.
    :param adjusted: the same after Holm's correction over the report; None when it was not part of it.
    """

    p_value: float
    adjusted: float | None = None


@dataclass(slots=True)
class Signal:
    """One thing in which a column may have moved.

    :param method: how the effect is measured.
    :param effect: how large it is.
    :param threshold: how large it may not be.
    :param test: its significance; None when that is not asked for.
    :param says: it in words, such as ``mean 9.9 -> 12.4``.
    :param certain: a fact rather than an estimate: it needs no test.
    :param small_is_drift: the effect is itself a p-value: below its threshold is drift.
    """

    method: str
    effect: float
    threshold: float
    test: Significance | None
    says: str
    certain: bool = False
    small_is_drift: bool = False

    @property
    def p_value(self) -> float | None:
        """The p-value before correction."""
        return self.test.p_value if self.test else None

    @property
    def adjusted(self) -> float | None:
        """The p-value after correction."""
        return self.test.adjusted if self.test else None

    @property
    def matters(self) -> bool:
        """Say whether the effect reaches its threshold."""
        return self.effect < self.threshold if self.small_is_drift else self.effect >= self.threshold

    def fires(self, alpha: float | None) -> bool:
        """Say whether it matters and is significant. What is not a finite number never passes."""
        if not math.isfinite(self.effect) or (self.p_value is not None and math.isnan(self.p_value)):
            return True
        if not self.matters:
            return False
        return self.certain or alpha is None or (self.adjusted is not None and self.adjusted <= alpha)

    @property
    def size(self) -> float:
        """The effect in thresholds, by which effects of different kinds are compared."""
        if not math.isfinite(self.effect):
            return math.inf
        if self.small_is_drift:
            return self.threshold / max(self.effect, 1e-300)
        return self.effect / self.threshold

    @property
    def bound(self) -> str:
        """What the effect has to be, in words."""
        return f"{'>=' if self.small_is_drift else '<'} {self.threshold:g}"


@dataclass(slots=True)
class Pair:
    """A column on both sides.

    :param weight_reference: independent rows in a row: below 1 where rows belong together.
    """

    name: str
    reference: ColumnProfile
    current: ColumnProfile
    weight_reference: float
    weight_current: float
    policy: DriftPolicy
    signals: list[Signal] = field(default_factory=list)

    @classmethod
    def of(cls, name: str, reference: Profile, current: Profile, policy: DriftPolicy) -> Self:
        """Pair a column up; nothing is measured yet."""
        weights = [p.effective_rows / p.rows if p.rows else 1.0 for p in (reference, current)]
        return cls(name, reference.columns[name], current.columns[name], weights[0], weights[1], policy)

    def enough(self, what: Literal["rows", "count"]) -> bool:
        """Say whether both sides have independent rows, or usable values, enough."""
        return min(self.sizes(what)) >= self.policy.min_rows

    def sizes(self, what: Literal["rows", "count"]) -> tuple[float, float]:
        """Give the effective sizes of both sides."""
        return (
            getattr(self.reference, what) * self.weight_reference,
            getattr(self.current, what) * self.weight_current,
        )

    def limit(self, name: str) -> float | None:
        """Give the threshold for this column."""
        return self.policy.threshold(self.name, name)

    def p(self, value: float) -> Significance | None:
        """Make a test of a p-value where the policy asks for significance."""
        return None if self.policy.alpha is None else Significance(value)


def measure(pair: Pair) -> Iterator[Signal]:
    """Measure all that the default policy looks at."""
    yield from facts(pair)
    if pair.enough("rows"):
        yield from _missing(pair)
    if pair.enough("count"):
        yield from _numeric(pair)
        yield from _categorical(pair)
        yield from _lengths(pair)
        yield from _new_categories(pair)


def facts(pair: Pair) -> Iterator[Signal]:
    """Tell what needs no test: a column that lost all its values, and infinite values, which are in no cell."""
    if not pair.enough("rows"):
        return
    if not pair.current.count and pair.reference.count:
        yield Signal("all_missing", 1.0, 1.0, None, "all values are missing", certain=True)
    if found := pair.current.non_finite:
        share = found / pair.current.rows
        yield Signal("non_finite", 1.0, 1.0, None, f"{found} infinite values ({share:.2%})", certain=True)


def _missing(pair: Pair) -> Iterator[Signal]:
    """Measure how the share of missing values changed."""
    before, now, limit = pair.reference.missing_share, pair.current.missing_share, pair.limit("missing")
    if limit is None or not pair.current.count:
        return
    n_reference, n_current = pair.sizes("rows")
    p_value = statistics.two_proportions_p_value(before * n_reference, n_reference, now * n_current, n_current)
    yield Signal("missing_share", abs(now - before), limit, pair.p(p_value), f"missing {before:.1%} -> {now:.1%}")


def _numeric(pair: Pair) -> Iterator[Signal]:
    """Measure how far a number or a date moved."""
    reference, current = pair.reference.numbers, pair.current.numbers
    limit = pair.limit("numeric")
    if reference is None or current is None or limit is None:
        return
    if reference.std == 0:
        yield from _moved(pair, reference, current)
        return
    method = pair.policy.method(pair.name, "numeric")
    effect, unit = number_effect(method, reference, current)
    p_value = statistics.ks_p_value(distances.kolmogorov_smirnov(reference, current), *pair.sizes("count"))
    show = as_date if pair.reference.kind == "date" else as_figure
    says = f"mean {show(reference.mean)} -> {show(current.mean)} ({unit.format(effect)})"
    if not math.isfinite(effect):
        says = "values too large to be measured: look for a broken source or unit"
    yield Signal(method, effect, limit, pair.p(p_value), says)


def number_effect(method: str, reference: Numbers, current: Numbers) -> tuple[float, str]:
    """Measure how far two distributions of numbers are apart.

    :return: the effect, and a template that says it.
    """
    if method == "wasserstein":
        spread = reference.std if math.isfinite(reference.std) else math.nan  # overflowed: nothing can be said
        return distances.wasserstein(reference, current) / spread, "Wasserstein {:.2f} reference sd"
    if method == "ks":
        return distances.kolmogorov_smirnov(reference, current), "largest gap of the distributions {:.2f}"
    first, second = distances.in_bins(reference, current)
    if method == "psi":
        return distances.psi(first, second), "PSI {:.2f}"
    return distances.jensen_shannon(first, second), "Jensen-Shannon {:.2f}"


def _moved(pair: Pair, reference: Numbers, current: Numbers) -> Iterator[Signal]:
    """Measure how many values left the one value of a constant reference."""
    limit = pair.limit("moved")
    if limit is None:
        return
    counts = current.counts[int(np.argmax(reference.counts))] if reference.counts.any() else 0
    stayed = current.count if current.min == current.max == reference.min else int(counts)
    moved = 1 - stayed / current.count
    n_reference, n_current = pair.sizes("count")
    p_value = statistics.two_proportions_p_value(0, n_reference, moved * n_current, n_current)
    says = f"always {as_figure(reference.min)} in the reference, now another value in {moved:.1%} of the rows"
    yield Signal("moved_share", moved, limit, pair.p(p_value), says)


def _lengths(pair: Pair) -> Iterator[Signal]:
    """Measure how far the lengths of texts moved, where there are too many different ones to count by name."""
    sides, limit = (pair.reference.categories, pair.current.categories), pair.limit("lengths")
    if limit is None or any(side is None or side.overflow is None for side in sides):
        return
    reference, current = (side.overflow.lengths for side in sides if side and side.overflow)
    spread = reference.std or 1.0  # all of one length: a character is the unit
    effect = distances.wasserstein(reference, current) / spread
    p_value = statistics.ks_p_value(distances.kolmogorov_smirnov(reference, current), *pair.sizes("count"))
    says = f"mean length {reference.mean:.1f} -> {current.mean:.1f} characters"
    yield Signal("text_length", effect, limit, pair.p(p_value), says)


def _categorical(pair: Pair) -> Iterator[Signal]:
    """Measure how far the shares of categories moved."""
    reference, current = pair.reference.categories, pair.current.categories
    if reference is None or current is None:
        return
    a, b = name_counts(reference, current)
    test = pair.p(statistics.chi_squared_p_value(a, b, pair.weight_reference, pair.weight_current))
    name, before, now = _largest_move(reference, current)
    told = f"share of {name[:60]!r} {before:.1%} -> {now:.1%}"
    limit = pair.limit("categorical")
    if limit is not None:
        method = pair.policy.method(pair.name, "categorical")
        effect, unit = name_effect(method, a, b)
        yield Signal(method, effect, limit, test, f"{told} ({unit.format(effect)})")
    limit = pair.limit("share")
    if limit is not None:
        move = float(np.abs(a / a.sum() - b / b.sum()).max())
        yield Signal("share_change", move, limit, test, told)


def name_counts(reference: Categories, current: Categories) -> tuple[Counts, Counts]:
    """Lay the counts of both sides over the same names; by hash where there are too many of them.

    Comparing only the names that were kept would not do: the top of the reference seems to become rarer in any data.
    """
    if reference.overflow is None and current.overflow is None:
        return distances.aligned(reference.counts, current.counts)
    return reference.buckets.astype(float), current.buckets.astype(float)


def name_effect(method: str, reference: Counts, current: Counts) -> tuple[float, str]:
    """Measure how far two rows of counts are apart.

    :return: the effect, and a template that says it.
    """
    if method == "psi":
        return distances.psi(reference, current), "PSI {:.2f}"
    if method == "chisquare":
        return distances.cramers_v(reference, current), "Cramer's V {:.2f}"
    return distances.jensen_shannon(reference, current), "Jensen-Shannon {:.2f}"


def _largest_move(reference: Categories, current: Categories) -> tuple[str, float, float]:
    """Find the category whose share changed most."""
    shares = {
        name: (reference.counts.get(name, 0) / reference.count, current.counts.get(name, 0) / current.count)
        for name in {**reference.counts, **current.counts}
    }
    shares = shares or {"(other)": (reference.other / reference.count, current.other / current.count)}
    name = max(sorted(shares), key=lambda n: abs(shares[n][0] - shares[n][1]))
    return name, *shares[name]


def _new_categories(pair: Pair) -> Iterator[Signal]:
    """Measure the share of categories that the reference has never seen.

    With many rare categories some are new by chance: the share to expect is that of the reference's
    categories seen once (Good-Turing), and the test is against it.
    """
    reference, current, limit = (
        pair.reference.categories,
        pair.current.categories,
        pair.limit("new_categories"),
    )
    if reference is None or current is None or limit is None or reference.overflow is not None:
        return
    new = {name: count for name, count in current.counts.items() if name not in reference.counts}
    share = (sum(new.values()) + current.other) / current.count
    once, size = _unseen(reference, pair.weight_reference)
    p_value, n_current = 1.0, pair.sizes("count")[1]
    if share > once:
        p_value = statistics.two_proportions_p_value(once * size, size, share * n_current, n_current)
    examples = ", ".join(repr(name[:40]) for name in sorted(new, key=lambda n: (-new[n], n))[:3])
    says = f"{share:.1%} never seen in the reference" + (f": {examples}" if examples else "")
    yield Signal("new_categories", share, limit, pair.p(p_value), says)


def _unseen(reference: Categories, weight: float) -> tuple[float, float]:
    """Estimate the share of values whose category the reference has not seen, though it was there.

    Good (1953): it is N1 / n, with variance (N1 + 2 N2) / n^2, where N1 categories were seen once and N2 twice.
    Where rows belong together, what one group alone has seen stands for 'once'.

    :param weight: independent rows in a row.
    :return: the share, and the number of independent rows that an estimate of this precision would come from.
    """
    rows = reference.count
    if weight < 1:
        own = sum(count for count in reference.counts.values() if count <= LARGE_GROUP / weight)
        return own / rows, rows * weight
    once, twice = (sum(count == n for count in reference.counts.values()) for n in (1, 2))
    share = once / rows
    return share, (share * (1 - share) * rows**2 / (once + 2 * twice) if 0 < share < 1 else float(rows))


def as_figure(value: float | None) -> str:
    """Say a number for a sentence."""
    return "nothing" if value is None else f"{value:.4g}"


def as_date(days: float) -> str:
    """Say days since 1970 as a date."""
    try:
        return str((datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=days)).date())
    except (OverflowError, ValueError):
        return f"day {days:.4g}"
