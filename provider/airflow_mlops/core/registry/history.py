"""Which version was champion when."""

from __future__ import annotations

from airflow_mlops.core.errors import BadInput
from airflow_mlops.store import ledger, versions
from airflow_mlops.store.clock import from_iso
from airflow_mlops.store.database import Database
from airflow_mlops.store.ledger import Clock
from airflow_mlops.store.tables import Version


def champion_at(
    database: Database, model: str, moment: str | None = None, *, clock: Clock = "effective"
) -> Version | None:
    """Give the champion of a moment; ``None`` when there was none.

    :param moment: an ISO date (its midnight, UTC) or date-time, such as a partition key; ``None`` for now.
    :param clock: ``effective``: on the data's clock, for a replay or a backfill; ``recorded``: what was known then.
    :raises BadInput: when the moment is not a date.
    """
    if moment is None:
        entry = ledger.head(database, model)
    else:
        try:
            at = from_iso(moment)
        except ValueError:
            raise BadInput(f"{moment!r} is not a moment", mend="write an ISO date or date-time") from None
        entry = ledger.as_of(database, model, at, clock=clock)
    return None if entry is None else versions.get(database, model, entry.version)
