"""Polling with a deadline and a health check of Airflow."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from include.demo.api import Json

T = TypeVar("T")

POLL_SECONDS = 0.5
HEALTH_SECONDS = 5.0
"""Interval between health checks."""
UNHEALTHY_SECONDS = 45.0
"""How long a component may be unhealthy before waiting fails: a busy machine misses heartbeats."""
COMPONENTS = ("metadatabase", "scheduler", "triggerer", "dag_processor")


class DemoTimeoutError(RuntimeError):
    """A condition was not met in time."""


class UnhealthyError(RuntimeError):
    """A component of Airflow stopped working during a wait."""


class HealthWatch:
    """
    Check Airflow's health every few seconds.

    :param health: returns the health as ``GET /monitor/health`` does
    :param what: description of the condition that is waited for
    :param patience: seconds that a component may be unhealthy; `UNHEALTHY_SECONDS` when None
    """

    def __init__(self, health: Callable[[], Json], what: str, patience: float | None) -> None:
        self._health = health
        self._what = what
        self._patience = UNHEALTHY_SECONDS if patience is None else patience
        self._next = time.monotonic() + HEALTH_SECONDS
        self._unhealthy_since: float | None = None

    def check(self) -> None:
        """
        Check the health if the interval has passed.

        :raises UnhealthyError: when a component has been unhealthy for some time
        """
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + HEALTH_SECONDS
        components = unhealthy(self._health())
        if not components:
            self._unhealthy_since = None
            return
        self._unhealthy_since = self._unhealthy_since or now
        if now - self._unhealthy_since >= self._patience:
            raise UnhealthyError(f"{', '.join(components)} of Airflow stopped working while waiting for {self._what}.")


def poll_until(predicate: Callable[[], T | None], deadline: float, meanwhile: Callable[[], None]) -> T | None:
    """
    Poll twice a second until the predicate is true.

    :param predicate: the condition; raises to abort
    :param deadline: seconds from now
    :param meanwhile: called between two polls; raises to abort
    :return: the first true value; None at the deadline
    """
    end = time.monotonic() + deadline
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() >= end:
            return None
        meanwhile()
        time.sleep(POLL_SECONDS)


def unhealthy(health: Json) -> list[str]:
    """
    Return the names of the components that are not healthy.

    :param health: the response of `RestClient.health`
    """
    return [name for name in COMPONENTS if (health.get(name) or {}).get("status") != "healthy"]
