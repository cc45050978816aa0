"""Drift check of two profiles.

A column drifts when its effect reaches a threshold *and* is significant after Holm's correction over all tests of the
report. Without the significance test small samples cause false alarms, without the threshold large ones.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import Any

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.report import Check, Report, Severity
from airflow_mlops.common.statistics import significance
from airflow_mlops.core.data.profiles.model import LIKE_HINT, ColumnProfile, Profile
from airflow_mlops.core.drift.data import drift_signals, evidently_preset
from airflow_mlops.core.drift.data.distributions import bin_distributions
from airflow_mlops.core.drift.data.drift_policy import DriftPolicy
from airflow_mlops.core.drift.data.drift_signals import ColumnPair, DriftSignal

MAX_LISTED = 20
MAX_DRAWN = 60  # columns with distributions in the report, largest effects first


def check_drift(
    reference: Profile,
    current: Profile,
    policy: DriftPolicy | Mapping[str, Any] | str | PathLike[str] | None = None,
    *,
    subject: str = "",
    kind: str = "drift",
    windows: Sequence[Mapping[str, Any]] = (),
) -> Report:
    """Check whether current data has drifted from the reference.

    :param reference: the profile of the training data.
    :param current: the profile of the current data, made with ``like=reference``.
    :param policy: the drift policy; the default when None.
    :param subject: the subject of the report, such as ``churn_features 2026-04-06``.
    :param kind: the kind of the report: ``drift``; ``prediction_drift`` for profiles of scores; ``skew`` for training
        against serving data.
    :param windows: the last windows, oldest first, each ``{partition, value, verdict}``, for the chart.
    :return: a report with one check per column; ``observed`` has method, effect, p-values, sizes, summary statistics
        and binned distributions. ``facts`` has the number of drifted columns and the largest effects first.
    :raises BadInput: when the profiles count over different cells, or the policy has an unknown column.
    """
    policy = DriftPolicy.load({} if policy is None else policy)
    _check_policy_columns(policy, reference)
    names = [name for name in reference.columns if name not in policy.ignore]
    pairs = {n: ColumnPair.of(n, reference, current, policy) for n in names if _is_comparable(n, reference, current)}
    measure = (
        evidently_preset.measure_with_evidently_rules if policy.preset == "evidently" else drift_signals.measure_drift
    )
    for pair in pairs.values():
        pair.signals = list(measure(pair))
    _adjust([signal for pair in pairs.values() for signal in pair.signals])
    largest = sorted(pairs, key=lambda n: (-max((s.relative_effect for s in pairs[n].signals), default=0.0), n))
    drawn = set(largest[:MAX_DRAWN])
    checks = [
        _check_column(pairs[n], n in drawn)
        if n in pairs
        else _check_presence(n, reference, current, policy.severity_of(n, is_absent=True))
        for n in names
    ]
    facts = _facts(checks, [pairs[n] for n in largest], reference, current, policy)
    if windows:
        facts["windows"] = [dict(window) for window in windows]
    checks += _new_columns(reference, current, policy)
    if policy.drifted_fraction_threshold is not None:
        checks.append(_check_dataset(facts, policy.drifted_fraction_threshold))
    return Report.from_checks(kind, subject or "current against reference", checks, facts=facts)


def _check_policy_columns(policy: DriftPolicy, reference: Profile) -> None:
    """Raise BadInput when the policy has columns that the reference does not have."""
    for name in {**policy.columns, **policy.importance}:
        if name not in reference.columns:
            matches = difflib.get_close_matches(name, reference.columns, n=1) or sorted(reference.columns)[:10]
            raise BadInput(
                f"the policy has a column that is not in the reference: {name!r}",
                hint=f"did you mean {matches}?",
            )


def _is_comparable(name: str, reference: Profile, current: Profile) -> bool:
    """Check whether a column has the same kind on both sides.

    :raises BadInput: when only the cells differ, which is an error of the caller.
    """
    if name not in current.columns or reference.columns[name].kind != current.columns[name].kind:
        return False
    if not reference.columns[name].has_same_cells(current.columns[name]):
        raise BadInput(
            "the two profiles count over different cells",
            where=f"column {name}",
            hint=LIKE_HINT.replace("<the other profile>", "reference"),
        )
    return True


def _adjust(signals: Iterable[DriftSignal]) -> None:
    """Adjust the p-values of all signals together. Tests with a p-value of 1 do not count."""
    tests = list({id(s.test): s.test for s in signals if s.test and s.test.p_value < 1.0}.values())
    for test, adjusted in zip(tests, significance.holm([test.p_value for test in tests]), strict=True):
        test.adjusted = adjusted


def _check_column(pair: ColumnPair, drawn: bool) -> Check:
    """Combine the signals of a column into one check."""
    alpha = pair.policy.alpha
    firing = [s for s in pair.signals if s.is_drift(alpha)]
    ranked = sorted(firing or pair.signals, key=lambda s: -s.relative_effect)
    main = ranked[0] if ranked else None
    severity = pair.policy.severity_of(pair.name)
    if firing:
        status, message = "fail", "; ".join([_describe_signals(ranked), *pair.failures])
    elif not pair.has_enough("count"):
        sizes = " and ".join(f"{size:.0f}" for size in pair.effective_sizes("count"))
        status, message = (
            "inconclusive",
            f"{sizes} independent values; each side requires {pair.policy.min_rows}",
        )
    elif pair.failures:
        status, message = "inconclusive", "; ".join(pair.failures)
    elif main is None:
        status, message = "inconclusive", f"no drift check for columns of kind {pair.reference.kind}"
    else:
        status, message = (
            "pass",
            main.description + (", not significant" if main.exceeds_threshold and not main.is_exact else ""),
        )
    return Check("drift", status, severity, _observed(pair, main, drawn), _expected(pair), pair.name, message)  # type: ignore[arg-type]


def _describe_signals(signals: Sequence[DriftSignal]) -> str:
    """Describe the signals; a change of one proportion is covered by the distance with the same test."""
    return "; ".join(
        s.description for s in signals if s.method != "proportion_change" or not _has_shared_test(s, signals)
    )


def _has_shared_test(signal: DriftSignal, signals: Sequence[DriftSignal]) -> bool:
    return any(other is not signal and other.test is signal.test for other in signals)


def _observed(pair: ColumnPair, main: DriftSignal | None, drawn: bool) -> dict[str, Any]:
    sizes = [round(size) for size in pair.effective_sizes("count")]
    return {
        "method": main.method if main else None,
        "effect": main.effect if main else None,
        "p_value": main.p_value if main else None,
        "p_adjusted": main.adjusted if main else None,
        "n_reference": sizes[0],
        "n_current": sizes[1],
        "reference": _summary(pair.reference),
        "current": _summary(pair.current),
        "distribution": bin_distributions(pair.reference, pair.current) if drawn else None,
        "signals": {
            s.method: {"effect": s.effect, "p_value": s.p_value, "p_adjusted": s.adjusted} for s in pair.signals
        },
    }


def _expected(pair: ColumnPair) -> dict[str, Any]:
    return {"alpha": pair.policy.alpha, **{s.method: s.expected for s in pair.signals}}


def _summary(column: ColumnProfile) -> dict[str, Any]:
    """Return summary statistics of a column."""
    summary: dict[str, Any] = {"missing": column.missing_fraction}
    if column.numbers and column.count:
        summary |= {"mean": column.mean, "std": column.std, "median": column.quantile(0.5)}
        summary |= {"min": column.numbers.min, "max": column.numbers.max}
    if column.categories and column.count:
        summary |= {"top": column.categories.top(), "distinct": column.categories.distinct}
    return summary


def _check_presence(name: str, reference: Profile, current: Profile, severity: Severity) -> Check:
    """Fail a column that is missing, or has another kind."""
    was = reference.columns[name].kind
    if name not in current.columns:
        return Check("column present", "fail", severity, None, was, name, "the column is missing from the current data")
    now = current.columns[name].kind
    return Check("type", "fail", severity, now, was, name, f"the column was of kind {was} and is now of kind {now}")


def _new_columns(reference: Profile, current: Profile, policy: DriftPolicy) -> list[Check]:
    new = [n for n in current.columns if n not in reference.columns and n not in policy.ignore]
    message = "the reference does not have this column"
    return [Check("new column", "inconclusive", "info", current.columns[n].kind, None, n, message) for n in new]


def _facts(
    checks: Sequence[Check], largest: Sequence[ColumnPair], reference: Profile, current: Profile, policy: DriftPolicy
) -> dict[str, Any]:
    evaluated = [str(c.where) for c in checks if c.status != "inconclusive"]
    drifted = [str(c.where) for c in checks if c.status == "fail"]
    weight = sum(policy.weight(name) for name in evaluated)
    main_signals = [(pair, max(pair.signals, key=lambda s: s.relative_effect)) for pair in largest if pair.signals]
    return {
        "preset": policy.preset,
        "rows_reference": reference.rows,
        "rows_current": current.rows,
        "effective_rows_reference": reference.effective_rows,
        "effective_rows_current": current.effective_rows,
        "columns_checked": len(evaluated),
        "columns_drifted": len(drifted),
        "drifted": drifted[:MAX_LISTED],
        "drifted_fraction": sum(policy.weight(name) for name in drifted) / weight if weight else None,
        "largest_effects": [
            {"column": pair.name, "method": s.method, "effect": s.effect, "relative_effect": s.relative_effect}
            for pair, s in main_signals[:MAX_LISTED]
        ],
    }


def _check_dataset(facts: Mapping[str, Any], limit: float) -> Check:
    """Check the fraction of drifted columns."""
    fraction = facts["drifted_fraction"]
    message = f"{facts['columns_drifted']} of {facts['columns_checked']} columns drifted"
    if fraction is None:
        return Check("drifted columns", "inconclusive", "error", None, f"< {limit:g}", None, message)
    return Check(
        "drifted columns", "fail" if fraction >= limit else "pass", "error", fraction, f"< {limit:g}", None, message
    )
