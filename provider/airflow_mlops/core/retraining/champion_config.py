"""Configuration of the current champion, reused by a retraining that starts from it."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.imports import resolve_callable
from airflow_mlops.core.retraining.candidates import candidate_name
from airflow_mlops.core.training.tuning import Tuning
from airflow_mlops.store import ledger, versions
from airflow_mlops.store.database import Database

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from airflow_mlops.store.tables import Version

_PARAM_PREFIX = "param."
_SEARCH_ONLY_KEYS = Tuning.model_fields.keys() - {"seed"}
_HINT = "name build='package.module:function' when training, or start from candidates"


def load_champion_config(
    client: MlflowClient, database: Database, model: str, candidates: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """Return the champion's build function, candidate name and parameters, tuned ones included.

    Other candidate settings, such as weights or columns, come from the DAG's candidate with the same build and name.

    :param candidates: the DAG's candidates, as keywords.
    :return: keywords of ``TrainModelOperator``: ``build``, ``candidate``, ``model_params``, and the DAG's own.
    :raises BadInput: when there is no champion, its run was deleted, or its build function is not importable.
    """
    head = ledger.head(database, model)
    if head is None:
        raise BadInput(f"{model!r} has no champion to start from", hint="start from candidates")
    version = versions.get(database, model, head.version)
    params = _run_params(client, version)
    build = str(params.get("build") or "")
    if ":" not in build:
        raise BadInput(
            f"cannot rebuild {model} v{version.version}: its build function {build or None!r} is not importable",
            where=f"run {version.run_id}",
            hint=_HINT,
        )
    if build not in {candidate["build"] for candidate in candidates}:  # else maybe not importable here
        resolve_callable(build)
    model_params = {
        name.removeprefix(_PARAM_PREFIX): _parse_value(text)
        for name, text in params.items()
        if name.startswith(_PARAM_PREFIX)
    }
    name = version.candidate
    return {
        **_matching_candidate(candidates, build, name),
        "build": build,
        "candidate": name,
        "model_params": model_params,
    }


def _run_params(client: MlflowClient, version: Version) -> Mapping[str, str]:
    """Return the parameters of the champion's run."""
    from mlflow.exceptions import MlflowException

    try:
        return dict(client.get_run(version.run_id).data.params)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        raise BadInput(
            f"MLflow no longer has the run of {version.model} v{version.version}",
            where=f"run {version.run_id}",
            hint="restore it, or start from candidates",
        ) from error


def _matching_candidate(candidates: Sequence[Mapping[str, Any]], build: str, name: str) -> dict[str, Any]:
    """Return the DAG's candidate with this build and name, without search-only keys."""
    for candidate in candidates:
        if candidate["build"] == build and candidate_name(candidate) == name:
            return {key: value for key, value in candidate.items() if key not in _SEARCH_ONLY_KEYS}
    return {}


def _parse_value(text: str) -> Any:
    """Parse a parameter value, which MLflow stores as text."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
