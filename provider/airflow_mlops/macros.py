"""Champion lookup for DAG code and Jinja templates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_mlops.hooks.store import LifecycleStoreHook

if TYPE_CHECKING:
    from airflow_mlops.store.ledger import Clock


def champion_as_of(
    model: str,
    timestamp: Any = None,
    *,
    clock: Clock = "effective",
    store_conn_id: str = LifecycleStoreHook.default_conn_name,
) -> dict[str, Any] | None:
    """Return the champion at a time as a ``ModelVersionRef`` dict, or ``None`` when there was none.

    It costs one query, so call it while a task runs, not at DAG parsing: from a Python task, or in a template as
    ``{{ macros.mlops.champion_as_of('churn', partition_key)['version'] }}``.

    :param model: the model's name.
    :param timestamp: a date or date-time, or its ISO text, such as a partition key; default: the latest decision.
    :param clock: ``effective``: the data's clock, for a replay or a backfill; ``recorded``: when decisions were stored.
    :param store_conn_id: the connection to the lifecycle store.
    :raises BadInput: when the time is not a valid date.
    """
    from airflow_mlops.core.registry.history import champion_at
    from airflow_mlops.store import versions

    text = timestamp.isoformat() if hasattr(timestamp, "isoformat") else timestamp
    version = champion_at(LifecycleStoreHook(store_conn_id).database, model, text or None, clock=clock)
    return None if version is None else versions.ref(version).to_dict()
