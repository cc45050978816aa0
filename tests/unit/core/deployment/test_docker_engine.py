"""How a step comes by an image: what is asked of the engine, and what is said when it cannot be had."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import APIError, ImageNotFound

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.deployment.docker_engine import DockerEngine


class Client:
    """What an engine answers.

    :param there: the images that it has.
    :param pulled: what it says while it pulls, or what the registry refuses with.
    """

    def __init__(self, *there: str, pulled: list[dict[str, str]] | Exception | None = None) -> None:
        self.there, self.asked, self._pulled = set(there), list[str](), pulled or []

    def inspect_image(self, image: str) -> None:
        if image not in self.there:
            raise ImageNotFound("no such image")

    def pull(self, image: str, **_: Any) -> Iterator[dict[str, str]]:
        self.asked.append(image)
        if isinstance(self._pulled, Exception):
            raise self._pulled
        return iter(self._pulled)


Have = Callable[..., list[str]]


@pytest.fixture
def have() -> Have:
    def have(client: Client, pull: Any) -> list[str]:
        DockerEngine(client).ensure_image("a/b:3", pull)  # type: ignore[arg-type]
        return client.asked

    return have


@pytest.mark.parametrize(
    ("there", "pull", "asked"),
    [
        (["a/b:3"], "missing", []),
        (["a/b:3"], "never", []),
        (["a/b:3"], "always", ["a/b:3"]),
        ([], "missing", ["a/b:3"]),
        (["a/b:4"], "missing", ["a/b:3"]),
    ],
)
def test_an_image_is_fetched_when_it_is_to_be(have: Have, there: list[str], pull: str, asked: list[str]) -> None:
    assert have(Client(*there, pulled=[{"status": "done"}]), pull) == asked


def test_an_image_that_is_never_fetched_is_asked_of_no_registry(have: Have) -> None:
    client = Client()
    with pytest.raises(BadInput, match="a/b:3 is unavailable: it does not exist locally"):
        have(client, "never")
    assert client.asked == []


REFUSED = APIError("refused", SimpleNamespace(status_code=404), explanation="no such repository")  # type: ignore[arg-type]


@pytest.mark.parametrize("pull", ["missing", "always"])
@pytest.mark.parametrize("pulled", [REFUSED, [{"status": "pulling"}, {"error": "no such repository"}, {"status": "-"}]])
def test_what_the_registry_says_is_told_also_beside_an_older_image(have: Have, pulled: Any, pull: str) -> None:
    there = ["a/b:3"] if pull == "always" else []
    with pytest.raises(BadInput, match="a/b:3 is unavailable: no such repository"):
        have(Client(*there, pulled=pulled), pull)
