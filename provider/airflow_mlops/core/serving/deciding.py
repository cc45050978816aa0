"""Which containers of an endpoint stay, which are made use of, and which go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Found:
    """A container of a model that is there.

    :param name: its name.
    :param key: what it was made from: image and settings.
    :param running: whether it runs.
    :param task: the task that made it.
    """

    name: str
    key: str
    running: bool
    task: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done.

    :param serves: the container that serves what is wanted already; only to be tried.
    :param adopted: a container that an attempt has left, and that can be gone on with.
    :param gone: containers that an attempt has left, to be removed at once: none gets requests.
    """

    serves: str | None
    adopted: str | None
    gone: tuple[str, ...]


def plan(found: Sequence[Found], live: str | None, wanted: str) -> Plan:
    """Decide.

    The container that gets requests is never among those that go: it goes after the exchange, and only then.

    :param found: the endpoint's containers.
    :param live: the one that gets requests.
    :param wanted: the key of what is to be served.
    """
    serves = next((one.name for one in found if one.name == live and one.key == wanted and one.running), None)
    others = [one for one in found if one.name != live]
    adopted = None
    if serves is None:
        adopted = next((one.name for one in others if one.key == wanted and one.running), None)
    return Plan(serves, adopted, tuple(one.name for one in others if one.name != adopted))
