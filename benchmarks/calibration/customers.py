"""Customers whose labels are known to the last decimal: what is planted in them is all that changes.

Labels follow from what customers are; models see what was recorded of them. A covariate shift changes the former,
a broken column the latter, a label flip neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]
World = Literal["straight", "curved", "amounts"]
WORLDS: tuple[World, ...] = ("straight", "curved", "amounts")
NUMBERS = ("age", "income", "tenure", "visits", "usage", "noise")
NAMES = {"plan": ("basic", "plus", "premium"), "region": ("north", "east", "south", "west", "centre")}
FEATURES = (*NUMBERS, *NAMES)
PLANS = (0.5, 0.3, 0.2)
MISSING_USAGE = 0.1
LABEL = "label"
MEAN_AMOUNT, UNIT, NOISE = 100.0, 20.0, 25.0


@dataclass(frozen=True)
class Plant:
    """What is different from the reference. By default nothing.

    :param family: ``aa``, ``covariate``, ``label flip``, ``covariate and flip`` or ``broken column``.
    :param name: what it is, in few words.
    :param moved: feature -> by how many standard deviations customers themselves moved there; of ``plan`` the share
        that went from the first to the last.
    :param flipped: the share of labels turned round.
    :param turned: the column whose part in the label has the opposite sign.
    :param raised: how much more of the label there is: on the log-odds, or in units of ``UNIT``.
    :param column: the column that is recorded wrongly.
    :param to: the value that it has in all rows; None for missing.
    :param times: what its values are multiplied by instead.
    :param part: the share of rows where that happens.
    """

    family: Literal["aa", "covariate", "label flip", "covariate and flip", "broken column"] = "aa"
    name: str = "nothing"
    moved: Mapping[str, float] = field(default_factory=dict)
    flipped: float = 0.0
    turned: str | None = None
    raised: float = 0.0
    column: str | None = None
    to: float | None = None
    times: float | None = None
    part: float = 1.0


PLANTS = (
    Plant(),
    Plant("covariate", "older", {"age": 0.5}),
    Plant("covariate", "more premium", {"plan": 0.2}),
    Plant("covariate", "all move", {"age": 0.5, "income": -0.5, "tenure": 0.5, "visits": 0.5, "plan": 0.15}),
    Plant("label flip", "30 % flipped", flipped=0.3),
    Plant("label flip", "age turned", turned="age"),
    Plant("label flip", "raised", raised=1.0),
    Plant("covariate and flip", "older and 30 % flipped", {"age": 0.5}, flipped=0.3),
    Plant("covariate and flip", "older and raised", {"age": 0.5}, raised=1.0),
    Plant("broken column", "income 0", column="income", to=0.0),
    Plant("broken column", "age 40", column="age", to=40.0),
    Plant("broken column", "income missing", column="income"),
    Plant("broken column", "income in cents", column="income", times=100.0),
    Plant("broken column", "income times 2.5", column="income", times=2.5),
    Plant("broken column", "income 0 in half", column="income", to=0.0, part=0.5),
)


def draw(world: World, rng: np.random.Generator, rows: int, plant: Plant) -> pl.DataFrame:
    """Draw customers as they were recorded, with their labels.

    :param world: ``straight``: the log-odds of a label 0 or 1 are a sum over features; ``curved``: features also
        bend and act together; ``amounts``: as curved, and the label is a number.
    :param rng: where chance comes from.
    :param rows: how many.
    :param plant: what is different.
    """
    z = {name: rng.standard_normal(rows) + plant.moved.get(name, 0.0) for name in ("age", "income", "usage")}
    z["tenure"] = (rng.standard_gamma(2.0, rows) - 2.0) / np.sqrt(2.0) + plant.moved.get("tenure", 0.0)
    z["visits"] = (rng.poisson(4.0 + 2.0 * plant.moved.get("visits", 0.0), rows) - 4.0) / 2.0
    gone = plant.moved.get("plan", 0.0)
    plan = rng.choice(3, rows, p=[PLANS[0] - gone, PLANS[1], PLANS[2] + gone])
    label = _labels(world, rng, z, plan, plant)
    columns = {
        "age": 45.0 + 12.0 * z["age"],
        "income": 3_000.0 * np.exp(0.5 * z["income"]),
        "tenure": 40.0 + 28.0 * z["tenure"],
        "visits": 4.0 + 2.0 * z["visits"],
        "usage": np.where(rng.random(rows) < MISSING_USAGE, np.nan, 5.0 + 2.0 * z["usage"]),
        "noise": rng.random(rows),
    }
    names = {"plan": plan, "region": rng.integers(0, len(NAMES["region"]), rows)}
    if plant.column is not None:  # last, so that nothing else is drawn otherwise
        columns[plant.column] = _recorded(columns[plant.column], rng, plant)
    named = {name: pl.Series(np.array(NAMES[name])[codes]) for name, codes in names.items()}
    return pl.DataFrame({**columns, **named, LABEL: label}).fill_nan(None)


def _lean(world: World, z: Mapping[str, Floats], plan: npt.NDArray[np.int64], turned: str | None) -> Floats:
    """Return how much customers lean to the label, by what they are."""
    weights = {"age": 0.9, "income": -0.8, "tenure": -0.4, "visits": 0.3}
    if turned is not None:
        weights[turned] = -weights[turned]
    lean = -0.7 + sum(weight * z[name] for name, weight in weights.items()) + np.array([0.2, 0.0, -0.5])[plan]
    if world != "straight":
        lean = lean + 0.3 * z["age"] * z["income"] + 0.4 * np.tanh(z["usage"]) * (plan == 0)
    return np.asarray(lean)


def _labels(
    world: World, rng: np.random.Generator, z: Mapping[str, Floats], plan: npt.NDArray[np.int64], plant: Plant
) -> npt.NDArray[Any]:
    lean = _lean(world, z, plan, plant.turned) + plant.raised
    flipped = rng.random(len(lean)) < plant.flipped
    if world == "amounts":
        amounts = MEAN_AMOUNT + UNIT * lean + rng.normal(0.0, NOISE, len(lean))
        return np.where(flipped, 2 * MEAN_AMOUNT - amounts, amounts)
    return ((rng.random(len(lean)) < 1 / (1 + np.exp(-lean))) ^ flipped).astype(np.int64)


def _recorded(values: Floats, rng: np.random.Generator, plant: Plant) -> Floats:
    wrong = values * plant.times if plant.times is not None else np.full(len(values), np.nan)
    if plant.to is not None:
        wrong = np.full(len(values), plant.to)
    return np.where(rng.random(len(values)) < plant.part, wrong, values)
