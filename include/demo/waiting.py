"""Waiting for what Airflow does, and an end to it when Airflow has stopped working."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from include.demo.api import Json

T = TypeVar("T")

POLL_SECONDS = 0.5
HEALTH_SECONDS = 5.0
"""How often Airflow's health is asked for."""
SICK_SECONDS = 45.0
"""How long a component may be unhealthy before waiting is given up: a busy machine misses heartbeats."""
COMPONENTS = ("metadatabase", "scheduler", "triggerer", "dag_processor")


class DemoTimeoutError(RuntimeError):
    """What was waited for did not happen in time."""


class UnhealthyError(RuntimeError):
    """A part of Airflow stopped working while something was waited for."""


class HealthWatch:
    """
    Ask for Airflow's health every few seconds.

    :param health: gives it, as ``GET /monitor/health`` does
    :param what: what is waited for meanwhile
    :param patience: seconds that a component may be unhealthy; `SICK_SECONDS` when None
    """

    def __init__(self, health: Callable[[], Json], what: str, patience: float | None) -> None:
        self._health = health
        self._what = what
        self._patience = SICK_SECONDS if patience is None else patience
        self._next = time.monotonic() + HEALTH_SECONDS
        self._sick_since: float | None = None

    def look(self) -> None:
        """
        Ask, if it is time to.

        :raises UnhealthyError: when a component has been unhealthy for some time
        """
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + HEALTH_SECONDS
        sick = unhealthy(self._health())
        if not sick:
            self._sick_since = None
            return
        self._sick_since = self._sick_since or now
        if now - self._sick_since >= self._patience:
            raise UnhealthyError(f"{', '.join(sick)} of Airflow stopped working while waiting for {self._what}.")


def until(predicate: Callable[[], T | None], deadline: float, meanwhile: Callable[[], None]) -> T | None:
    """
    Ask twice a second until the answer is true.

    :param predicate: the question; raises to give up
    :param deadline: seconds from now
    :param meanwhile: called between two questions; raises to give up
    :return: the first true answer; None at the deadline
    """
    end = time.monotonic() + deadline
    while True:
        answer = predicate()
        if answer:
            return answer
        if time.monotonic() >= end:
            return None
        meanwhile()
        time.sleep(POLL_SECONDS)


def unhealthy(health: Json) -> list[str]:
    """
    Names of the components that are not healthy.

    :param health: the answer of `RestClient.health`
    """
    return [name for name in COMPONENTS if (health.get(name) or {}).get("status") != "healthy"]
