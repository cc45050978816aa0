from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from benchmarks.calibration.columns import chance
from benchmarks.calibration.customers import FEATURES, LABEL, PLANTS, WORLDS, Plant, draw
from benchmarks.calibration.predictors import SCORE, fitted, scored

ROWS = 8_000
BROKEN = [plant for plant in PLANTS if plant.family == "broken column"]
FLIPPED = [plant for plant in PLANTS if plant.family == "label flip"]


def customers(world, plant: Plant, rows: int = ROWS) -> pl.DataFrame:
    return draw(world, chance(1), rows, plant)


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("plant", BROKEN, ids=lambda plant: plant.name)
def test_a_broken_column_changes_what_is_recorded_there_and_nothing_else(world, plant):
    before, after = customers(world, Plant()), customers(world, plant)
    others = [name for name in (*FEATURES, LABEL) if name != plant.column]
    assert before.select(others).equals(after.select(others))
    changed = before[plant.column].ne_missing(after[plant.column]).mean()
    assert changed == pytest.approx(plant.part, abs=0.03)


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("plant", FLIPPED, ids=lambda plant: plant.name)
def test_a_label_flip_changes_labels_and_no_feature(world, plant):
    before, after = customers(world, Plant()), customers(world, plant)
    assert before.select(FEATURES).equals(after.select(FEATURES))
    assert (before[LABEL] != after[LABEL]).mean() > 0.1


def test_a_covariate_shift_leaves_the_chance_of_a_label_alone():
    older = Plant("covariate", "older", {"age": 0.5})
    before, after = (customers("straight", plant, 200_000) for plant in (Plant(), older))
    assert after["age"].mean() - before["age"].mean() == pytest.approx(6.0, abs=0.2)
    ages = [frame.filter(pl.col("age").is_between(50, 52))[LABEL].mean() for frame in (before, after)]
    assert ages[0] == pytest.approx(ages[1], abs=0.02)


@pytest.mark.parametrize("world", WORLDS)
def test_models_are_right_about_the_world_they_were_fitted_in(world):
    model = fitted(world, draw(world, chance(2), ROWS, Plant()))
    rows = scored(world, model, draw(world, chance(3), ROWS, Plant()))
    scores, labels = rows[SCORE].to_numpy(), rows[LABEL].to_numpy()
    assert np.corrcoef(scores, labels)[0, 1] > 0.4
    order = np.argsort(scores)
    for part in np.array_split(order, 5):
        assert scores[part].mean() == pytest.approx(labels[part].mean(), abs=0.1 * labels.std())


def test_another_chance_gives_other_customers():
    frames = [draw("curved", chance(number), 50, Plant()) for number in (1, 1, 2)]
    assert frames[0].equals(frames[1])
    assert not frames[0].equals(frames[2])
