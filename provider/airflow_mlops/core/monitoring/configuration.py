"""The configuration that a champion was made with, for a retraining that starts from it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.errors import BadInput
from airflow_mlops.store import ledger, versions
from airflow_mlops.store.database import Database

if TYPE_CHECKING:
    from mlflow import MlflowClient

PARAM = "param."


def champions_own(client: MlflowClient, database: Database, model: str) -> dict[str, Any]:
    """Give what the champion was built by, and with which parameters, a search's among them.

    :return: ``build``, an import path, and ``model_params``, its keywords: as ``TrainModelOperator`` takes them.
    :raises BadInput: when there is no champion, or it was not built by what can be imported.
    """
    head = ledger.head(database, model)
    if head is None:
        raise BadInput(f"{model!r} has no champion whose configuration to start from", mend="start from candidates")
    version = versions.get(database, model, head.version)
    params = client.get_run(version.run_id).data.params
    build = str(params.get("build") or "")
    if ":" not in build:
        raise BadInput(
            f"{model} v{version.version} was not built by what can be imported, but by {build or 'nobody'!r}",
            where=f"run {version.run_id}",
            mend="name build='package.module:function' when training, or start from candidates",
        )
    own = {name.removeprefix(PARAM): _value(text) for name, text in params.items() if name.startswith(PARAM)}
    return {"build": build, "model_params": own}


def _value(text: str) -> Any:
    """Read a parameter as MLflow keeps it: as text."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
