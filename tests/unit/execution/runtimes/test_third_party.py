"""Runtimes of other packages: an entry point, an import path or a mapping runs an operator's step."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.imports import import_object
from airflow_mlops.execution.runtimes.airflow_resources import runtime_defaults
from airflow_mlops.execution.runtimes.base import RUNTIMES, resolve_runtime
from airflow_mlops.execution.runtimes.command import CommandStep
from tests.remote_steps.environment import RemoteStepEnvironment, project, world
from tests.remote_steps.steps import REPO, execute_task, run_metrics, training_task

__all__ = ["project", "world"]

SOURCE = f"""
import sys
from typing import ClassVar

from airflow_mlops.api import CommandStep, RemoteRuntime


class Subprocess(RemoteRuntime):
    kind: ClassVar[str] = "acme"

    nice: int

    def create_process(self, step):
        assert step.folders, "the snapshots are in local files"
        variables = {{"PATH": "/usr/bin:/bin", "PYTHONPATH": {str(REPO / "provider")!r}}}
        return CommandStep(["nice", "-n", str(self.nice), sys.executable], environment=variables)


class Aimless(RemoteRuntime):
    pass
"""
PATH = "acme_extension:Subprocess"


@pytest.fixture(autouse=True)
def path(installed_entry_point: Callable[..., str]) -> str:
    return installed_entry_point(RUNTIMES, "acme", "Subprocess", SOURCE)


def no_defaults(kind: str) -> dict[str, Any]:
    return {}


@pytest.mark.parametrize("name", ["acme", PATH])
def test_a_name_and_an_import_path_lead_to_the_class_with_validated_settings(name: str) -> None:
    runtime = resolve_runtime({"kind": name, "nice": "3", "environment": {"A": "1"}}, no_defaults)
    assert type(runtime) is import_object(PATH)
    assert runtime.model_dump(include={"nice", "environment"}) == {"nice": 3, "environment": {"A": "1"}}
    with pytest.raises(BadInput, match=f"(?s)nise: is not a known key; did you mean 'nice'.*runtime {name}"):
        resolve_runtime({"kind": name, "nise": 3}, no_defaults)


@pytest.mark.parametrize(
    "value", ["acme", PATH, {"kind": "acme"}, "instance"], ids=["name", "import path", "mapping", "object"]
)
def test_the_project_s_defaults_apply_however_the_runtime_is_named(value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__MLOPS__ACME", '{"nice": 5, "project": "/code"}')
    runtime = resolve_runtime(import_object(PATH)(nice=7) if value == "instance" else value, runtime_defaults)
    assert runtime is not None
    assert runtime.to_dict() == {"nice": 7 if value == "instance" else 5, "project": "/code"}


def test_a_default_that_is_no_object_names_its_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__MLOPS__ACME", "[5]")
    with pytest.raises(BadInput, match="(?s)not a JSON object.*AIRFLOW__MLOPS__ACME"):
        resolve_runtime("acme", runtime_defaults)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("acme_extension:Aimless", "not a valid runtime: it has no create_process"),
        ("json:dumps", "not a valid runtime: it is not a subclass of airflow_mlops.api.RemoteRuntime"),
        ("acme_extension:Missing", "has no 'Missing'"),
        ("acne", "(?s)unknown runtime 'acne'.*in_process, docker, external_python, acme, or an import path"),
    ],
)
def test_what_is_no_runtime_is_an_error(value: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        resolve_runtime(value, no_defaults)


def test_an_unknown_runtime_s_environment_is_not_in_the_error() -> None:
    with pytest.raises(BadInput) as error:
        resolve_runtime({"kind": "acne", "environment": {"TOKEN": "hush"}}, no_defaults)
    assert "hush" not in str(error.value)


def test_a_command_that_cannot_be_started_is_an_error() -> None:
    with pytest.raises(BadInput, match="(?s)command cannot be started: No such file.*where: /no/such/program"):
        CommandStep(["/no/such/program", "python"]).run("train", b"{}\n")


def test_the_training_operator_runs_its_step_there_with_the_same_result(
    world: RemoteStepEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__MLOPS__ACME", json.dumps({"nice": 1, "project": str(world.project)}))
    here = execute_task(training_task(world.parts, "here"))
    for task_id, runtime in (("named", "acme"), ("imported", {"kind": PATH, "nice": 2})):
        there = execute_task(training_task(world.parts, task_id, runtime=runtime))
        assert there["digest"] == here["digest"]
        assert run_metrics(world, there) == run_metrics(world, here)
        assert world.client.get_run(there["run_id"]).data.tags["mlops.runtime"] == "acme"
