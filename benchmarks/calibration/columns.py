"""Columns of every sort that data has, drawn independently and fast.

The order of rows is not random where that would only cost time (missing values come last, categories in
runs): a profile counts, and does not see the order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]
Drawing = Callable[[np.random.Generator, int, int], npt.NDArray[Any]]
MISSING = (0.0, 0.01, 0.2)


def _normal(rng: np.random.Generator, rows: int, variant: int) -> Floats:
    return 10.0 * variant + rng.standard_normal(rows)


def _lognormal(rng: np.random.Generator, rows: int, variant: int) -> Floats:
    return rng.lognormal(0.0, (0.5, 1.0, 1.5)[variant % 3], rows)


def _gamma(rng: np.random.Generator, rows: int, variant: int) -> Floats:
    return rng.standard_gamma((2.0, 0.5, 8.0)[variant % 3], rows)


def _heavy_tailed(rng: np.random.Generator, rows: int, variant: int) -> Floats:
    return rng.standard_t(3, rows)


def _whole(rng: np.random.Generator, rows: int, variant: int) -> npt.NDArray[np.int64]:
    return (rng.standard_exponential(rows) * (30, 1_000, 100_000)[variant % 3]).astype(np.int64)


def _zero_inflated(rng: np.random.Generator, rows: int, variant: int) -> Floats:
    values = np.zeros(rows)
    filled = rng.binomial(rows, (0.3, 0.05, 0.01)[variant % 3])
    values[:filled] = rng.lognormal(3.0, 1.0, filled)
    return values


def _bimodal(rng: np.random.Generator, rows: int, variant: int) -> Floats:
    values = rng.standard_normal(rows)
    values[: rng.binomial(rows, 0.4)] += 6.0
    return values


def _uniform(rng: np.random.Generator, rows: int, variant: int) -> Floats:
    return rng.random(rows)


def _prices(rng: np.random.Generator, rows: int, variant: int) -> Floats:
    return np.round(rng.lognormal(2.0, 0.7, rows)) - 0.01


def _days(rng: np.random.Generator, rows: int, variant: int) -> npt.NDArray[np.datetime64]:
    return np.datetime64("2026-01-01", "us") + rng.integers(0, 90 * 86_400, rows) * np.timedelta64(1, "s")


def _constant(rng: np.random.Generator, rows: int, variant: int) -> Floats:
    return np.full(rows, 7.0)


NUMBERS: dict[str, Drawing] = {
    "normal": _normal,
    "lognormal": _lognormal,
    "gamma": _gamma,
    "t3": _heavy_tailed,
    "whole": _whole,
    "zero-inflated": _zero_inflated,
    "bimodal": _bimodal,
    "uniform": _uniform,
    "prices": _prices,
    "dates": _days,
    "constant": _constant,
}


def _equal(names: int) -> Floats:
    return np.full(names, 1.0 / names)


def _zipf(names: int, power: float = 1.1) -> Floats:
    shares = np.arange(1, names + 1) ** -power
    return np.asarray(shares / shares.sum())


SHARES: dict[str, tuple[Floats, ...]] = {  # a variant each
    "few-valued": (np.array([0.5, 0.25, 0.15, 0.07, 0.03]),),
    "rare bool": (np.array([0.99, 0.01]), np.array([0.999, 0.001]), np.array([0.995, 0.005])),
    "common bool": (np.array([0.6, 0.4]),),
    "3 names": (np.array([0.5, 0.3, 0.2]), _equal(3)),
    "rare name": (np.array([0.6, 0.399, 0.001]),),
    "20 names": (_equal(20),),
    "20 names, Zipf": (_zipf(20),),
    "1000 names": (_equal(1000),),
    "1000 names, Zipf": (_zipf(1000), _zipf(1000, 1.5)),
}

# The first ten stand for all: a narrow dataset has to hold the hard ones too.
KINDS = (
    "normal", "1000 names, Zipf", "lognormal", "rare name", "t3", "rare bool", "zero-inflated", "gamma",
    "few-valued", "20 names", "whole", "3 names", "constant", "1000 names", "common bool", "bimodal", "prices",
    "20 names, Zipf", "uniform", "dates",
)  # fmt: skip


@dataclass(frozen=True)
class Column:
    """One column, and what was planted in it.

    :param name: its name.
    :param kind: its distribution: one of ``NUMBERS`` or ``SHARES``.
    :param variant: which of the distribution's parameters.
    :param missing: the share of missing values.
    :param shift: how far the mean is moved, in standard deviations.
    :param scale: by what the distance from the mean is multiplied.
    :param share: how much share the first category gains from all others.
    """

    name: str
    kind: str
    variant: int = 0
    missing: float = 0.0
    shift: float = 0.0
    scale: float = 1.0
    share: float = 0.0

    def draw(self, rng: np.random.Generator, rows: int) -> pl.Series:
        """Draw the column.

        :param rng: where chance comes from.
        :param rows: how many values, missing ones among them.
        """
        missing = int(rng.binomial(rows, self.missing)) if self.missing else 0
        drawn = self._numbers(rng, rows - missing) if self.kind in NUMBERS else self._names(rng, rows - missing)
        return drawn.extend_constant(None, missing) if missing else drawn

    def _numbers(self, rng: np.random.Generator, rows: int) -> pl.Series:
        values = NUMBERS[self.kind](rng, rows, self.variant)
        if self.shift or self.scale != 1.0:
            mean, spread = moments(self.kind, self.variant)
            values = mean + (values - mean) * self.scale + self.shift * spread
        return pl.Series(self.name, values)

    def _names(self, rng: np.random.Generator, rows: int) -> pl.Series:
        counts = rng.multinomial(rows, self._shares)
        codes = np.repeat(np.arange(len(counts), dtype=np.uint32), counts)
        if self.kind == "few-valued":
            return pl.Series(self.name, codes.astype(np.int64))
        if self.kind.endswith("bool"):
            return pl.Series(self.name, codes == 1)
        return names(len(counts)).gather(codes).alias(self.name)

    @cached_property
    def _shares(self) -> Floats:
        variants = SHARES[self.kind]
        shares = variants[self.variant % len(variants)].copy()
        if self.share:
            shares *= 1 - self.share / (1 - shares[0])
            shares[0] = 1 - shares[1:].sum()
        return shares


@cache
def names(count: int) -> pl.Series:
    """Return names for categories."""
    return pl.Series([f"name {i}" for i in range(count)])


@cache
def moments(kind: str, variant: int) -> tuple[float, float]:
    """Return mean and standard deviation of a distribution, from many draws."""
    values = NUMBERS[kind](np.random.default_rng(1), 1_000_000, variant)
    return float(values.mean()), float(values.std())


def mixed(count: int) -> tuple[Column, ...]:
    """Return a mix of columns: all kinds, in turn with 0 %, 1 % and 20 % missing values.

    :param count: how many; a smaller mix is the beginning of a larger one.
    """
    return tuple(
        Column(f"c{i:03d}", KINDS[i % len(KINDS)], i // len(KINDS), MISSING[i % len(MISSING)]) for i in range(count)
    )


def draw_frame(columns: Sequence[Column], rows: int, *key: int) -> pl.DataFrame:
    """Draw a dataset.

    :param columns: its columns; each has its own chance, so that leaving one out changes no other.
    :param rows: how many rows.
    :param key: names the draw: the same key gives the same rows, another one independent rows.
    """
    return pl.DataFrame([column.draw(chance(*key, i), rows) for i, column in enumerate(columns)])


def chance(*key: int) -> np.random.Generator:
    """Return a source of chance of its own for each key."""
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(key[0], spawn_key=key[1:])))
