"""How models are loaded, as the MLflow connection says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_mlops.hooks.mlflow import MlflowHook

if TYPE_CHECKING:
    from airflow_mlops.core.registry.loading import Loading

_YES = ("true", "1", "yes")


def loading_of(hook: MlflowHook) -> Loading:
    """Give what the connection's extra allows: ``load_in_process`` and ``allow_pickle``, both false by default.

    What is not clearly true is no permission.
    """
    from airflow_mlops.core.registry.loading import Loading

    extra = hook.connection.extra_dejson
    allowed = {name: str(extra.get(name, "")).strip().lower() in _YES for name in ("load_in_process", "allow_pickle")}
    return Loading(
        in_process=allowed["load_in_process"],
        allow_pickle=allowed["allow_pickle"],
        client=hook.client,
    )
