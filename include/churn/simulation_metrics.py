"""Metrics of the simulation: how much an old model degrades after the change.

All rows are read from SQLite with ``features.sql`` and ``labels.sql``. Customers are split by a hash of their id,
60/20/20, so that no model is evaluated on its training customers.
"""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from zlib import crc32

import pandas as pd
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline
from sqlalchemy import Engine, create_engine, text

from include.churn.business import build
from include.churn.calendar import (
    CHANGE_DAY,
    CHANGE_WEEK,
    FIRST_WEEK,
    HISTORY_END,
    LABEL_HORIZON,
    LAST_WEEK,
    WEEK,
    key,
    last_labelled,
    weeks,
)
from include.churn.database import write
from include.churn.features import (
    CATEGORICAL,
    FEATURES,
    FEATURES_SQL,
    KEY,
    LABELS_SQL,
    NUMERIC,
    TARGET,
    label_binds,
    query_binds,
    with_tenure,
)
from include.churn.model import boosted, linear

REFERENCE = weeks(FIRST_WEEK, last_labelled(HISTORY_END))
"""Training partitions of the first model: all that are labelled on the last day of the history."""
FRESH = weeks(REFERENCE[-1] + WEEK, CHANGE_DAY - LABEL_HORIZON)
"""Partitions after it whose features and labels both lie before the change."""
BASELINE = weeks(CHANGE_WEEK, CHANGE_WEEK + 2 * WEEK)
"""Training partitions of the retrained model."""
LATER = weeks(BASELINE[-1] + WEEK, LAST_WEEK)
CANDIDATES = {"linear": linear, "boosted": boosted}

Frames = dict[date, pd.DataFrame]


def read_partition(engine: Engine, cutoff: date) -> pd.DataFrame:
    """Read one partition, features and labels, the way the DAGs do.

    :param engine: the company's database
    :param cutoff: the partition's cut-off
    :return: one row per customer: ``KEY``, ``FEATURES`` and ``TARGET``
    """
    with engine.connect() as connection:
        rows = pd.read_sql(text(FEATURES_SQL.read_text()), connection, params=query_binds(key(cutoff)))
        labels = pd.read_sql(text(LABELS_SQL.read_text()), connection, params=label_binds(key(cutoff)))
    return with_tenure(rows, key(cutoff)).merge(labels, on=KEY, validate="one_to_one")


def simulate(seed: int, size: int, change: bool = True) -> Frames:
    """Simulate a company, write it to a database and read every partition.

    :param seed: seed of the simulation
    :param size: approximate number of customers before the change
    :param change: whether the change happens
    """
    with TemporaryDirectory() as folder:
        engine = create_engine(f"sqlite:///{Path(folder) / 'churn.db'}")
        write(build(seed, size, change), engine)
        frames = {cutoff: read_partition(engine, cutoff) for cutoff in weeks(FIRST_WEEK, LAST_WEEK)}
        engine.dispose()
    return frames


def pool_partitions(frames: Frames, cutoffs: list[date], folds: range = range(5)) -> pd.DataFrame:
    """Concatenate partitions, restricted to some folds of customers.

    :param frames: the partitions by cut-off
    :param cutoffs: the partitions to take
    :param folds: the customers to take, in fifths: 0, 1 and 2 train, 3 validates, 4 tests
    """
    rows = pd.concat([frames[cutoff] for cutoff in cutoffs], ignore_index=True)
    fold = rows[KEY].map(lambda customer: crc32(str(customer).encode()) % 5)
    return rows[fold.isin(folds)]


def compute_drift(reference: pd.DataFrame, current: pd.DataFrame) -> pd.Series:
    """Compute the drift of each feature.

    :param reference: rows with ``FEATURES``
    :param current: rows with ``FEATURES``
    :return: by feature; the Wasserstein distance over the reference's standard deviation of a number, the
        Jensen-Shannon distance (base 2) of a category, where missing is a category too
    """
    distances = {}
    for name in NUMERIC:
        old, new = reference[name].dropna(), current[name].dropna()
        distances[name] = wasserstein_distance(old, new) / old.std()
    for name in CATEGORICAL:
        fractions = [rows[name].fillna("missing").value_counts(normalize=True) for rows in (reference, current)]
        both = pd.concat(fractions, axis=1).fillna(0.0).to_numpy()
        distances[name] = float(jensenshannon(both[:, 0], both[:, 1], base=2))
    return pd.Series(distances)


