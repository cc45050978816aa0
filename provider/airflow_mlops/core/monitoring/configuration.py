"""The configuration that a champion was made with, for a retraining that starts from it."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.imports import resolve
from airflow_mlops.core.monitoring.starting import called
from airflow_mlops.core.training.tuning import Tuning
from airflow_mlops.store import ledger, versions
from airflow_mlops.store.database import Database

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from airflow_mlops.store.tables import Version

PARAM = "param."
SEARCH_ALONE = Tuning.model_fields.keys() - {"seed"}
MEND = "name build='package.module:function' when training, or start from candidates"


def champions_own(
    client: MlflowClient, database: Database, model: str, given: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """Give what the champion was built by, under its name and with its parameters, a search's among them.

    What else a candidate may have, such as weights or columns of its own, is the DAG's to say: it is taken from the
    given candidate that the champion once was.

    :param given: the candidates of the DAG, as keywords.
    :return: keywords of ``TrainModelOperator``: ``build``, ``candidate``, ``model_params``, and those of the given one.
    :raises BadInput: when there is no champion, its run is gone, or it was not built by what can be imported.
    """
    head = ledger.head(database, model)
    if head is None:
        raise BadInput(f"{model!r} has no champion whose configuration to start from", mend="start from candidates")
    version = versions.get(database, model, head.version)
    params = _recorded(client, version)
    build = str(params.get("build") or "")
    if ":" not in build:
        raise BadInput(
            f"{model} v{version.version} was not built by what can be imported, but by {build or 'nobody'!r}",
            where=f"run {version.run_id}",
            mend=MEND,
        )
    if build not in {one["build"] for one in given}:  # else it may be there only where the candidates are trained
        resolve(build)
    own = {name.removeprefix(PARAM): _value(text) for name, text in params.items() if name.startswith(PARAM)}
    name = version.candidate
    return {**_same(given, build, name), "build": build, "candidate": name, "model_params": own}


def _recorded(client: MlflowClient, version: Version) -> Mapping[str, str]:
    """Give the parameters of the champion's run."""
    from mlflow.exceptions import MlflowException

    try:
        return dict(client.get_run(version.run_id).data.params)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        raise BadInput(
            f"MLflow no longer has the run of {version.model} v{version.version}",
            where=f"run {version.run_id}",
            mend="restore it, or start from candidates",
        ) from error


def _same(given: Sequence[Mapping[str, Any]], build: str, name: str) -> dict[str, Any]:
    """Give the candidate that the champion once was, by build and name, without what only a search takes."""
    for one in given:
        if one["build"] == build and called(one) == name:
            return {key: value for key, value in one.items() if key not in SEARCH_ALONE}
    return {}


def _value(text: str) -> Any:
    """Read a parameter as MLflow keeps it: as text."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
