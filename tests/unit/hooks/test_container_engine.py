"""Where the container engine is looked for, and what is said when it is not there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.docker.hooks import docker
from airflow.sdk.exceptions import AirflowException
from docker.errors import APIError

from airflow_mlops.core.errors import BadInput, MlopsError
from airflow_mlops.hooks.container_engine import container_engine


def hooked(monkeypatch: pytest.MonkeyPatch, fails: Exception | None = None) -> list[tuple[Any, ...]]:
    """Put another hook in the place of the provider's; gives what it is asked for."""
    asked: list[tuple[Any, ...]] = []

    class Hook:
        def __init__(self, conn_id: str | None, *, base_url: str, timeout: int) -> None:
            asked.append((conn_id, base_url, timeout))

        @property
        def api_client(self) -> str:
            if fails is not None:
                raise fails
            return "the client"

    monkeypatch.setattr(docker, "DockerHook", Hook)
    return asked


@pytest.mark.parametrize(
    ("url", "host", "where"),
    [
        ("tcp://a:1", "tcp://b:2", "tcp://a:1"),
        (None, "tcp://b:2", "tcp://b:2"),
        (None, "", "unix:///var/run/docker.sock"),
    ],
)
def test_the_operator_names_it_else_the_worker_else_it_is_this_machine_s(
    monkeypatch: pytest.MonkeyPatch, url: str | None, host: str, where: str
) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    asked = hooked(monkeypatch)
    assert container_engine(url, "registry", patience=7).client == "the client"  # type: ignore[comparison-overlap]
    assert asked == [("registry", where, 7)]


@pytest.mark.parametrize("absent", [BadInput, MlopsError])
def test_one_that_does_not_answer_is_named_with_the_error_that_is_wanted(
    monkeypatch: pytest.MonkeyPatch, absent: type[MlopsError]
) -> None:
    hooked(monkeypatch, AirflowException("no connection"))
    with pytest.raises(absent, match="(?s)cannot be reached: no connection.*where: tcp://a:1") as caught:
        container_engine("tcp://a:1", absent=absent)
    assert type(caught.value) is absent


@pytest.mark.parametrize(("status", "kind"), [(401, BadInput), (500, MlopsError)])
def test_a_login_that_the_registry_refuses_is_not_an_engine_that_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, status: int, kind: type[MlopsError]
) -> None:
    answer: Any = SimpleNamespace(status_code=status)
    hooked(monkeypatch, APIError("refused", answer, explanation="wrong password"))
    with pytest.raises(MlopsError, match="(?s)login to the registry is refused: wrong password.*where: team") as caught:
        container_engine("tcp://a:1", "team", absent=MlopsError)
    assert type(caught.value) is kind
