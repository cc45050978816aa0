"""One stack for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stack.engine import missing
from tests.stack.machine import Stack


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "stack: the production stack in a container engine; run by `make test-stack`")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack, built, started and healthy."""
    if reason := missing():
        pytest.skip(reason)
    stack = Stack(tmp_path_factory.mktemp("stack"))
    stack.down()  # what a killed test has left
    try:
        print(stack.up())
        yield stack
    finally:
        stack.down()
