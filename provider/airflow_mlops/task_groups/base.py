"""Helpers for task groups: groups with outputs, and optional steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import update_wrapper
from inspect import Parameter, signature
from types import MappingProxyType
from typing import Any, Concatenate, ParamSpec, TypeVar

from airflow.sdk import BaseOperator, TaskGroup

from airflow_mlops.operators.arguments import check_arguments

RowsInput = str | Mapping[str, Any] | Any
"""Rows for an operator: a ``SnapshotRef``, ``dataset@partition``, or the output of a task."""
StepOptions = Mapping[str, Any] | None
"""Keyword arguments that override those the group sets on a step's operator; ``None`` omits the step."""
NO_OVERRIDES: Mapping[str, Any] = MappingProxyType({})
"""No overrides: the step with the arguments of the group."""

P = ParamSpec("P")
T = TypeVar("T")
Operator = TypeVar("Operator", bound=BaseOperator)


class StepGroup(TaskGroup):
    """A task group with the outputs of its steps: ``training.version`` is the output of the registration.

    The attribute ``steps`` has all outputs.
    """

    steps: Any

    def __getattr__(self, name: str) -> Any:
        """Return an output of the steps."""
        steps = self.__dict__.get("steps")
        if steps is None or name.startswith("_") or not hasattr(steps, name):
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        return getattr(steps, name)


def as_task_group(build_tasks: Callable[P, T]) -> Callable[Concatenate[str, P], StepGroup]:
    """Return a function that creates the steps in a group. Its first parameter is the group ID.

    :param build_tasks: function that creates the steps and returns their outputs.
    """

    def build_group(group_id: str, /, *args: P.args, **kwargs: P.kwargs) -> StepGroup:
        group = StepGroup(group_id)
        with group:
            group.steps = build_tasks(*args, **kwargs)
        return group

    original = signature(build_tasks)
    first = Parameter("group_id", Parameter.POSITIONAL_ONLY, annotation="str")
    update_wrapper(build_group, build_tasks)
    build_group.__name__ = build_group.__qualname__ = build_tasks.__name__.replace("_tasks", "_task_group")
    extended = original.replace(parameters=[first, *original.parameters.values()], return_annotation="StepGroup")
    build_group.__signature__ = extended  # type: ignore[attr-defined]
    return build_group


def build_task(operator: type[Operator], step: StepOptions, **wired: Any) -> Operator:
    """Create the task of a step.

    :param operator: class of the operator.
    :param step: keyword arguments that override ``wired``; never ``None``.
    :param wired: keyword arguments set by the group.
    :raises BadInput: when the operator has no such parameter.
    """
    arguments = {**wired, **(step or {})}
    check_arguments(operator, arguments, where=f"task {arguments.get('task_id')!r}")
    return operator(**arguments)


def output_of(task: BaseOperator | None) -> Any:
    """Return the output of a task, or ``None`` without a task."""
    return None if task is None else task.output


def xcom_template(task: BaseOperator, key: str | None = None, field: str | None = None) -> str:
    """Return a template that pulls an XCom of a task, for use inside a text.

    :param key: XCom key. Default: the return value.
    :param field: field of the value. Default: the complete value.
    """
    key_argument = "" if key is None else f", key='{key}'"
    expression = f"ti.xcom_pull(task_ids='{task.task_id}'{key_argument})"
    return "{{ " + (expression if field is None else f"{expression}['{field}']") + " }}"


def sibling_task_id(task: BaseOperator, name: str) -> str:
    """Return the full task ID of a sibling in the group of ``task``.

    :param name: ID of the sibling within the group.
    """
    group = task.task_group
    return name if group is None else str(group.child_id(name))
