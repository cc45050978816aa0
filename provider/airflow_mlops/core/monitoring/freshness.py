"""Freshness: the age of a model's last successful training and of its champion.

A retraining that never starts leaves no failed run, so the check reads the store's state and not the run history.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.report import Check, Report
from airflow_mlops.store import ledger, versions
from airflow_mlops.store.clock import from_iso, now
from airflow_mlops.store.database import Database

DAY = timedelta(days=1)


def check_freshness(
    database: Database,
    *,
    model: str,
    max_days: float,
    champion_max_days: float | None = None,
    as_of: str | None = None,
) -> Report:
    """Check the age of a model's last successful training, and of its champion.

    A training is successful when its gate has decided, whatever the decision: a rejected challenger confirms the
    champion.

    :param max_days: the maximum number of days since the last successful training.
    :param champion_max_days: the maximum number of days for which one version may be champion; ``None``: no limit.
    :param as_of: an ISO timestamp on the store's clock; default: now.
    :returns: a report of kind ``freshness``; ``inconclusive`` for a model that was never trained.
    :raises BadInput: when a number of days is not positive, or ``as_of`` is not a timestamp.
    """
    at = _parse_as_of(as_of)
    trained = [v.recorded_at for v in versions.of_model(database, model) if v.gate_decision is not None]
    last = max((t for t in trained if t <= at), default=None)
    checks = [_check_age("training", last, at, _positive("max_days", max_days), "successful training")]
    head = ledger.as_of(database, model, at, clock="recorded")
    if champion_max_days is not None:
        max_age = _positive("champion_max_days", champion_max_days)
        since = None if head is None else head.recorded_at
        checks.append(_check_age("champion", since, at, max_age, "change of champion"))
    facts = {
        "trained_at": None if last is None else last.isoformat(),
        "version": None if head is None else head.version,
        "champion_since": None if head is None else head.recorded_at.isoformat(),
    }
    return Report.from_checks("freshness", f"{model} {at:%Y-%m-%d %H:%M}", checks, facts=facts)


def _check_age(name: str, last: datetime | None, at: datetime, max_age: float, event: str) -> Check:
    expected = f"at most {max_age:g} days"
    if last is None:
        return Check(name, "inconclusive", expected=expected, message=f"there was no {event} yet")
    days = (at - last) / DAY
    message = f"the last {event} was {days:.1f} days ago, on {last:%Y-%m-%d}"
    return Check(
        name, "fail" if days > max_age else "pass", observed=round(days, 3), expected=expected, message=message
    )


def _positive(name: str, days: float) -> float:
    if not days > 0:  # nan as well
        raise BadInput(f"{name} must be positive; got {days!r}", hint="set a number above zero, such as 30")
    return days


def _parse_as_of(as_of: str | None) -> datetime:
    try:
        return from_iso(as_of) if as_of else now()
    except ValueError:
        raise BadInput(f"as_of is not a timestamp: {as_of!r}", hint="write 2026-04-06 or 2026-04-06T14:00") from None
