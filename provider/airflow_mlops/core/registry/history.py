"""Champions of the past."""

from __future__ import annotations

from airflow_mlops.common.errors import BadInput
from airflow_mlops.store import ledger, versions
from airflow_mlops.store.clock import from_iso
from airflow_mlops.store.database import Database
from airflow_mlops.store.ledger import Clock
from airflow_mlops.store.tables import Version


def champion_at(
    database: Database, model: str, timestamp: str | None = None, *, clock: Clock = "effective"
) -> Version | None:
    """Return the champion at a point in time; ``None`` when there was none.

    :param timestamp: an ISO date (its midnight, UTC) or date-time, such as a partition key; ``None`` for now.
    :param clock: ``effective``: on the data's clock, for a replay or a backfill; ``recorded``: what was known then.
    :raises BadInput: when ``timestamp`` is not a date.
    """
    if timestamp is None:
        entry = ledger.head(database, model)
    else:
        try:
            time = from_iso(timestamp)
        except ValueError:
            raise BadInput(f"{timestamp!r} is not a valid timestamp", hint="use an ISO date or date-time") from None
        entry = ledger.as_of(database, model, time, clock=clock)
    return None if entry is None else versions.get(database, model, entry.version)
