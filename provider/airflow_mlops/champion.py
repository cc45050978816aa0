"""Who is champion, for DAG files and templates: a question that costs one query."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_mlops.hooks.store import LifecycleStoreHook

if TYPE_CHECKING:
    from airflow_mlops.store.ledger import Clock


def champion_as_of(
    model: str,
    moment: Any = None,
    *,
    clock: Clock = "effective",
    store_conn_id: str = LifecycleStoreHook.default_conn_name,
) -> dict[str, Any] | None:
    """Give the champion of a moment as a ``ModelVersionRef``'s plain dict; ``None`` when there was none.

    Call it while a task runs, not while a DAG file is parsed: from a Python task, or in a template as
    ``{{ macros.mlops.champion_as_of('churn', partition_key)['version'] }}``.

    :param model: the model's name.
    :param moment: a date, a date-time, or either as ISO text, such as a partition key; default: now, the newest
        decision.
    :param clock: ``effective``: on the data's clock, for a replay or a backfill; ``recorded``: what was known then.
    :param store_conn_id: the connection to the lifecycle store.
    :raises BadInput: when the moment is no date.
    """
    from airflow_mlops.core.registry.history import champion_at
    from airflow_mlops.store import versions

    asked = moment.isoformat() if hasattr(moment, "isoformat") else moment
    found = champion_at(LifecycleStoreHook(store_conn_id).database, model, asked or None, clock=clock)
    return None if found is None else versions.ref(found).to_dict()
