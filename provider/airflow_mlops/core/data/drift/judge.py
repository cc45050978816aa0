"""Drift: has the data moved away from the reference, by an amount that matters, and not by chance?

Two profiles come in, a report goes out; no data is read. A column drifts when the effect reaches a threshold
*and* the difference is significant after Holm's correction over all tests of the report: without the second,
small samples alarm all the time; without the first, large ones do.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from os import PathLike
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from airflow_mlops.core.data.drift import statistics
from airflow_mlops.core.data.profiles.categories import Categories
from airflow_mlops.core.data.profiles.model import MEND_LIKE, ColumnProfile, Profile
from airflow_mlops.core.data.profiles.numbers import Numbers
from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.report import Check, Report, Severity
from airflow_mlops.core.settings import Settings

MOST_LISTED = 20
EVIDENTLY: dict[str, Any] = {
    "share": None,
    "missing": None,
    "new_categories": None,
    "alpha": None,
    "min_rows": 1,
    "severity": "info",
    "drifted_share": 0.5,
}


class ColumnPolicy(Settings):
    """What is different for one column; what is not set is as in the policy.

    :param severity: what drift of this column means: ``error``, ``warn`` or ``info``.
    :param numeric: see :class:`DriftPolicy`; so for the other thresholds.
    """

    severity: Severity | None = None
    numeric: float | None = Field(default=None, gt=0)
    categorical: float | None = Field(default=None, gt=0)
    share: float | None = Field(default=None, gt=0)
    moved: float | None = Field(default=None, gt=0)
    missing: float | None = Field(default=None, gt=0)
    new_categories: float | None = Field(default=None, gt=0)


class DriftPolicy(Settings):
    """How much is drift. A threshold that is None is not judged.

    :param preset: ``evidently`` takes Evidently's thresholds without significance: Wasserstein / sd and
        Jensen-Shannon at 0.1, the dataset when half of its columns drifted. What is set beside it wins.
    :param numeric: Wasserstein distance in standard deviations of the reference.
    :param categorical: Jensen-Shannon distance, base 2.
    :param share: the change of one category's share; it tells of moves between large categories, to which
        Jensen-Shannon is blind (a share from 0.5 to 0.6 gives 0.085).
    :param moved: the share of values that left the one value of a constant reference.
    :param missing: the change of the share of missing values.
    :param new_categories: the share of values whose category the reference has never seen.
    :param alpha: the chance of one false alarm in the whole report; None asks for no significance.
    :param min_rows: independent rows that both sides need; with fewer a column is ``not_judged``.
    :param severity: what drift of a column means.
    :param drifted_share: the share of drifted columns at which the dataset fails; None leaves it to the
        columns.
    :param columns: column -> what is different there.
    :param ignore: columns that are not judged.
    """

    preset: Literal["default", "evidently"] = "default"
    numeric: float | None = Field(default=0.1, gt=0)
    categorical: float | None = Field(default=0.1, gt=0)
    share: float | None = Field(default=0.08, gt=0)
    moved: float | None = Field(default=0.05, gt=0)
    missing: float | None = Field(default=0.05, gt=0)
    new_categories: float | None = Field(default=0.05, gt=0)
    alpha: float | None = Field(default=0.01, gt=0, lt=1)
    min_rows: int = Field(default=100, ge=1)
    severity: Severity = "error"
    drifted_share: float | None = Field(default=None, gt=0, le=1)
    columns: dict[str, ColumnPolicy] = Field(default_factory=dict)
    ignore: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _fill_in_preset(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and value.get("preset") == "evidently":
            return {**EVIDENTLY, **value}
        return value

    def severity_of(self, column: str) -> Severity:
        """Say what drift of this column means."""
        own = self.columns.get(column)
        return own.severity if own and own.severity else self.severity

    def threshold(self, column: str, name: str) -> float | None:
        """Give a threshold as it holds for one column."""
        own: float | None = getattr(self.columns.get(column), name, None)
        common: float | None = getattr(self, name)
        return common if own is None else own


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
    """

    method: str
    effect: float
    threshold: float
    test: Significance | None
    says: str
    certain: bool = False

    @property
    def p_value(self) -> float | None:
        """The p-value before correction."""
        return self.test.p_value if self.test else None

    @property
    def adjusted(self) -> float | None:
        """The p-value after correction."""
        return self.test.adjusted if self.test else None

    def fires(self, alpha: float | None) -> bool:
        """Say whether it matters and is significant. What is not a finite number never passes."""
        if not math.isfinite(self.effect) or (self.p_value is not None and math.isnan(self.p_value)):
            return True
        if self.effect < self.threshold:
            return False
        return self.certain or alpha is None or (self.adjusted is not None and self.adjusted <= alpha)

    @property
    def size(self) -> float:
        """The effect in thresholds, by which effects of different kinds are compared."""
        return self.effect / self.threshold if math.isfinite(self.effect) else math.inf


