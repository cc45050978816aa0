"""Calling a training function that a team has written: what it gets, and what it may return."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from airflow_mlops.core.data.snapshot import Snapshot
from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.training.candidate import Candidate, labelled
from airflow_mlops.core.training.memory import measured
from airflow_mlops.core.training.progress import heartbeat
from airflow_mlops.core.training.recorded import Made


def call(function: Callable[..., Any], candidate: Candidate, arguments: Mapping[str, Any]) -> Made:
    """Call a training function.

    :param function: returns a fitted model, or a model and a dict of metrics.
    :param candidate: names the features and the target.
    :param arguments: by name. A snapshot among them becomes a frame of features and target, unless its parameter is
        annotated as a :class:`Snapshot`.
    :raises BadInput: when the rows cannot be learnt from, or it returned something else.
    """
    parameters = inspect.signature(function).parameters
    given = {
        name: _frame(candidate, value)
        if isinstance(value, Snapshot) and not _wants_snapshot(parameters[name])
        else value
        for name, value in arguments.items()
    }
    with heartbeat(f"training {candidate.name}"), measured() as spent:
        returned = function(**given)
    model, metrics = returned if isinstance(returned, tuple) and len(returned) == 2 else (returned, {})
    if not hasattr(model, "predict"):
        raise BadInput(
            f"{candidate.name} returned {type(model).__name__}, not a model",
            where=getattr(function, "__qualname__", repr(function)),
            mend="return the fitted model, or a tuple of the model and a dict of metrics"
            + ("; a PyTorch network goes through core.training.native.network" if hasattr(model, "state_dict") else ""),
        )
    return Made(model, spent, _figures(metrics, candidate.name))


def _wants_snapshot(parameter: inspect.Parameter) -> bool:
    """Whether a parameter is annotated as a snapshot; annotations may be text, and may not be importable."""
    annotation = parameter.annotation
    name = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    return name.rpartition(".")[2].strip("'\" ") == Snapshot.__name__


def _frame(candidate: Candidate, snapshot: Snapshot) -> Any:
    features, target = labelled(candidate, snapshot)
    return features.assign(**{candidate.target: target})


def _figures(metrics: Any, name: str) -> dict[str, float]:
    try:
        return {str(key): float(value) for key, value in metrics.items()}
    except (AttributeError, TypeError, ValueError):
        raise BadInput(
            f"{name} returned metrics that are no dict of numbers: {metrics!r}"[:300],
            mend="return the model and a dict such as {'best_iteration': 120}",
        ) from None
