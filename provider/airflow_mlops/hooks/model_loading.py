"""How models are loaded, as the MLflow connection says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_mlops.hooks.mlflow import MlflowHook

if TYPE_CHECKING:
    from airflow_mlops.core.registry.loading import Loading


def loading_of(hook: MlflowHook) -> Loading:
    """Give what the connection's extra allows: ``load_in_process`` and ``allow_pickle``, both false by default.

    :raises BadInput: when one is neither true nor false.
    """
    from airflow_mlops.core.registry.loading import Loading
    from airflow_mlops.core.yes_no import yes_or_no

    extra = hook.connection.extra_dejson

    def allows(name: str) -> bool:
        return yes_or_no(extra.get(name), name, unsaid=False, where=f"connection {hook.mlflow_conn_id}")

    return Loading(
        in_process=allows("load_in_process"),
        allow_pickle=allows("allow_pickle"),
        client=hook.client,
    )
