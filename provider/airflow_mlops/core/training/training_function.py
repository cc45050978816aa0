"""Calls of user-defined training functions."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.data.snapshots.snapshot import Snapshot
from airflow_mlops.core.training.candidate import Candidate, read_labelled_rows
from airflow_mlops.core.training.progress import heartbeat
from airflow_mlops.core.training.run_recording import FittedModel
from airflow_mlops.core.training.usage import measure_usage


def call_training_function(
    function: Callable[..., Any], candidate: Candidate, arguments: Mapping[str, Any]
) -> FittedModel:
    """Call a training function and return the fitted model with its resource usage.

    :param function: returns a fitted model, or a model and a dict of metrics.
    :param candidate: names the features and the target.
    :param arguments: by name. A snapshot is passed as a frame of features and target, unless its parameter is
        annotated as a :class:`Snapshot`.
    :raises BadInput: when the rows are invalid for the task, or the function returned something else.
    """
    parameters = inspect.signature(function).parameters
    inputs = {
        name: _frame(candidate, value)
        if isinstance(value, Snapshot) and not _wants_snapshot(parameters[name])
        else value
        for name, value in arguments.items()
    }
    with heartbeat(f"training {candidate.name}"), measure_usage() as usage:
        returned = function(**inputs)
    model, metrics = returned if isinstance(returned, tuple) and len(returned) == 2 else (returned, {})
    if not hasattr(model, "predict"):
        raise BadInput(
            f"{candidate.name} returned {type(model).__name__}, not a model",
            where=getattr(function, "__qualname__", repr(function)),
            hint="return the fitted model, or a tuple of the model and a dict of metrics"
            + ("; wrap a PyTorch module with core.models.native.wrap_network" if hasattr(model, "state_dict") else ""),
        )
    return FittedModel(model, usage, _to_metrics(metrics, candidate.name))


def _wants_snapshot(parameter: inspect.Parameter) -> bool:
    """Check whether a parameter is annotated as a snapshot; the annotation may be an unimportable string."""
    annotation = parameter.annotation
    name = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    return name.rpartition(".")[2].strip("'\" ") == Snapshot.__name__


def _frame(candidate: Candidate, snapshot: Snapshot) -> Any:
    features, target = read_labelled_rows(candidate, snapshot)
    return features.assign(**{candidate.target: target})


def _to_metrics(metrics: Any, name: str) -> dict[str, float]:
    try:
        return {str(key): float(value) for key, value in metrics.items()}
    except (AttributeError, TypeError, ValueError):
        raise BadInput(
            f"{name} returned metrics that are not a dict of numbers: {metrics!r}"[:300],
            hint="return the model and a dict such as {'best_iteration': 120}",
        ) from None
