"""Address of the container engine, and errors when it is unreachable."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.docker.hooks import docker
from airflow.sdk.exceptions import AirflowException
from docker.errors import APIError

from airflow_mlops.common.errors import BadInput, MlopsError
from airflow_mlops.hooks.container_engine import connect_engine


def fake_hook(monkeypatch: pytest.MonkeyPatch, error: Exception | None = None) -> list[tuple[Any, ...]]:
    """Replace the provider's hook, and return its arguments."""
    calls: list[tuple[Any, ...]] = []

    class Hook:
        def __init__(self, conn_id: str | None, *, base_url: str, timeout: int) -> None:
            calls.append((conn_id, base_url, timeout))

        @property
        def api_client(self) -> str:
            if error is not None:
                raise error
            return "the client"

    monkeypatch.setattr(docker, "DockerHook", Hook)
    return calls


@pytest.mark.parametrize(
    ("url", "host", "where"),
    [
        ("tcp://a:1", "tcp://b:2", "tcp://a:1"),
        (None, "tcp://b:2", "tcp://b:2"),
        (None, "", "unix:///var/run/docker.sock"),
    ],
)
def test_the_address_is_the_operator_s_the_worker_s_or_the_local_socket(
    monkeypatch: pytest.MonkeyPatch, url: str | None, host: str, where: str
) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    calls = fake_hook(monkeypatch)
    assert connect_engine(url, "registry", timeout=7).client == "the client"  # type: ignore[comparison-overlap]
    assert calls == [("registry", where, 7)]


@pytest.mark.parametrize("absent", [BadInput, MlopsError])
def test_an_unreachable_engine_raises_the_requested_error(
    monkeypatch: pytest.MonkeyPatch, absent: type[MlopsError]
) -> None:
    fake_hook(monkeypatch, AirflowException("no connection"))
    with pytest.raises(absent, match="(?s)cannot be reached: no connection.*where: tcp://a:1") as caught:
        connect_engine("tcp://a:1", unreachable_error=absent)
    assert type(caught.value) is absent


@pytest.mark.parametrize(("status", "kind"), [(401, BadInput), (500, MlopsError)])
def test_a_rejected_login_is_not_an_unreachable_engine(
    monkeypatch: pytest.MonkeyPatch, status: int, kind: type[MlopsError]
) -> None:
    response: Any = SimpleNamespace(status_code=status)
    fake_hook(monkeypatch, APIError("refused", response, explanation="wrong password"))
    with pytest.raises(MlopsError, match="(?s)the registry rejected the login: wrong password.*where: team") as caught:
        connect_engine("tcp://a:1", "team", unreachable_error=MlopsError)
    assert type(caught.value) is kind
