"""Is the model still fresh: when was it last trained with success, and how long has the champion been in office?

A retraining that never starts leaves no failed run, so this asks what is there and not what has happened.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.report import Check, Report
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
    """Judge the age of a model's last successful training, and of its champion.

    A training is successful when its gate has decided, whatever it decided: a challenger that is rejected has shown
    that the champion is still the best.

    :param max_days: so many days may pass without a successful training.
    :param champion_max_days: so many days one version may be champion; ``None``: as long as it likes.
    :param as_of: an ISO moment on the store's clock; default now.
    :returns: a report of kind ``freshness``; ``not_judged`` for a model that was never trained.
    :raises BadInput: when a number of days is not above zero, or the moment is none.
    """
    moment = _moment(as_of)
    trained = [v.recorded_at for v in versions.all_of(database, model) if v.gate_decision is not None]
    last = max((t for t in trained if t <= moment), default=None)
    checks = [_aged("training", last, moment, _positive("max_days", max_days), "successful training")]
    head = ledger.as_of(database, model, moment, clock="recorded")
    if champion_max_days is not None:
        most = _positive("champion_max_days", champion_max_days)
        since = None if head is None else head.recorded_at
        checks.append(_aged("champion", since, moment, most, "change of champion"))
    facts = {
        "trained_at": None if last is None else last.isoformat(),
        "version": None if head is None else head.version,
        "champion_since": None if head is None else head.recorded_at.isoformat(),
    }
    return Report.of("freshness", f"{model} {moment:%Y-%m-%d %H:%M}", checks, facts=facts)


def _aged(name: str, last: datetime | None, moment: datetime, most: float, what: str) -> Check:
    expected = f"at most {most:g} days"
    if last is None:
        return Check(name, "not_judged", expected=expected, message=f"there was no {what} yet")
    days = (moment - last) / DAY
    said = f"the last {what} was {days:.1f} days ago, on {last:%Y-%m-%d}"
    return Check(name, "fail" if days > most else "pass", observed=round(days, 3), expected=expected, message=said)


def _positive(name: str, days: float) -> float:
    if not days > 0:  # nan as well
        raise BadInput(f"{name} is no number of days: {days!r}", mend="give a number above zero, such as 30")
    return days


def _moment(as_of: str | None) -> datetime:
    try:
        return from_iso(as_of) if as_of else now()
    except ValueError:
        raise BadInput(f"as_of is no moment: {as_of!r}", mend="write 2026-04-06 or 2026-04-06T14:00") from None
