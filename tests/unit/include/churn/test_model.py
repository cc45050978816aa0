from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
import skops.io

from include.churn.calendar import CHANGE_WEEK, WEEK, weeks
from include.churn.features import CATEGORICAL, FEATURES, NUMERIC, TARGET
from include.churn.simulation_metrics import (
    BASELINE,
    CANDIDATES,
    FRESH,
    LATER,
    REFERENCE,
    Frames,
    compute_drift,
    compute_model_metrics,
    largest_drift,
    pool_partitions,
    simulate,
)

SIZE = 2000


@pytest.fixture(scope="module")
def world() -> Frames:
    return simulate(3, SIZE)


@pytest.fixture(scope="module")
def quiet() -> Frames:
    # Smaller worlds are noisier: the limits below are those of the size the demo has.
    return simulate(3, 3000, change=False)


def test_quiet_weeks_look_like_the_reference(quiet: Frames) -> None:
    later = weeks(REFERENCE[-1] + WEEK, LATER[-1])
    moved = largest_drift(pool_partitions(quiet, REFERENCE), quiet, later)
    assert moved[NUMERIC].max() < 0.05, moved
    assert moved[CATEGORICAL].max() < 0.03, moved


def test_missing_values_are_as_frequent_in_every_quiet_week(quiet: Frames) -> None:
    shares = pd.DataFrame({cutoff: rows[FEATURES].isna().mean() for cutoff, rows in quiet.items()}).T
    assert (shares.max() - shares.min()).max() < 0.02
    assert shares[["age", "minutes_7d", "acquisition_channel"]].min().min() > 0.01


def test_the_first_changed_week_looks_different(world: Frames) -> None:
    step = compute_drift(pool_partitions(world, REFERENCE), world[CHANGE_WEEK])
    assert step["weekly_price"] > 0.2
    assert step["segment"] > 0.15
    last_quiet = compute_drift(pool_partitions(world, REFERENCE), world[CHANGE_WEEK - WEEK])
    assert last_quiet["weekly_price"] < 0.05
    assert last_quiet["segment"] < 0.03


def test_changed_weeks_look_like_each_other(world: Frames) -> None:
    moved = largest_drift(pool_partitions(world, BASELINE), world, LATER)
    assert moved[NUMERIC].max() < 0.08, moved
    assert moved[CATEGORICAL].max() < 0.03, moved


@pytest.mark.parametrize("cutoffs", [REFERENCE, FRESH, BASELINE, LATER])
def test_about_one_customer_in_nine_leaves_before_and_after_the_change(world: Frames, cutoffs: list[date]) -> None:
    assert 0.08 < pool_partitions(world, cutoffs)[TARGET].mean() < 0.14


def test_the_change_makes_an_old_model_worse_and_a_new_one_makes_good(world: Frames) -> None:
    auc = compute_model_metrics(world)
    assert auc["boosted before"] > 0.74
    assert auc["boosted before"] - auc["boosted old"] > 0.1
    assert auc["boosted new"] - auc["boosted old"] > 0.07
    assert auc["linear before"] - auc["linear old"] > 0.1


@pytest.mark.parametrize("name", CANDIDATES)
def test_a_model_survives_unknown_and_missing_values_and_skops(name: str, world: Frames) -> None:
    rows = world[CHANGE_WEEK - WEEK]
    model = CANDIDATES[name](seed=1).fit(rows[FEATURES], rows[TARGET])
    strange = world[CHANGE_WEEK][FEATURES].head(50).copy()
    strange["age"] = np.nan
    strange["acquisition_channel"] = None
    strange["region"] = "abroad"
    chances = model.predict_proba(strange)[:, 1]
    assert np.isfinite(chances).all()
    stored = skops.io.dumps(model)
    # Every type is one that skops trusts by itself, or scikit-learn's or numpy's own.
    unknown = skops.io.get_untrusted_types(data=stored)
    assert all(kind.split(".")[0] in {"sklearn", "numpy"} for kind in unknown), unknown
    again = skops.io.loads(stored, trusted=unknown)
    assert (again.predict_proba(strange)[:, 1] == chances).all()


@pytest.mark.parametrize("name", CANDIDATES)
def test_a_candidate_is_unfitted_and_repeatable(name: str, world: Frames) -> None:
    rows = world[CHANGE_WEEK]
    first, second = (CANDIDATES[name](seed=1) for _ in range(2))
    assert not hasattr(first, "classes_")
    for model in (first, second):
        model.fit(rows[FEATURES], rows[TARGET])
    assert (first.predict_proba(rows[FEATURES]) == second.predict_proba(rows[FEATURES])).all()
