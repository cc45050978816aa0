"""Specification of a step as JSON: references and parameters, without data and secrets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import Field

from airflow_mlops.common.settings import Settings


class CodeOrigin(Settings):
    """Origin of the code, for the run's tags.

    :param dag_run: ``dag_id/run_id``.
    :param bundle: the name of the DAG's Airflow bundle.
    :param version: the bundle's version, if any.
    :param files: other files with code, such as the DAG file.
    """

    dag_run: str = ""
    bundle: str | None = None
    version: str | None = None
    files: tuple[str, ...] = ()


class StepSpec(Settings):
    """Specification of one step of a task.

    :param key: the task's key in the store: ``dag_id/run_id/task_id/map_index``, the same in every try.
    :param parameters: the step's parameters by name.
    :param attempt: the token of the attempt that may publish; default: the step begins a new one.
    :param try_number: the number of the try, for a new attempt.
    :param code: the origin of the code.
    :param tags: additional tags for the run.
    """

    key: str = Field(min_length=1)
    parameters: dict[str, Any]
    attempt: str | None = None
    try_number: int | None = None
    code: CodeOrigin = CodeOrigin()
    tags: dict[str, str] = Field(default_factory=dict)


def origin_tags(
    code: str | Callable[..., Any], origin: CodeOrigin, tags: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the tags that link an MLflow run to its DAG run and its code.

    :param code: the function that builds or trains the model, or its import path.
    :param origin: the origin of the code.
    :param tags: additional tags.
    """
    from airflow_mlops.core.training.provenance import CODE_TAG, code_version

    version = code_version(code, bundle=origin.bundle, version=origin.version, files=list(origin.files))
    return {"mlops.dag_run": origin.dag_run, CODE_TAG: version, **(tags or {})}
