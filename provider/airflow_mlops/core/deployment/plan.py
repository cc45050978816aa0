"""Deployment plan: which containers of an endpoint are kept, reused or removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ModelContainer:
    """An existing container of a model.

    :param name: its name.
    :param key: the hash of its image and settings.
    :param running: whether it runs.
    :param task: the task that created it.
    """

    name: str
    key: str
    running: bool
    task: str = ""


@dataclass(frozen=True, slots=True)
class DeploymentPlan:
    """The actions of a deployment.

    :param current: the container that already serves the requested version and is only smoke-tested.
    :param reused: a matching container of an earlier attempt, to be reused.
    :param removed: containers of earlier attempts that receive no requests, to be removed at once.
    """

    current: str | None
    reused: str | None
    removed: tuple[str, ...]


def plan_deployment(containers: Sequence[ModelContainer], active: str | None, key: str) -> DeploymentPlan:
    """Plan a deployment.

    The active container is never removed before the switch.

    :param containers: the endpoint's containers.
    :param active: the container that receives requests.
    :param key: the key of the requested image and settings.
    """
    serves = next(
        (
            container.name
            for container in containers
            if container.name == active and container.key == key and container.running
        ),
        None,
    )
    others = [container for container in containers if container.name != active]
    adopted = None
    if serves is None:
        adopted = next((container.name for container in others if container.key == key and container.running), None)
    return DeploymentPlan(serves, adopted, tuple(container.name for container in others if container.name != adopted))
