"""What the page on runtimes shows works as it says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from airflow_mlops.execution.runtimes import Docker, ExternalPython
from airflow_mlops.execution.runtimes.base import RUNTIMES
from airflow_mlops.execution.steps.resources import ResourceConfig
from airflow_mlops.execution.steps.spec import StepSpec

PAGE = (Path(__file__).parents[3] / "docs" / "runtimes.md").read_text(encoding="utf-8")


def block(label: str) -> str:
    (found,) = re.findall(rf"```{label}\n(.*?)```", PAGE, flags=re.DOTALL)
    return str(found)


def test_the_tasks_on_the_page_can_be_made() -> None:
    names: dict[str, Any] = {}
    exec(compile(block("python dag"), "docs/runtimes.md", "exec"), names)
    runtimes = {task.task_id: task.runtime for task in names["dag"].tasks}
    assert isinstance(runtimes["in_a_container"], Docker)
    assert isinstance(runtimes["in_another_python"], ExternalPython)
    assert runtimes["from_the_configuration"] == "docker"


def test_the_files_of_a_step_are_valid() -> None:
    assert StepSpec.load(json.loads(block("json spec"))).key.endswith("/train/-1")
    assert set(ResourceConfig.load(json.loads(block("json resources"))).databases) == {"shop_db"}


def test_every_runtime_and_docker_setting_is_named() -> None:
    assert [kind for kind in RUNTIMES.builtin if f"| `{kind}` |" not in PAGE] == []
    assert [name for name in Docker.model_fields if name not in PAGE] == []
