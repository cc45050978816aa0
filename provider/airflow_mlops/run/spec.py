"""What a step is asked to do, as plain JSON: references and parameters, no data and no secrets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import Field

from airflow_mlops.core.settings import Settings


class Code(Settings):
    """Where the code is from, for the run's tags.

    :param dag_run: ``dag_id/run_id``.
    :param bundle: the name of the Airflow bundle that the DAG came from.
    :param version: its version, if it has versions.
    :param files: more files that the code is in, such as the DAG's.
    """

    dag_run: str = ""
    bundle: str | None = None
    version: str | None = None
    files: tuple[str, ...] = ()


class Spec(Settings):
    """One step of one task.

    :param key: what the task is known by in the store: ``dag_id/run_id/task_id/map_index``, the same in every try.
    :param parameters: the step's own, by name.
    :param attempt: the token of the attempt that may publish; without it one is begun.
    :param try_number: the number of the try, for an attempt that is begun by the step itself.
    :param code: where the code is from.
    :param tags: more tags for the run.
    """

    key: str = Field(min_length=1)
    parameters: dict[str, Any]
    attempt: str | None = None
    try_number: int | None = None
    code: Code = Code()
    tags: dict[str, str] = Field(default_factory=dict)


def tags_of(code: str | Callable[..., Any], found: Code, tags: Mapping[str, str] | None = None) -> dict[str, str]:
    """Give the tags that lead from a training's MLflow run back to Airflow and to the code.

    :param code: the function that builds or trains the model, or its import path.
    :param found: where it is from.
    :param tags: more of them.
    """
    from airflow_mlops.core.training.provenance import CODE_TAG, code_version

    version = code_version(code, bundle=found.bundle, version=found.version, files=list(found.files))
    return {"mlops.dag_run": found.dag_run, CODE_TAG: version, **(tags or {})}
