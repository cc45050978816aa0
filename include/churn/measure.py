"""How much worse an old model really gets: the simulated world's figures, through the production queries.

Every figure comes from a SQLite database read with ``features.sql`` and ``labels.sql``. Customers are split
by a hash of their id, 60/20/20, so that no model is ever measured on a customer it has learnt from.
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
"""What the first model learns from: every partition labelled on the last day of the history."""
FRESH = weeks(REFERENCE[-1] + WEEK, CHANGE_DAY - LABEL_HORIZON)
"""Partitions after it whose features and labels both lie before the change."""
BASELINE = weeks(CHANGE_WEEK, CHANGE_WEEK + 2 * WEEK)
"""What the retrained model learns from."""
LATER = weeks(BASELINE[-1] + WEEK, LAST_WEEK)
CANDIDATES = {"linear": linear, "boosted": boosted}

Frames = dict[date, pd.DataFrame]


def partition(engine: Engine, cutoff: date) -> pd.DataFrame:
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
    """Build a world, write it to a database of its own and read every partition back.

    :param seed: of the world
    :param size: customers active before the change, about
    :param change: whether the world changes
    """
    with TemporaryDirectory() as folder:
        engine = create_engine(f"sqlite:///{Path(folder) / 'churn.db'}")
        write(build(seed, size, change), engine)
        frames = {cutoff: partition(engine, cutoff) for cutoff in weeks(FIRST_WEEK, LAST_WEEK)}
        engine.dispose()
    return frames


def pooled(frames: Frames, cutoffs: list[date], folds: range = range(5)) -> pd.DataFrame:
    """Put partitions together, of some of the customers.

    :param frames: the partitions by cut-off
    :param cutoffs: the partitions to take
    :param folds: the customers to take, in fifths: 0, 1 and 2 train, 3 validates, 4 tests
    """
    rows = pd.concat([frames[cutoff] for cutoff in cutoffs], ignore_index=True)
    fold = rows[KEY].map(lambda customer: crc32(str(customer).encode()) % 5)
    return rows[fold.isin(folds)]


def drift(reference: pd.DataFrame, current: pd.DataFrame) -> pd.Series:
    """Measure how far each feature has moved.

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
        shares = [rows[name].fillna("missing").value_counts(normalize=True) for rows in (reference, current)]
        both = pd.concat(shares, axis=1).fillna(0.0).to_numpy()
        distances[name] = float(jensenshannon(both[:, 0], both[:, 1], base=2))
    return pd.Series(distances)


def largest(reference: pd.DataFrame, frames: Frames, cutoffs: list[date]) -> pd.Series:
    """Find each feature's largest drift over some partitions, each compared on its own.

    :param reference: rows with ``FEATURES``
    :param frames: the partitions by cut-off
    :param cutoffs: the partitions to compare
    """
    return pd.concat([drift(reference, frames[cutoff]) for cutoff in cutoffs], axis=1).max(axis=1)


def auc(model: Pipeline, frames: Frames, cutoffs: list[date]) -> float:
    """Measure a model on the test customers of some partitions.

    :param model: fitted on ``FEATURES``
    :param frames: the partitions by cut-off
    :param cutoffs: the partitions to measure on
    """
    rows = pooled(frames, cutoffs, range(4, 5))
    return float(roc_auc_score(rows[TARGET], model.predict_proba(rows[FEATURES])[:, 1]))


def models(frames: Frames) -> dict[str, float]:
    """Measure each candidate before the change, old after it, and trained again after it.

    :param frames: the partitions of a changed world
    :return: the AUC of ``<candidate> before``, ``<candidate> old`` and ``<candidate> new``
    """
    figures = {}
    for name, candidate in CANDIDATES.items():
        fitted = []
        for cutoffs in (REFERENCE, BASELINE):
            rows = pooled(frames, cutoffs, range(3))
            fitted.append(candidate().fit(rows[FEATURES], rows[TARGET]))
        old, new = fitted
        figures[f"{name} before"] = auc(old, frames, FRESH)
        figures[f"{name} old"] = auc(old, frames, LATER)
        figures[f"{name} new"] = auc(new, frames, LATER)
    return figures


def figures(seed: int, size: int) -> dict[str, float]:
    """Measure one world, with its change and without.

    :param seed: of the world
    :param size: customers active before the change, about
    :return: AUCs, churn rates and drifts by name: ``quiet`` is the largest of any feature in any week without
        a change, ``settled`` in any week after the retrained model's, ``step`` in the first changed week
    """
    frames, quiet = simulate(seed, size), simulate(seed, size, change=False)
    reference, baseline = pooled(frames, REFERENCE), pooled(frames, BASELINE)
    step = drift(reference, frames[CHANGE_WEEK])
    calm = largest(reference, quiet, weeks(REFERENCE[-1] + WEEK, LAST_WEEK))
    settled = largest(baseline, frames, LATER)
    return {
        "churn before": reference[TARGET].mean(),
        "churn after": pooled(frames, [*BASELINE, *LATER])[TARGET].mean(),
        **models(frames),
        "quiet W": calm[NUMERIC].max(),
        "quiet JS": calm[CATEGORICAL].max(),
        "settled W": settled[NUMERIC].max(),
        "settled JS": settled[CATEGORICAL].max(),
        "step price W": step["weekly_price"],
        "step segment JS": step["segment"],
    }


def main() -> None:
    """Print the figures of several worlds."""
    parser = argparse.ArgumentParser(prog="python -m include.churn.measure", description=main.__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="number of worlds")
    parser.add_argument("--size", type=int, default=3000, help="active customers before the change, about")
    options = parser.parse_args()
    table = pd.DataFrame({seed: figures(seed, options.size) for seed in range(options.seeds)}).T
    extremes = pd.DataFrame({"min": table.min(), "mean": table.mean(), "max": table.max()}).T
    print(pd.concat([table, extremes]).T.to_string(float_format="{:.3f}".format))


if __name__ == "__main__":
    main()
