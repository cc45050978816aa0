"""Values of ``runtime``, and precedence of their settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_mlops.common.errors import BadInput
from airflow_mlops.execution.runtimes import Docker, ExternalPython
from airflow_mlops.execution.runtimes.base import resolve_runtime


def no_defaults(kind: str) -> dict[str, Any]:
    return {}


def defaults(**docker: Any) -> Callable[[str], dict[str, Any]]:
    """Return an installation with defaults for Docker."""
    return lambda kind: docker if kind == "docker" else {}


@pytest.mark.parametrize("value", [None, "", "in_process", {"kind": "in_process"}, " in_process "])
def test_the_default_is_the_task_s_own_process(value: Any) -> None:
    assert resolve_runtime(value, defaults(image="i")) is None


@pytest.mark.parametrize(
    "value", [Docker(image="i", cpus=1.5), {"kind": "docker", "image": "i", "cpus": "1.5"}], ids=["class", "mapping"]
)
def test_settings_are_a_class_or_a_mapping(value: Any) -> None:
    runtime = resolve_runtime(value, no_defaults)
    assert isinstance(runtime, Docker)
    assert (runtime.image, runtime.cpus) == ("i", 1.5)


def test_a_name_uses_the_installation_s_defaults() -> None:
    runtime = resolve_runtime("docker", defaults(image="ours", network="stack"))
    assert isinstance(runtime, Docker)
    assert (runtime.image, runtime.network) == ("ours", "stack")


def test_the_operator_s_settings_override_the_installation_s() -> None:
    runtime = resolve_runtime(Docker(image="mine"), defaults(image="ours", network="stack"))
    assert isinstance(runtime, Docker)
    assert (runtime.image, runtime.network) == ("mine", "stack")


def test_an_explicit_default_overrides_the_installation_s() -> None:
    runtime = resolve_runtime({"kind": "docker", "pull": "missing"}, defaults(image="ours", pull="never"))
    assert isinstance(runtime, Docker)
    assert runtime.pull == "missing"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("kubernetes", "unknown runtime 'kubernetes'"),
        ({"image": "i"}, "unknown runtime ''"),
        ("docker", "image: Field required"),
        ({"kind": "docker", "image": "i", "memry": "1g"}, "did you mean 'memory'"),
        ({"kind": "docker", "image": "i", "cpus": 0}, "cpus"),
        ({"kind": "external_python", "pyton": "p"}, "did you mean 'python'"),
    ],
)
def test_an_invalid_value_is_reported(value: Any, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        resolve_runtime(value, no_defaults)


def test_the_representation_hides_environment_variables() -> None:
    assert "hush" not in repr(ExternalPython(python="p", environment={"TOKEN": "hush"}))
