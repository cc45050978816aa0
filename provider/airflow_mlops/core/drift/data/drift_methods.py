"""Drift methods: effect sizes of the difference between two columns, built in or of other packages."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any, Protocol

from airflow_mlops.common.extensions import ExtensionPoint
from airflow_mlops.common.statistics.significance import CellCounts
from airflow_mlops.core.data.profiles.categories import CategoryCounts
from airflow_mlops.core.data.profiles.model import ColumnKind, ColumnProfile
from airflow_mlops.core.data.profiles.numbers import NumberHistogram
from airflow_mlops.core.drift.data import distances

# Default effect threshold of all built-in methods ("ks" is the largest gap of the distribution functions, "chisquare"
# Cramer's V). 0.1 is Evidently's threshold for distances, and a common one for PSI.
DEFAULT_EFFECT_THRESHOLD = 0.1
NUMERIC_KINDS: tuple[ColumnKind, ...] = ("number", "date")
CATEGORICAL_KINDS: tuple[ColumnKind, ...] = ("category", "bool")


@dataclass(frozen=True, slots=True)
class DriftEffect:
    """What a drift method returns.

    :param size: the effect size, at least 0; infinite is always drift.
    :param p_value: the p-value of the method's own significance test. Without one the test is Kolmogorov-Smirnov for
        numbers and chi-squared for categories.
    :param description: the effect in words, such as ``PSI 0.12``; default: the method's name and the size.
    """

    size: float
    p_value: float | None = None
    description: str = ""


class DriftMethod(Protocol):
    """A measure of the difference between the distributions of a column.

    :param kinds: the kinds of columns that it applies to: ``number``, ``date``, ``category``, ``bool``.
    :param threshold: the effect size from which on it is drift, where the policy does not set one.
    """

    @property
    def kinds(self) -> Collection[ColumnKind]: ...  # noqa: D102 - a parameter of the class

    @property
    def threshold(self) -> float: ...  # noqa: D102 - a parameter of the class

    def compare(self, reference: ColumnProfile, current: ColumnProfile) -> DriftEffect | float:
        """Return the effect, or only its size. Where it raises or returns NaN, the column is ``inconclusive``.

        :param reference: the counts of the reference; not empty.
        :param current: the counts of the current data over the same cells; not empty.
        """
        ...


@dataclass(frozen=True, slots=True)
class _BuiltIn:
    """A built-in method.

    :param kinds: the kinds of columns that it applies to.
    :param measure: returns the effect size.
    :param label: a template of its description.
    """

    kinds: tuple[ColumnKind, ...]
    measure: Callable[[ColumnProfile, ColumnProfile], float]
    label: str
    threshold: float = DEFAULT_EFFECT_THRESHOLD

    def compare(self, reference: ColumnProfile, current: ColumnProfile) -> DriftEffect:
        """Return the effect."""
        size = self.measure(reference, current)
        return DriftEffect(size, description=self.label.format(size))


def align_categories(reference: CategoryCounts, current: CategoryCounts) -> tuple[CellCounts, CellCounts]:
    """Align the counts of both sides by name, or by hash bucket where there are too many names.

    Comparing only the stored names would be biased: the reference's top names seem to become rarer in any new data.
    """
    if reference.overflow is None and current.overflow is None:
        return distances.align_counts(reference.counts, current.counts)
    return reference.buckets.astype(float), current.buckets.astype(float)


def _aligned_counts(reference: ColumnProfile, current: ColumnProfile) -> tuple[CellCounts, CellCounts]:
    """Return the counts of categories, or of numbers in ten bins of equal reference counts."""
    if reference.categories is not None and current.categories is not None:
        return align_categories(reference.categories, current.categories)
    return distances.count_in_bins(*_numbers(reference, current))


def _numbers(reference: ColumnProfile, current: ColumnProfile) -> tuple[NumberHistogram, NumberHistogram]:
    if reference.numbers is None or current.numbers is None:
        raise ValueError("the column has no numbers")
    return reference.numbers, current.numbers


def _wasserstein(reference: ColumnProfile, current: ColumnProfile) -> float:
    before, now = _numbers(reference, current)
    effect = distances.wasserstein(before, now) / before.std
    return effect if math.isfinite(before.std) and math.isfinite(effect) else math.inf  # beyond the range of floats


_ALL_KINDS = (*NUMERIC_KINDS, *CATEGORICAL_KINDS)
_BUILT_IN: dict[str, DriftMethod | str] = {
    "wasserstein": _BuiltIn(NUMERIC_KINDS, _wasserstein, "Wasserstein {:.2f} reference sd"),
    "ks": _BuiltIn(
        NUMERIC_KINDS,
        lambda reference, current: distances.kolmogorov_smirnov(*_numbers(reference, current)),
        "largest gap of the distributions {:.2f}",
    ),
    "jensenshannon": _BuiltIn(
        _ALL_KINDS,
        lambda reference, current: distances.jensen_shannon(*_aligned_counts(reference, current)),
        "Jensen-Shannon {:.2f}",
    ),
    "psi": _BuiltIn(
        _ALL_KINDS, lambda reference, current: distances.psi(*_aligned_counts(reference, current)), "PSI {:.2f}"
    ),
    "chisquare": _BuiltIn(
        CATEGORICAL_KINDS,
        lambda reference, current: distances.cramers_v(*_aligned_counts(reference, current)),
        "Cramer's V {:.2f}",
    ),
}


def _invalid_reason(value: Any) -> str | None:
    if isinstance(value, type):
        return "it is a class; name an object of it"
    if missing := [name for name in ("kinds", "threshold", "compare") if not hasattr(value, name)]:
        return f"it has no {missing[0]}"
    kinds, threshold = value.kinds, value.threshold
    if not isinstance(kinds, (tuple, list, set, frozenset)) or not kinds or not {*kinds} <= {*_ALL_KINDS}:
        return f"its kinds are {kinds!r}; a method has some of {', '.join(_ALL_KINDS)}"
    if isinstance(threshold, bool) or not isinstance(threshold, (int, float)) or not 0 < threshold < math.inf:
        return f"its threshold is {threshold!r}; it has to be a positive number"
    return None


DRIFT_METHODS: ExtensionPoint[DriftMethod] = ExtensionPoint(
    kind="drift method",
    group="drift_methods",
    builtin=_BUILT_IN,
    check=_invalid_reason,
    hint="write an object with kinds, threshold and compare(reference, current), which returns the effect size",
)


def measure_effect(name: str, reference: ColumnProfile, current: ColumnProfile) -> DriftEffect | str:
    """Return the effect that a method measures, or the reason why there is none.

    :param name: the method's name or import path.
    :param reference: the reference.
    :param current: the current data.
    """
    method = DRIFT_METHODS.get(name)
    if reference.kind not in method.kinds:
        return f"the drift method {name} does not apply to columns of kind {reference.kind}"
    try:
        result = method.compare(reference, current)
        effect = result if isinstance(result, DriftEffect) else DriftEffect(result)
        effect = replace(
            effect, size=float(effect.size), p_value=None if effect.p_value is None else float(effect.p_value)
        )
    except Exception as error:  # another package's code may raise anything
        text = (str(error).splitlines() or [""])[0][:300]
        return f"the drift method {name} failed: {type(error).__name__}: {text}"
    if math.isnan(effect.size) or effect.size < 0:
        return f"the drift method {name} returned {effect.size}"
    if effect.p_value is not None and not 0 <= effect.p_value <= 1:
        return f"the drift method {name} returned the p-value {effect.p_value}"
    return replace(effect, description=effect.description or f"{name} {effect.size:.2f}")