@dataclass(slots=True)
class _Pair:
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
        """Pair a column up and measure it."""
        weights = [p.effective_rows / p.rows if p.rows else 1.0 for p in (reference, current)]
        pair = cls(name, reference.columns[name], current.columns[name], weights[0], weights[1], policy)
        if pair.enough("rows"):
            pair.signals += [*_missing(pair), *_infinite(pair)]
        if pair.enough("count"):
            pair.signals += [*_numeric(pair), *_categorical(pair), *_new_categories(pair)]
        return pair

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


def check_drift(
    reference: Profile,
    current: Profile,
    policy: DriftPolicy | Mapping[str, Any] | str | PathLike[str] | None = None,
    *,
    subject: str = "",
) -> Report:
    """Judge whether current data has drifted from the reference.

    :param reference: the profile of the data that the model was trained on.
    :param current: the profile of the data now, made with ``like=reference``.
    :param policy: how much is drift; the default when None.
    :param subject: what was judged, such as ``churn_features 2026-04-06``.
    :return: a report of the kind ``drift``, one check a column; ``observed`` has method, effect, p-values,
        sizes and what both sides look like. ``facts`` has how many drifted and the largest effects first.
    :raises BadInput: when the profiles count over different cells, or the policy names an unknown column.
    """
    policy = DriftPolicy.load({} if policy is None else policy)
    for name in policy.columns:
        if name not in reference.columns:
            near = difflib.get_close_matches(name, reference.columns, n=1) or sorted(reference.columns)[:10]
            raise BadInput(
                f"the policy names a column that the reference does not have: {name!r}",
                mend=f"did you mean {near}?",
            )
    judged = [name for name in reference.columns if name not in policy.ignore]
    pairs = {n: _Pair.of(n, reference, current, policy) for n in judged if _comparable(n, reference, current)}
    _adjust([signal for pair in pairs.values() for signal in pair.signals])
    checks = [_check(pairs[n]) if n in pairs else _gone(n, reference, current, policy) for n in judged]
    facts = _facts(checks, pairs, reference, current, policy)
    checks += _new_columns(reference, current, policy)
    if policy.drifted_share is not None:
        checks.append(_dataset(facts, policy.drifted_share))
    return Report.of("drift", subject or "current against reference", checks, facts=facts)


def _comparable(name: str, reference: Profile, current: Profile) -> bool:
    """Say whether a column can be compared.

    :raises BadInput: when only the cells are different, which is the caller's slip and not the data's.
    """
    if name not in current.columns or reference.columns[name].kind != current.columns[name].kind:
        return False
    if not reference.columns[name].same_cells(current.columns[name]):
        raise BadInput(
            "the two profiles count over other cells",
            where=f"column {name}",
            mend=MEND_LIKE.replace("<the other profile>", "reference"),
        )
    return True