def largest_drift(reference: pd.DataFrame, frames: Frames, cutoffs: list[date]) -> pd.Series:
    """Return each feature's largest drift over some partitions.

    :param reference: rows with ``FEATURES``
    :param frames: the partitions by cut-off
    :param cutoffs: the partitions to compare
    """
    return pd.concat([compute_drift(reference, frames[cutoff]) for cutoff in cutoffs], axis=1).max(axis=1)


def compute_auc(model: Pipeline, frames: Frames, cutoffs: list[date]) -> float:
    """Compute a model's AUC on the test customers of some partitions.

    :param model: fitted on ``FEATURES``
    :param frames: the partitions by cut-off
    :param cutoffs: the partitions to measure on
    """
    rows = pool_partitions(frames, cutoffs, range(4, 5))
    return float(roc_auc_score(rows[TARGET], model.predict_proba(rows[FEATURES])[:, 1]))


def compute_model_metrics(frames: Frames) -> dict[str, float]:
    """Compute the AUC of each candidate before the change, and after it both unchanged and retrained.

    :param frames: the partitions of a simulation with the change
    :return: the AUC of ``<candidate> before``, ``<candidate> old`` and ``<candidate> new``
    """
    scores = {}
    for name, candidate in CANDIDATES.items():
        fitted = []
        for cutoffs in (REFERENCE, BASELINE):
            rows = pool_partitions(frames, cutoffs, range(3))
            fitted.append(candidate().fit(rows[FEATURES], rows[TARGET]))
        old, new = fitted
        scores[f"{name} before"] = compute_auc(old, frames, FRESH)
        scores[f"{name} old"] = compute_auc(old, frames, LATER)
        scores[f"{name} new"] = compute_auc(new, frames, LATER)
    return scores


def compute_metrics(seed: int, size: int) -> dict[str, float]:
    """Compute all metrics of one simulation, with the change and without.

    :param seed: seed of the simulation
    :param size: approximate number of customers before the change
    :return: AUCs, churn rates and drifts by name: ``quiet`` is the largest of any feature in any week without
        a change, ``retrained`` in any week after the retrained model's, ``step`` in the first changed week
    """
    frames, quiet = simulate(seed, size), simulate(seed, size, change=False)
    reference, baseline = pool_partitions(frames, REFERENCE), pool_partitions(frames, BASELINE)
    step = compute_drift(reference, frames[CHANGE_WEEK])
    quiet_drift = largest_drift(reference, quiet, weeks(REFERENCE[-1] + WEEK, LAST_WEEK))
    retrained_drift = largest_drift(baseline, frames, LATER)
    return {
        "churn before": reference[TARGET].mean(),
        "churn after": pool_partitions(frames, [*BASELINE, *LATER])[TARGET].mean(),
        **compute_model_metrics(frames),
        "quiet W": quiet_drift[NUMERIC].max(),
        "quiet JS": quiet_drift[CATEGORICAL].max(),
        "retrained W": retrained_drift[NUMERIC].max(),
        "retrained JS": retrained_drift[CATEGORICAL].max(),
        "step price W": step["weekly_price"],
        "step segment JS": step["segment"],
    }


def main() -> None:
    """Print the metrics of several simulations."""
    parser = argparse.ArgumentParser(prog="python -m include.churn.simulation_metrics", description=main.__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="number of simulations")
    parser.add_argument("--size", type=int, default=3000, help="active customers before the change, about")
    options = parser.parse_args()
    table = pd.DataFrame({seed: compute_metrics(seed, options.size) for seed in range(options.seeds)}).T
    extremes = pd.DataFrame({"min": table.min(), "mean": table.mean(), "max": table.max()}).T
    print(pd.concat([table, extremes]).T.to_string(float_format="{:.3f}".format))


if __name__ == "__main__":
    main()
