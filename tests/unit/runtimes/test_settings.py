"""What ``runtime`` may say, and whose word counts."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_mlops.core.errors import BadInput
from airflow_mlops.runtimes import Docker, ExternalPython
from airflow_mlops.runtimes.settings import chosen

NONE: dict[str, Any] = {}


@pytest.mark.parametrize("value", [None, "", "in_process", {"kind": "in_process"}, " in_process "])
def test_nothing_said_is_the_task_s_own_process(value: Any) -> None:
    assert chosen(value, {"docker": {"image": "i"}}) is None


@pytest.mark.parametrize(
    "value", [Docker(image="i", cpus=1.5), {"kind": "docker", "image": "i", "cpus": "1.5"}], ids=["class", "mapping"]
)
def test_settings_are_a_class_or_a_mapping(value: Any) -> None:
    found = chosen(value, NONE)
    assert isinstance(found, Docker)
    assert (found.image, found.cpus) == ("i", 1.5)


def test_a_name_alone_takes_what_the_installation_says() -> None:
    found = chosen("docker", {"docker": {"image": "ours", "network": "stack"}})
    assert isinstance(found, Docker)
    assert (found.image, found.network) == ("ours", "stack")


def test_what_the_operator_says_beats_the_installation() -> None:
    found = chosen(Docker(image="mine"), {"docker": {"image": "ours", "network": "stack"}})
    assert isinstance(found, Docker)
    assert (found.image, found.network) == ("mine", "stack")


def test_a_default_that_is_written_down_counts_as_said() -> None:
    found = chosen({"kind": "docker", "pull": "missing"}, {"docker": {"image": "ours", "pull": "never"}})
    assert isinstance(found, Docker)
    assert found.pull == "missing"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("kubernetes", "there is no runtime 'kubernetes'"),
        ({"image": "i"}, "there is no runtime ''"),
        ("docker", "image: Field required"),
        ({"kind": "docker", "image": "i", "memry": "1g"}, "did you mean 'memory'"),
        ({"kind": "docker", "image": "i", "cpus": 0}, "cpus"),
        ({"kind": "external_python", "pyton": "p"}, "did you mean 'python'"),
    ],
)
def test_what_is_wrong_is_named(value: Any, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        chosen(value, NONE)


def test_variables_of_the_step_show_in_no_representation() -> None:
    assert "hush" not in repr(ExternalPython(python="p", environment={"TOKEN": "hush"}))
