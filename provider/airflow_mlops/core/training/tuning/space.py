"""What a search may choose from: for each keyword of ``build``, values or a range."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from airflow_mlops.core.settings import Settings

if TYPE_CHECKING:
    from numpy.random import Generator

MOST_VALUES = 1_000


def as_text(value: Any) -> str:
    """Give a plain value as JSON. Values are compared by it: in Python 1, 1.0 and True are equal.

    :raises TypeError: when it is none.
    :raises ValueError: when a number in it is not finite.
    """
    return json.dumps(value, allow_nan=False, sort_keys=True)


class Parameter(Settings):
    """What one keyword may be: one of some values, or a number in a range.

    :param values: the values; a bare list means the same.
    :param low: the range's lower end, which belongs to it.
    :param high: its upper end, which belongs to it, too, if whole steps lead there.
    :param type: ``float`` or ``int``.
    :param log: whether ratios count rather than differences: 0.01 to 0.1 gets as many draws as 0.1 to 1.
    :param step: the distance between two numbers that may be drawn; default: 1 for ``int``, none for ``float``.
    :param points: with a grid only: this many numbers from end to end, in equal distances or, with ``log``, ratios.
    """

    values: tuple[Any, ...] | None = None
    low: float | None = None
    high: float | None = None
    type: Literal["float", "int"] = "float"
    log: bool = False
    step: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    points: int | None = Field(default=None, ge=2, le=MOST_VALUES)

    @model_validator(mode="before")
    @classmethod
    def _bare_list(cls, given: Any) -> Any:
        if isinstance(given, (list, tuple)):
            return {"values": list(given)}
        if not isinstance(given, (Mapping, Parameter)):
            raise ValueError("give a list of values, or low and high")
        return given

    @field_validator("values")
    @classmethod
    def _distinct(cls, values: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
        if values is None:
            return None
        if not 1 <= len(values) <= MOST_VALUES:
            raise ValueError(f"give 1 to {MOST_VALUES} values, not {len(values)}")
        try:
            texts = [as_text(value) for value in values]
        except (TypeError, ValueError):
            raise ValueError("values have to be plain: text, finite numbers, true, false, null, or lists") from None
        if len(set(texts)) < len(texts):
            raise ValueError("a value is there twice")
        return tuple(map(json.loads, texts))  # as a kept trial will give them back: a tuple is a list

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.values is not None:
            if beside := self.model_fields_set - {"values"}:
                raise ValueError(f"{sorted(beside)} belong to a range, and there are values")
            return self
        if self.low is None or self.high is None:
            raise ValueError("give values, or low and high")
        self._check_range(self.low, self.high)
        return self

    def _check_range(self, low: float, high: float) -> None:
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise ValueError(f"low={low:g} has to be below high={high:g}, and both finite")
        if self.type == "int" and any(n is not None and n != int(n) for n in (low, high, self.step)):
            raise ValueError("low, high and step of type int have to be whole numbers")
        if self.log and low <= 0:
            raise ValueError(f"log needs low above 0, not {low:g}")
        if self.log and self.step is not None:
            raise ValueError("log and step exclude each other; with a grid, give points")

    @property
    def ends(self) -> tuple[float, float]:
        """The range's ends: the upper one is where whole steps lead."""
        assert self.low is not None
        assert self.high is not None
        return self.low, self.high if self.step is None else self.low + self.step * self._steps

    def draw(self, generator: Generator) -> Any:
        """Draw a value; all are equally likely."""
        if self.places is not None:
            return self.at(int(generator.integers(self.places)))
        low, high = self.ends
        if self.type == "int":
            return self._draw_whole(generator, low, high)
        if not self.log:
            return float(generator.uniform(low, high))
        drawn = math.exp(generator.uniform(math.log(low), math.log(high)))
        return float(min(max(drawn, low), high))

    def grid(self) -> list[Any]:
        """Give the values that a grid goes through.

        :raises ValueError: when it is a range of floats with neither ``step`` nor ``points``, or of too many numbers.
        """
        if self.values is not None:
            return list(self.values)
        low, high = self.ends
        if self.points is not None:
            shares = [number / (self.points - 1) for number in range(self.points)]
            numbers = [low * (high / low) ** s if self.log else low + (high - low) * s for s in shares]
            numbers = [low, *numbers[1:-1], high]
        elif self.type == "float" and self.step is None:
            raise ValueError("a grid needs step, points, or a list of values")
        elif self._steps >= MOST_VALUES:
            raise ValueError(f"a grid of {self._steps + 1} values is too fine; give step or points")
        else:
            return [self.at(place) for place in range(self._steps + 1)]
        return list(dict.fromkeys(map(self._plain, numbers)))

    @property
    def places(self) -> int | None:
        """How many values there are, where they are known by their place; ``None`` for a range without steps."""
        if self.values is not None:
            return len(self.values)
        return None if self.step is None else self._steps + 1

    def at(self, place: int) -> Any:
        """Give the value at a place."""
        if self.values is not None:
            return self.values[place]
        return self._plain(self.ends[0] + place * (self.step or 1))

    def place_of(self, value: Any) -> int:
        """Give the place of a value."""
        if self.values is not None:
            return [as_text(known) for known in self.values].index(as_text(value))
        return int(round((value - self.ends[0]) / (self.step or 1)))  # noqa: RUF046 - value may be anything

    @property
    def _steps(self) -> int:
        assert self.low is not None
        assert self.high is not None
        return math.floor((self.high - self.low) / (self.step or 1) + 1e-9)

    def _draw_whole(self, generator: Generator, low: float, high: float) -> int:
        if not self.log:
            return int(generator.integers(int(low), int(high), endpoint=True))
        # Each whole number stands for the half before and the half behind it.
        drawn = round(math.exp(generator.uniform(math.log(low - 0.5), math.log(high + 0.5))))
        return int(min(max(drawn, low), high))

    def _plain(self, number: float) -> float | int:
        # 0.1 + 2 * 0.1 is to be 0.3, as people have written it.
        return round(number) if self.type == "int" else float(f"{number:.12g}")