def _adjust(signals: list[Signal]) -> None:
    """Correct the p-values of all signals together. A test that could not come out otherwise is none."""
    tests = list({id(s.test): s.test for s in signals if s.test and s.test.p_value < 1.0}.values())
    for test, adjusted in zip(tests, statistics.holm([test.p_value for test in tests]), strict=True):
        test.adjusted = adjusted


def _numeric(pair: _Pair) -> Iterator[Signal]:
    """Measure how far a number or a date moved."""
    reference, current = pair.reference.numbers, pair.current.numbers
    limit = pair.limit("numeric")
    if reference is None or current is None or limit is None:
        return
    if reference.std == 0:
        yield from _moved(pair, reference, current)
        return
    n_reference, n_current = pair.sizes("count")
    spread = reference.std if math.isfinite(reference.std) else math.nan  # overflowed: nothing can be said
    distance = wasserstein(reference, current) / spread
    p_value = statistics.ks_p_value(kolmogorov_smirnov(reference, current), n_reference, n_current)
    show = _as_date if pair.reference.kind == "date" else _as_figure
    says = f"mean {show(reference.mean)} -> {show(current.mean)} (Wasserstein {distance:.2f} reference sd)"
    if not math.isfinite(distance):
        says = "values too large to be measured: look for a broken source or unit"
    yield Signal("wasserstein_normed", distance, limit, pair.p(p_value), says)


def _moved(pair: _Pair, reference: Numbers, current: Numbers) -> Iterator[Signal]:
    """Measure how many values left the one value of a constant reference."""
    limit = pair.limit("moved")
    if limit is None:
        return
    counts = current.counts[int(np.argmax(reference.counts))] if reference.counts.any() else 0
    stayed = current.count if current.min == current.max == reference.min else int(counts)
    moved = 1 - stayed / current.count
    n_reference, n_current = pair.sizes("count")
    p_value = statistics.two_proportions_p_value(0, n_reference, moved * n_current, n_current)
    says = f"always {_as_figure(reference.min)} in the reference, now another value in {moved:.1%} of the rows"
    yield Signal("moved_share", moved, limit, pair.p(p_value), says)


def wasserstein(a: Numbers, b: Numbers) -> float:
    """Give the Wasserstein distance of two columns counted on one grid, in the column's unit.

    It is the area between the distribution functions: known at the edges, taken as straight between them, and
    from the sums of distances outside the grid. The error is at most one cell's width, and far less for
    smooth data.

    :param a: one side, with values.
    :param b: the other, with values.
    """
    gaps = np.abs(_gaps(a, b))
    inside = float(gaps[:-1].sum() + gaps[1:].sum()) / 2
    below = abs(a.below_sum / a.count - b.below_sum / b.count)
    above = abs(a.above_sum / a.count - b.above_sum / b.count)
    return (inside + below + above) * a.grid.step


def kolmogorov_smirnov(a: Numbers, b: Numbers) -> float:
    """Give the largest gap of the distribution functions at the edges: a lower bound of the KS distance."""
    return float(np.abs(_gaps(a, b)).max())


def _gaps(a: Numbers, b: Numbers) -> statistics.Counts:
    """Give the difference of the distribution functions at each edge of the grid."""
    shares = [np.concatenate([[n.below], n.below + np.cumsum(n.counts)]) / n.count for n in (a, b)]
    difference: statistics.Counts = shares[0] - shares[1]
    return difference


def _categorical(pair: _Pair) -> Iterator[Signal]:
    """Measure how far the shares of categories moved."""
    reference, current = pair.reference.categories, pair.current.categories
    if reference is None or current is None:
        return
    if reference.overflow is None and current.overflow is None:
        a, b = statistics.aligned(reference.counts, current.counts)
    else:  # too many names: by hash. The top of the reference would seem to have become rarer
        a, b = reference.buckets.astype(float), current.buckets.astype(float)
    test = pair.p(statistics.chi_squared_p_value(a * pair.weight_reference, b * pair.weight_current))
    name, before, now = _largest_move(reference, current)
    told = f"share of {name[:60]!r} {before:.1%} -> {now:.1%}"
    limit = pair.limit("categorical")
    if limit is not None:
        distance = statistics.jensen_shannon(a, b)
        yield Signal("jensenshannon", distance, limit, test, f"{told} (Jensen-Shannon {distance:.2f})")
    limit = pair.limit("share")
    if limit is not None:
        move = float(np.abs(a / a.sum() - b / b.sum()).max())
        yield Signal("share_change", move, limit, test, told)


