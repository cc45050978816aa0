"""Metrics of one's own, from a function of target and scores. Whatever the function does, an error names the metric."""

from __future__ import annotations

import inspect
import logging
import math
from collections.abc import Callable
from numbers import Real
from typing import Any, get_args

import numpy as np

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.extensions import third_party_errors
from airflow_mlops.core.metrics.types import Array, Direction, InfluenceFunction, Task, WeightedStatistic

log = logging.getLogger(__name__)
WEIGHTS = "sample_weight"
_LARGE_FALL = 0.1  # of the range of a bounded metric
_ROUNDING = 1e-9


def check_function_metric(
    name: str,
    function: Callable[..., Any],
    direction: Direction,
    task: Task,
    bounds: tuple[float, float] | None,
    influence: InfluenceFunction | None,
) -> dict[str, Any]:
    """Return the fields of a metric that follow from a function; see :meth:`Metric.from_function`.

    :raises BadInput: when an argument is not valid.
    """
    if not isinstance(name, str) or not name:
        raise BadInput(f"{name!r} is not a name of a metric", hint="use a word, such as 'profit'")
    for what, value, values in (("direction", direction, get_args(Direction)), ("task", task, get_args(Task))):
        if value not in values:
            raise BadInput(
                f"{what}={value!r} of the metric {name!r} is unknown", hint=f"use one of {', '.join(values)}"
            )
    low, high = _check_bounds(name, bounds)
    takes_weights = _takes_weights(name, function)
    bounded = direction == "higher" and math.isfinite(high - low)
    return {
        "prepare": _Function(name, function, takes_weights, (low, high)).prepare,
        "influence": None if influence is None else _checked_influence(name, influence),
        "gain_by_influence": influence is not None,
        "bounds": (low, high),
        "large_fall": _LARGE_FALL * (high - low) if bounded else None,
        "integer_weights": not takes_weights,
    }


class _Function:
    """A function with the name, the weights and the bounds of its metric."""

    def __init__(self, name: str, function: Callable[..., Any], takes_weights: bool, bounds: tuple[float, float]):
        self._name, self._function, self._takes_weights, self._bounds = name, function, takes_weights, bounds
        self._logged = False

    def prepare(self, target: Array, scores: Array) -> WeightedStatistic:
        """Return the metric as a function of weights."""
        target, scores = _read_only(target), _read_only(scores)

        def evaluate(weights: Array) -> float:
            if (weights == 1).all():
                return self._call(target, scores, weights)
            if not (weights > 0).any():
                return math.nan
            if not self._takes_weights and (weights % 1 != 0).any():
                raise BadInput(
                    f"the metric {self._name!r} needs integer weights",
                    where=_location(self._function),
                    hint=f"add the parameter {WEIGHTS!r} to its function",
                )
            return self._call_on_resample(target, scores, weights)

        def weighted(weights: Array) -> Array:
            weights = np.asarray(weights, float)
            rows = weights.reshape(-1, weights.shape[-1])
            return np.array([evaluate(row) for row in rows]).reshape(weights.shape[:-1])

        return weighted

    def _call_on_resample(self, target: Array, scores: Array, weights: Array) -> float:
        """Return the value of a resample; NaN where the function fails, which makes the standard error unknown."""
        index = np.flatnonzero(weights)
        if not self._takes_weights:
            index = np.repeat(index, weights[index].astype(np.intp))
        try:
            return self._call(target[index], scores[index], weights[index])
        except BadInput as error:
            if not self._logged:  # once, not for each of hundreds of resamples
                log.warning("On a resample of the rows, %s", error.what)
            self._logged = True
            return math.nan

    def _call(self, target: Array, scores: Array, weights: Array) -> float:
        keywords = {WEIGHTS: weights} if self._takes_weights else {}
        with third_party_errors(f"the function of the metric {self._name!r} failed", BadInput, (MemoryError,)):
            result = self._function(target, scores, **keywords)
        if isinstance(result, np.ndarray) and result.ndim == 0:
            result = result[()]
        if isinstance(result, (bool, np.bool_)) or not isinstance(result, (Real, np.floating, np.integer)):
            raise _failure(self._name, self._function, f"returned {repr(result)[:80]}, which is not a number")
        value = float(result)
        low, high = self._bounds
        tolerance = _ROUNDING * max(1.0, abs(value))
        if math.isfinite(value) and not low - tolerance <= value <= high + tolerance:
            raise _failure(self._name, self._function, f"returned {value:g}, outside its bounds {low:g} and {high:g}")
        return min(max(value, low), high) if math.isfinite(value) else value


def _checked_influence(name: str, influence: InfluenceFunction) -> InfluenceFunction:
    def checked(target: Array, scores: Array) -> Array:
        with third_party_errors(f"the influence of the metric {name!r} failed", BadInput, (MemoryError,)):
            values = influence(_read_only(target), _read_only(scores))
        try:
            result = np.asarray(values, float)
        except (TypeError, ValueError):
            raise _failure(name, influence, f"returned {repr(values)[:80]}, which are not numbers") from None
        if result.shape != (len(target),) or not np.isfinite(result).all():
            raise _failure(name, influence, f"has to return {len(target)} finite influences, one for each row")
        return result

    return checked


def _failure(name: str, function: Callable[..., Any], reason: str) -> BadInput:
    return BadInput(
        f"the function of the metric {name!r} {reason}",
        where=_location(function),
        hint="it has to return one number for any rows of its task",
    )


def _location(function: Callable[..., Any]) -> str:
    module = getattr(function, "__module__", None) or type(function).__module__
    return f"{module}.{getattr(function, '__qualname__', type(function).__name__)}"


def _takes_weights(name: str, function: Callable[..., Any]) -> bool:
    """Check whether a function has a parameter ``sample_weight``.

    :raises BadInput: when it cannot be called with target and scores.
    """
    if not callable(function):
        raise BadInput(f"the metric {name!r} needs a function, not {type(function).__name__}")
    try:
        signature = inspect.signature(function)
    except ValueError:  # a callable without an introspectable signature
        return False
    takes_weights = WEIGHTS in signature.parameters
    try:
        signature.bind(None, None, **({WEIGHTS: None} if takes_weights else {}))
    except TypeError as error:
        raise BadInput(
            f"the function of the metric {name!r} cannot be called with target and scores: {error}",
            where=_location(function),
            hint=f"its parameters are target, scores and, if it supports weights, {WEIGHTS}",
        ) from None
    return takes_weights


def _check_bounds(name: str, bounds: tuple[float, float] | None) -> tuple[float, float]:
    try:
        low, high = (-math.inf, math.inf) if bounds is None else map(float, bounds)
    except (TypeError, ValueError):
        low, high = math.nan, math.nan
    if not low < high:
        raise BadInput(
            f"bounds={bounds!r} of the metric {name!r} are not two numbers, the smaller first",
            hint="use None for a metric without bounds, and float('inf') for one side without a bound",
        )
    return low, high


def _read_only(values: Array) -> Array:
    """Return a view through which a function cannot change the rows."""
    view = np.asarray(values, float).view()
    view.flags.writeable = False
    return view
