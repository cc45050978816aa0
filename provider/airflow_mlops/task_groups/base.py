"""What the task groups share: a group that gives what its steps give, and steps that can be left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import update_wrapper
from inspect import Parameter, signature
from types import MappingProxyType
from typing import Any, Concatenate, ParamSpec, TypeVar

from airflow.sdk import BaseOperator, TaskGroup

Rows = str | Mapping[str, Any] | Any
"""What an operator takes as rows: a ``SnapshotRef``, ``dataset@partition``, or the output of a task."""
Step = Mapping[str, Any] | None
"""Keywords for a step's operator, over those that the group gives it; ``None`` leaves the step out."""
AS_WIRED: Mapping[str, Any] = MappingProxyType({})
"""The step with what the group gives it, and nothing more."""

P = ParamSpec("P")
T = TypeVar("T")
Operator = TypeVar("Operator", bound=BaseOperator)


class StepGroup(TaskGroup):
    """A task group that gives what its steps give: ``training.version`` is the output of its registration.

    ``steps`` holds the outputs themselves.
    """

    steps: Any

    def __getattr__(self, name: str) -> Any:
        """Give an output of the steps."""
        steps = self.__dict__.get("steps")
        if steps is None or name.startswith("_") or not hasattr(steps, name):
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        return getattr(steps, name)


def as_task_group(wire: Callable[P, T]) -> Callable[Concatenate[str, P], StepGroup]:
    """Make a function that puts its steps into a group, whose id it takes first.

    :param wire: the function that makes the steps where it is called, and gives their outputs.
    """

    def grouped(group_id: str, /, *args: P.args, **kwargs: P.kwargs) -> StepGroup:
        group = StepGroup(group_id)
        with group:
            group.steps = wire(*args, **kwargs)
        return group

    taken = signature(wire)
    first = Parameter("group_id", Parameter.POSITIONAL_ONLY, annotation="str")
    update_wrapper(grouped, wire)
    grouped.__name__ = grouped.__qualname__ = wire.__name__.replace("_tasks", "_task_group")
    shown = taken.replace(parameters=[first, *taken.parameters.values()], return_annotation="StepGroup")
    grouped.__signature__ = shown  # type: ignore[attr-defined]
    return grouped


def made(operator: type[Operator], step: Step, **wired: Any) -> Operator:
    """Make a step.

    :param operator: its class.
    :param step: keywords that beat those that are wired; never ``None``.
    :param wired: what the group gives it.
    """
    return operator(**{**wired, **(step or {})})


def output(task: BaseOperator | None) -> Any:
    """Give what a task will give; ``None`` for a task that is not there."""
    return None if task is None else task.output


def pulled(task: BaseOperator, key: str | None = None, field: str | None = None) -> str:
    """Give the template for what a task pushed, for use inside a text.

    :param key: the XCom's key; default: what the task gives.
    :param field: one field of it.
    """
    named = "" if key is None else f", key='{key}'"
    found = f"ti.xcom_pull(task_ids='{task.task_id}'{named})"
    return "{{ " + (found if field is None else f"{found}['{field}']") + " }}"


def sibling(task: BaseOperator, name: str) -> str:
    """Give the full id that a task has in the group of another one.

    :param name: its id within the group.
    """
    group = task.task_group
    return name if group is None else str(group.child_id(name))
