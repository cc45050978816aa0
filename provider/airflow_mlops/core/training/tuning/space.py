"""Search spaces: values or a range for each keyword of ``build``."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from airflow_mlops.common.settings import Settings

if TYPE_CHECKING:
    from numpy.random import Generator

MAX_VALUES = 1_000


def to_json(value: Any) -> str:
    """Return a value as JSON, used for comparison: in Python 1, 1.0 and True are equal.

    :raises TypeError: when the value is not JSON-serialisable.
    :raises ValueError: when it contains a number that is not finite.
    """
    return json.dumps(value, allow_nan=False, sort_keys=True)


class SearchParameter(Settings):
    """The values of one keyword: a list of values, or a numeric range.

    :param values: the values; may be given as a bare list.
    :param low: the lower bound, inclusive.
    :param high: the upper bound, inclusive if a multiple of ``step`` reaches it.
    :param type: ``float`` or ``int``.
    :param log: draw on a logarithmic scale: 0.01 to 0.1 gets as many draws as 0.1 to 1.
    :param step: the distance between two values; default: 1 for ``int``, continuous for ``float``.
    :param points: for grid search: the number of values, equally spaced or, with ``log``, geometrically.
    """

    values: tuple[Any, ...] | None = None
    low: float | None = None
    high: float | None = None
    type: Literal["float", "int"] = "float"
    log: bool = False
    step: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    points: int | None = Field(default=None, ge=2, le=MAX_VALUES)

    @model_validator(mode="before")
    @classmethod
    def _expand_list(cls, value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return {"values": list(value)}
        if not isinstance(value, (Mapping, SearchParameter)):
            raise ValueError("give a list of values, or low and high")
        return value

    @field_validator("values")
    @classmethod
    def _check_distinct(cls, values: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
        if values is None:
            return None
        if not 1 <= len(values) <= MAX_VALUES:
            raise ValueError(f"give 1 to {MAX_VALUES} values; got {len(values)}")
        try:
            texts = [to_json(value) for value in values]
        except (TypeError, ValueError):
            raise ValueError(
                "values must be JSON-serialisable: text, finite numbers, true, false, null, or lists"
            ) from None
        if len(set(texts)) < len(texts):
            raise ValueError("values contain a duplicate")
        return tuple(map(json.loads, texts))  # as a stored trial returns them: tuples become lists

    @model_validator(mode="after")
    def _check_kind(self) -> Self:
        if self.values is not None:
            if extra := self.model_fields_set - {"values"}:
                raise ValueError(f"{sorted(extra)} cannot be combined with values")
            return self
        if self.low is None or self.high is None:
            raise ValueError("give values, or low and high")
        self._check_range(self.low, self.high)
        return self

    def _check_range(self, low: float, high: float) -> None:
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise ValueError(f"low={low:g} must be below high={high:g}, and both finite")
        if self.type == "int" and any(n is not None and n != int(n) for n in (low, high, self.step)):
            raise ValueError("low, high and step must be integers for type int")
        if self.log and low <= 0:
            raise ValueError(f"log requires low above 0; got {low:g}")
        if self.log and self.step is not None:
            raise ValueError("log and step exclude each other; for a grid, use points")

    @property
    def bounds(self) -> tuple[float, float]:
        """The range's bounds; the upper one is the last value reached by ``step``."""
        assert self.low is not None
        assert self.high is not None
        return self.low, self.high if self.step is None else self.low + self.step * self._step_count

    def draw(self, generator: Generator) -> Any:
        """Return a random value; all are equally likely."""
        if self.value_count is not None:
            return self.value_at(int(generator.integers(self.value_count)))
        low, high = self.bounds
        if self.type == "int":
            return self._draw_integer(generator, low, high)
        if not self.log:
            return float(generator.uniform(low, high))
        drawn = math.exp(generator.uniform(math.log(low), math.log(high)))
        return float(min(max(drawn, low), high))

    def grid(self) -> list[Any]:
        """Return the values of a grid search.

        :raises ValueError: when it is a float range with neither ``step`` nor ``points``, or has too many values.
        """
        if self.values is not None:
            return list(self.values)
        low, high = self.bounds
        if self.points is not None:
            fractions = [number / (self.points - 1) for number in range(self.points)]
            numbers = [low * (high / low) ** s if self.log else low + (high - low) * s for s in fractions]
            numbers = [low, *numbers[1:-1], high]
        elif self.type == "float" and self.step is None:
            raise ValueError("a grid requires step, points, or a list of values")
        elif self._step_count >= MAX_VALUES:
            raise ValueError(f"a grid of {self._step_count + 1} values is too large; use a larger step, or points")
        else:
            return [self.value_at(place) for place in range(self._step_count + 1)]
        return list(dict.fromkeys(map(self._round, numbers)))

    @property
    def value_count(self) -> int | None:
        """The number of values, or ``None`` for a continuous range or one without ``step``."""
        if self.values is not None:
            return len(self.values)
        return None if self.step is None else self._step_count + 1

    def value_at(self, index: int) -> Any:
        """Return the value at an index."""
        if self.values is not None:
            return self.values[index]
        return self._round(self.bounds[0] + index * (self.step or 1))

    def index_of(self, value: Any) -> int:
        """Return the index of a value."""
        if self.values is not None:
            return [to_json(candidate) for candidate in self.values].index(to_json(value))
        return int(round((value - self.bounds[0]) / (self.step or 1)))  # noqa: RUF046 - value may be anything

    @property
    def _step_count(self) -> int:
        assert self.low is not None
        assert self.high is not None
        return math.floor((self.high - self.low) / (self.step or 1) + 1e-9)

    def _draw_integer(self, generator: Generator, low: float, high: float) -> int:
        if not self.log:
            return int(generator.integers(int(low), int(high), endpoint=True))
        # Each integer covers half a unit on either side.
        drawn = round(math.exp(generator.uniform(math.log(low - 0.5), math.log(high + 0.5))))
        return int(min(max(drawn, low), high))

    def _round(self, number: float) -> float | int:
        # Rounded, so that 0.1 + 2 * 0.1 is 0.3.
        return round(number) if self.type == "int" else float(f"{number:.12g}")
