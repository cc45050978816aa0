from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from include.demo.ports import LOOPBACK, free_port, is_free


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as server:
        server.bind((LOOPBACK, 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_port_with_a_listener_is_not_free(taken: int) -> None:
    assert not is_free(taken)


def test_a_listener_on_all_interfaces_also_takes_the_port() -> None:
    with socket.socket() as server:
        server.bind(("0.0.0.0", 0))
        server.listen()
        assert not is_free(server.getsockname()[1])


def test_the_preferred_port_is_taken_when_free(taken: int) -> None:
    port = free_port(taken)
    assert free_port(port) == port


def test_another_port_is_found_when_the_preferred_one_is_taken(taken: int) -> None:
    port = free_port(taken)
    assert port != taken
    assert is_free(port)


def test_any_port_does_when_the_search_finds_none(taken: int) -> None:
    port = free_port(taken, tries=1)
    assert port != taken
    assert is_free(port)


def test_the_search_ends_at_the_last_port_there_is() -> None:
    assert 1024 <= free_port(65535) <= 65535