def _largest_move(reference: Categories, current: Categories) -> tuple[str, float, float]:
    """Find the category whose share changed most."""
    shares = {
        name: (reference.counts.get(name, 0) / reference.count, current.counts.get(name, 0) / current.count)
        for name in {**reference.counts, **current.counts}
    }
    shares = shares or {"(other)": (reference.other / reference.count, current.other / current.count)}
    name = max(sorted(shares), key=lambda n: abs(shares[n][0] - shares[n][1]))
    return name, *shares[name]


def _new_categories(pair: _Pair) -> Iterator[Signal]:
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
    once = sum(count == 1 for count in reference.counts.values()) / reference.count
    n_reference, n_current = pair.sizes("count")
    p_value = 1.0
    if share > once:
        p_value = statistics.two_proportions_p_value(once * n_reference, n_reference, share * n_current, n_current)
    examples = ", ".join(repr(name[:40]) for name in sorted(new, key=lambda n: (-new[n], n))[:3])
    says = f"{share:.1%} never seen in the reference" + (f": {examples}" if examples else "")
    yield Signal("new_categories", share, limit, pair.p(p_value), says)


def _missing(pair: _Pair) -> Iterator[Signal]:
    """Measure how the share of missing values changed; a column that lost all its values has drifted."""
    before, now = pair.reference.missing_share, pair.current.missing_share
    if not pair.current.count and pair.reference.count:
        yield Signal("all_missing", 1.0, 1.0, None, "all values are missing", certain=True)
        return
    limit = pair.limit("missing")
    if limit is None:
        return
    n_reference, n_current = pair.sizes("rows")
    p_value = statistics.two_proportions_p_value(before * n_reference, n_reference, now * n_current, n_current)
    yield Signal("missing_share", abs(now - before), limit, pair.p(p_value), f"missing {before:.1%} -> {now:.1%}")


def _infinite(pair: _Pair) -> Iterator[Signal]:
    """Infinite values are in no cell; they must not go unseen."""
    if found := pair.current.non_finite:
        share = found / pair.current.rows
        yield Signal("non_finite", 1.0, 1.0, None, f"{found} infinite values ({share:.2%})", certain=True)


def _check(pair: _Pair) -> Check:
    """Fold the signals of a column into one check."""
    alpha = pair.policy.alpha
    firing = [s for s in pair.signals if s.fires(alpha)]
    told = sorted(firing or pair.signals, key=lambda s: -s.size)
    main = told[0] if told else None
    severity = pair.policy.severity_of(pair.name)
    if firing:
        status, message = "fail", _sentence(told)
    elif not pair.enough("count"):
        sizes = " and ".join(f"{size:.0f}" for size in pair.sizes("count"))
        status, message = (
            "not_judged",
            f"{sizes} independent values, {pair.policy.min_rows} are needed on each side",
        )
    elif main is None:
        status, message = "not_judged", f"nothing to judge in a column of kind {pair.reference.kind}"
    else:
        status, message = (
            "pass",
            main.says + ("" if main.effect < main.threshold else ", which may be chance"),
        )
    return Check("drift", status, severity, _observed(pair, main), _expected(pair), pair.name, message)  # type: ignore[arg-type]


def _sentence(signals: list[Signal]) -> str:
    """Say what moved; a share change is told once."""
    says = [s.says for s in signals if s.method != "share_change" or all(o.method != "jensenshannon" for o in signals)]
    return "; ".join(says)


