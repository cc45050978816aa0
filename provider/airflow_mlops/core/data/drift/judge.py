"""Drift: has the data moved away from the reference, by an amount that matters, and not by chance?

Two profiles come in, a report goes out; no data is read. A column drifts when the effect reaches a threshold
*and* the difference is significant after Holm's correction over all tests of the report: without the second,
small samples alarm all the time; without the first, large ones do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import Any

from airflow_mlops.core.data.drift import evidently_rules, signals, statistics
from airflow_mlops.core.data.drift.policy import DriftPolicy
from airflow_mlops.core.data.drift.shape import shape_of
from airflow_mlops.core.data.drift.signals import Pair, Signal
from airflow_mlops.core.data.profiles.model import MEND_LIKE, ColumnProfile, Profile
from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.report import Check, Report, Severity

MOST_LISTED = 20
MOST_DRAWN = 60  # columns whose distributions travel in the report, the largest effects first


def check_drift(
    reference: Profile,
    current: Profile,
    policy: DriftPolicy | Mapping[str, Any] | str | PathLike[str] | None = None,
    *,
    subject: str = "",
    kind: str = "drift",
    windows: Sequence[Mapping[str, Any]] = (),
) -> Report:
    """Judge whether current data has drifted from the reference.

    :param reference: the profile of the data that the model was trained on.
    :param current: the profile of the data now, made with ``like=reference``.
    :param policy: how much is drift; the default when None.
    :param subject: what was judged, such as ``churn_features 2026-04-06``.
    :param kind: what the report is called: ``drift``; ``prediction_drift`` for profiles of scores; ``skew`` for
        training against serving data.
    :param windows: the last windows, oldest first, each ``{partition, value, verdict}``: kept for the picture.
    :return: a report with one check a column; ``observed`` has method, effect, p-values, sizes, what both sides
        look like, and their distributions in a few bins. ``facts`` has how many drifted and the largest effects first.
    :raises BadInput: when the profiles count over different cells, or the policy names an unknown column.
    """
    policy = DriftPolicy.load({} if policy is None else policy)
    _known(policy, reference)
    judged = [name for name in reference.columns if name not in policy.ignore]
    pairs = {n: Pair.of(n, reference, current, policy) for n in judged if _comparable(n, reference, current)}
    measure = evidently_rules.measure if policy.preset == "evidently" else signals.measure
    for pair in pairs.values():
        pair.signals = list(measure(pair))
    _adjust([signal for pair in pairs.values() for signal in pair.signals])
    largest = sorted(pairs, key=lambda n: (-max((s.size for s in pairs[n].signals), default=0.0), n))
    drawn = set(largest[:MOST_DRAWN])
    checks = [
        _check(pairs[n], n in drawn) if n in pairs else _gone(n, reference, current, policy.severity_of(n, gone=True))
        for n in judged
    ]
    facts = _facts(checks, [pairs[n] for n in largest], reference, current, policy)
    if windows:
        facts["windows"] = [dict(window) for window in windows]
    checks += _new_columns(reference, current, policy)
    if policy.drifted_share is not None:
        checks.append(_dataset(facts, policy.drifted_share))
    return Report.of(kind, subject or "current against reference", checks, facts=facts)


def _known(policy: DriftPolicy, reference: Profile) -> None:
    """Refuse a policy for columns that are not there: a threshold that is never used is a slip of the pen."""
    for name in {**policy.columns, **policy.importance}:
        if name not in reference.columns:
            near = difflib.get_close_matches(name, reference.columns, n=1) or sorted(reference.columns)[:10]
            raise BadInput(
                f"the policy names a column that the reference does not have: {name!r}",
                mend=f"did you mean {near}?",
            )


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


def _adjust(signals: Iterable[Signal]) -> None:
    """Correct the p-values of all signals together. A test that could not come out otherwise is none."""
    tests = list({id(s.test): s.test for s in signals if s.test and s.test.p_value < 1.0}.values())
    for test, adjusted in zip(tests, statistics.holm([test.p_value for test in tests]), strict=True):
        test.adjusted = adjusted


def _check(pair: Pair, drawn: bool) -> Check:
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
            main.says + (", which may be chance" if main.matters and not main.certain else ""),
        )
    return Check("drift", status, severity, _observed(pair, main, drawn), _expected(pair), pair.name, message)  # type: ignore[arg-type]


def _sentence(told: Sequence[Signal]) -> str:
    """Say what moved; a change of one share is told once, by the distance that rests on the same test."""
    return "; ".join(s.says for s in told if s.method != "share_change" or not _told_by_another(s, told))


def _told_by_another(signal: Signal, told: Sequence[Signal]) -> bool:
    return any(other is not signal and other.test is signal.test for other in told)


def _observed(pair: Pair, main: Signal | None, drawn: bool) -> dict[str, Any]:
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
        "shape": shape_of(pair.reference, pair.current) if drawn else None,
        "signals": {
            s.method: {"effect": s.effect, "p_value": s.p_value, "p_adjusted": s.adjusted} for s in pair.signals
        },
    }


def _expected(pair: Pair) -> dict[str, Any]:
    return {"alpha": pair.policy.alpha, **{s.method: s.bound for s in pair.signals}}


def _looks(column: ColumnProfile) -> dict[str, Any]:
    """Say in a few figures what a column looks like."""
    looks: dict[str, Any] = {"missing": column.missing_share}
    if column.numbers and column.count:
        looks |= {"mean": column.mean, "std": column.std, "median": column.quantile(0.5)}
        looks |= {"min": column.numbers.min, "max": column.numbers.max}
    if column.categories and column.count:
        looks |= {"top": column.categories.top(), "distinct": column.categories.distinct}
    return looks


def _gone(name: str, reference: Profile, current: Profile, severity: Severity) -> Check:
    """Fail a column that is not there any more, or has become something else."""
    was = reference.columns[name].kind
    if name not in current.columns:
        return Check("column there", "fail", severity, None, was, name, "the column is missing from the current data")
    now = current.columns[name].kind
    return Check("type", "fail", severity, now, was, name, f"the column was of kind {was} and is now of kind {now}")


def _new_columns(reference: Profile, current: Profile, policy: DriftPolicy) -> list[Check]:
    new = [n for n in current.columns if n not in reference.columns and n not in policy.ignore]
    message = "the reference does not have this column"
    return [Check("new column", "not_judged", "info", current.columns[n].kind, None, n, message) for n in new]


def _facts(
    checks: Sequence[Check], largest: Sequence[Pair], reference: Profile, current: Profile, policy: DriftPolicy
) -> dict[str, Any]:
    judged = [str(c.where) for c in checks if c.status != "not_judged"]
    drifted = [str(c.where) for c in checks if c.status == "fail"]
    weight = sum(policy.weight(name) for name in judged)
    mains = [(pair, max(pair.signals, key=lambda s: s.size)) for pair in largest if pair.signals]
    return {
        "preset": policy.preset,
        "rows_reference": reference.rows,
        "rows_current": current.rows,
        "effective_rows_reference": reference.effective_rows,
        "effective_rows_current": current.effective_rows,
        "columns_judged": len(judged),
        "columns_drifted": len(drifted),
        "drifted": drifted[:MOST_LISTED],
        "drifted_share": sum(policy.weight(name) for name in drifted) / weight if weight else None,
        "largest_effects": [
            {"column": pair.name, "method": s.method, "effect": s.effect, "thresholds": s.size}
            for pair, s in mains[:MOST_LISTED]
        ],
    }


def _dataset(facts: Mapping[str, Any], limit: float) -> Check:
    """Judge the dataset by the share of its columns that drifted."""
    share = facts["drifted_share"]
    message = f"{facts['columns_drifted']} of {facts['columns_judged']} columns drifted"
    if share is None:
        return Check("drifted columns", "not_judged", "error", None, f"< {limit:g}", None, message)
    return Check("drifted columns", "fail" if share >= limit else "pass", "error", share, f"< {limit:g}", None, message)
