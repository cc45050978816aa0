"""MLflow's aliases ``champion`` and ``previous``, kept in step with the promotion ledger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from airflow_mlops.store import ledger
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import LedgerEntry

if TYPE_CHECKING:
    from mlflow import MlflowClient

_CONFLICT_CODES, _MAX_CONFLICTS = ("BAD_REQUEST", "RESOURCE_ALREADY_EXISTS"), 10


def reconcile(client: MlflowClient, database: Database, model: str) -> bool:
    """Set MLflow's aliases ``champion`` and ``previous`` to what the ledger says; return whether any differed.

    The ledger decides, so the next caller repairs a crash between ledger and alias. MLflow has no compare-and-set for
    aliases: a slow caller may overwrite a newer alias with a stale one. So after writing, re-read the ledger and repeat
    until it is stable; then the last writer always writes the current champion. A superseded attempt does the same,
    to undo a stale alias that it has just written.
    """
    from mlflow.exceptions import MlflowException

    database = database.unfenced()
    changed, conflicts = False, 0
    entries = ledger.history(database, model, limit=2)
    while entries:
        try:
            if not _set_aliases(client, entries):
                break
        except MlflowException as error:  # MLflow checks, then inserts: a concurrent writer gets its database's error
            conflicts += 1
            if error.error_code not in _CONFLICT_CODES or conflicts > _MAX_CONFLICTS:
                raise
            entries = ledger.history(database, model, limit=2)
            continue
        changed = True
        newer = ledger.history(database, model, limit=2)
        if newer[0].revision == entries[0].revision:
            break
        entries = newer
    return changed


def _set_aliases(client: MlflowClient, entries: Sequence[LedgerEntry]) -> bool:
    """Set the aliases that differ; return whether any did."""
    model, expected = entries[0].model, {"champion": entries[0].version}
    if len(entries) > 1:
        expected["previous"] = entries[1].version
    aliases = client.get_registered_model(model).aliases
    stale = {alias: version for alias, version in expected.items() if str(aliases.get(alias)) != str(version)}
    if stale:  # the tag first: after a crash in between, the stale alias still shows that there is work to do
        client.set_model_version_tag(model, str(entries[0].version), "mlops.revision", str(entries[0].revision))
    for alias, version in stale.items():
        client.set_registered_model_alias(model, alias, str(version))
    return bool(stale)