def _observed(pair: _Pair, main: Signal | None) -> dict[str, Any]:
    sizes = [round(size) for size in pair.sizes("count")]
    return {
        "method": main.method if main else None,
        "effect": main.effect if main else None,
        "p_value": main.p_value if main else None,
        "p_adjusted": main.adjusted if main else None,
        "n_reference": sizes[0],
        "n_current": sizes[1],
        "reference": _looks(pair.reference),
        "current": _looks(pair.current),
        "signals": {
            s.method: {"effect": s.effect, "p_value": s.p_value, "p_adjusted": s.adjusted} for s in pair.signals
        },
    }


def _expected(pair: _Pair) -> dict[str, Any]:
    return {"alpha": pair.policy.alpha, **{s.method: f"< {s.threshold:g}" for s in pair.signals}}


def _looks(column: ColumnProfile) -> dict[str, Any]:
    """Say in a few figures what a column looks like."""
    looks: dict[str, Any] = {"missing": column.missing_share}
    if column.numbers and column.count:
        looks |= {"mean": column.mean, "std": column.std, "median": column.quantile(0.5)}
        looks |= {"min": column.numbers.min, "max": column.numbers.max}
    if column.categories and column.count:
        looks |= {"top": column.categories.top(), "distinct": column.categories.distinct}
    return looks


def _gone(name: str, reference: Profile, current: Profile, policy: DriftPolicy) -> Check:
    """Fail a column that is not there any more, or has become something else."""
    was, severity = reference.columns[name].kind, policy.severity_of(name)
    if name not in current.columns:
        return Check("column there", "fail", severity, None, was, name, "the column is missing from the current data")
    now = current.columns[name].kind
    return Check("type", "fail", severity, now, was, name, f"the column was of kind {was} and is now of kind {now}")


def _new_columns(reference: Profile, current: Profile, policy: DriftPolicy) -> list[Check]:
    new = [n for n in current.columns if n not in reference.columns and n not in policy.ignore]
    message = "the reference does not have this column"
    return [Check("new column", "not_judged", "info", current.columns[n].kind, None, n, message) for n in new]


def _facts(
    checks: list[Check], pairs: Mapping[str, _Pair], reference: Profile, current: Profile, policy: DriftPolicy
) -> dict[str, Any]:
    drifted = [c.where for c in checks if c.status == "fail"]
    judged = sum(c.status != "not_judged" for c in checks)
    largest = sorted(
        ((max(pair.signals, key=lambda s: s.size), name) for name, pair in pairs.items() if pair.signals),
        key=lambda found: (-found[0].size, found[1]),
    )
    return {
        "preset": policy.preset,
        "rows_reference": reference.rows,
        "rows_current": current.rows,
        "effective_rows_reference": reference.effective_rows,
        "effective_rows_current": current.effective_rows,
        "columns_judged": judged,
        "columns_drifted": len(drifted),
        "drifted": drifted[:MOST_LISTED],
        "drifted_share": len(drifted) / judged if judged else None,
        "largest_effects": [
            {"column": name, "method": s.method, "effect": s.effect, "thresholds": s.size}
            for s, name in largest[:MOST_LISTED]
        ],
    }


def _dataset(facts: Mapping[str, Any], limit: float) -> Check:
    """Judge the dataset by the share of its columns that drifted."""
    share = facts["drifted_share"]
    message = f"{facts['columns_drifted']} of {facts['columns_judged']} columns drifted"
    if share is None:
        return Check("drifted columns", "not_judged", "error", None, f"< {limit:g}", None, message)
    return Check("drifted columns", "fail" if share >= limit else "pass", "error", share, f"< {limit:g}", None, message)


def _as_figure(value: float | None) -> str:
    return "nothing" if value is None else f"{value:.4g}"


def _as_date(days: float) -> str:
    try:
        return str((datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=days)).date())
    except (OverflowError, ValueError):
        return f"day {days:.4g}"
