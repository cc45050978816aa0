"""Options for loading models, from the MLflow connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_mlops.hooks.mlflow import MlflowHook

if TYPE_CHECKING:
    from airflow_mlops.core.models.loading import LoadingOptions


def loading_options(hook: MlflowHook) -> LoadingOptions:
    """Return the options of the connection's extra: ``load_in_process`` and ``allow_pickle``, both false by default.

    :raises BadInput: when one is not a boolean.
    """
    from airflow_mlops.common.booleans import parse_bool
    from airflow_mlops.core.models.loading import LoadingOptions

    extra = hook.connection.extra_dejson

    def option(name: str) -> bool:
        return parse_bool(extra.get(name), name, default=False, where=f"connection {hook.mlflow_conn_id}")

    return LoadingOptions(
        in_process=option("load_in_process"),
        allow_pickle=option("allow_pickle"),
        client=hook.client,
    )
