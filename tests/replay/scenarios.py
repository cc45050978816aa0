"""Replay scenarios: the rows of each week, and the expected retrainings.

A row has two numbers. The scenario's *level* shifts the first of them and rotates their relation to the label: a large
first number predicts label 1 at level 0, and label 0 at level 2. So a champion of another level is wrong.
Imported by DAG files while they are parsed: NumPy, pandas and scikit-learn are imported inside the functions.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline

FIRST_DAY = date(2024, 1, 22)
"""The Monday of week 0, in the past so that Airflow schedules nothing itself."""
HISTORY = range(-3, 0)
"""Weeks before the first champion."""
LABEL_DELAY_WEEKS = 2
"""In weeks."""
ROWS = 600
FEATURES, KEY, TARGET = ["x1", "x2"], "row", "y"
COOL_DOWN = 4
POLICY: dict[str, Any] = {
    "drift": {"numeric_threshold": 1.0},  # a standard deviation of the rows that the champion was trained on
    "gate": {"metric": "roc_auc", "min_rows": 100, "min_positives": 20},
    "episode": {"period": "7d", "min_labelled_rows": 1500, "cool_down": COOL_DOWN, "signals": {"drift": "retrain"}},
}
SEED = "REPLAY_SEED"
"""The environment variable with the seed of all rows."""
KILLED_SUFFIX = "_killed"
"""Suffix of models whose Airflow components are killed."""
STORM_EVENTS = 1000
"""Events per retraining request in the burst scenario."""


def week(number: int) -> str:
    """Return the partition of a week."""
    return (FIRST_DAY + timedelta(weeks=number)).isoformat()


def week_number(partition: str) -> int:
    """Return the week of a partition."""
    return (date.fromisoformat(partition) - FIRST_DAY).days // 7


@dataclass(frozen=True)
class Scenario:
    """A scenario.

    :param name: its name.
    :param level: the level in a week.
    :param fewest: minimum number of retrainings.
    :param most: maximum number of retrainings, for a number of weeks.
    :param broken: whether the second number is lost upstream in a week.
    :param storms: whether the event source emits each request a thousand times.
    """

    name: str
    level: Callable[[int], float]
    min_retrainings: int
    max_retrainings: Callable[[int], int]
    broken: Callable[[int], bool] = lambda _: False
    duplicates_events: bool = False

    def frame(self, partition: str) -> pd.DataFrame:
        """Create the rows of a week, always the same ones for a seed."""
        import numpy as np
        import pandas as pd

        number = week_number(partition)
        rng = np.random.default_rng([int(os.environ.get(SEED, "0")), sum(self.name.encode()), number - HISTORY.start])
        level, own, other = self.level(number), rng.normal(size=ROWS), rng.normal(size=ROWS)
        angle = level * np.pi / 2
        probability = 1 / (1 + np.exp(-3 * (np.cos(angle) * own + np.sin(angle) * other)))
        return pd.DataFrame(
            {
                KEY: np.arange(ROWS) + (number - HISTORY.start) * ROWS,
                "x1": own + level,
                "x2": np.full(ROWS, np.nan) if self.broken(number) else other,
                TARGET: (rng.random(ROWS) < probability).astype(int),
            }
        )

    def rows(self, partition: str) -> pd.DataFrame:
        """Return the features of a week."""
        return self.frame(partition).drop(columns=TARGET)

    def labels(self, partition: str) -> pd.DataFrame:
        """Return the labels of a week."""
        return self.frame(partition)[[KEY, TARGET]]

    def expected(self, windows: int) -> str:
        """Describe the expected number of retrainings."""
        most = self.max_retrainings(windows)
        return f"exactly {most}" if most == self.min_retrainings else f"{self.min_retrainings} to {most}"

    def find_violations(self, windows: int, asked: list[str], retrainings: int, alarms: int) -> list[str]:
        """List the violations of the expectations.

        :param asked: the partitions at which a retraining was asked for, oldest first.
        :param retrainings: how many there were.
        :param alarms: number of windows with an alarm about a broken column.
        """
        violations = []
        if not self.min_retrainings <= retrainings <= self.max_retrainings(windows):
            violations.append(f"{retrainings} retrainings, and there have to be {self.expected(windows)}")
        weeks = [week_number(partition) for partition in asked]
        if close := [(week(a), week(b)) for a, b in pairwise(weeks) if b - a <= COOL_DOWN]:
            violations.append(f"asked again within a cool-down of {COOL_DOWN} weeks: {close}")
        silent = sum(self.broken(number) for number in range(windows)) - alarms
        if silent:
            violations.append(f"{alarms} alarms, {silent} too few (or too many, below zero)")
        return violations


def _at_most(most: int) -> Callable[[int], int]:
    return lambda _: most


STABLE = Scenario("stable", lambda _: 0.0, 0, _at_most(0))
STEP = Scenario("step", lambda n: 2.0 if n >= 3 else 0.0, 1, _at_most(1))
RAMP = Scenario("ramp", lambda n: 2.2 * min(1.0, max(0, n - 3) / 10), 1, _at_most(2))
FLAPPING = Scenario(
    "flapping",
    lambda n: 2.0 if n >= 4 and n % 2 == 0 else 0.0,
    1,
    lambda windows: max(1, (windows - 4) // (COOL_DOWN + 1)),
)
BROKEN = Scenario("broken_column", lambda _: 0.0, 0, _at_most(0), broken=lambda n: 3 <= n < 9)
BURST = Scenario("burst", lambda n: 2.0 if n >= 3 else 0.0, 1, _at_most(1), duplicates_events=True)
SCENARIOS = {world.name: world for world in (STABLE, STEP, RAMP, FLAPPING, BROKEN, BURST)}


def scenario_of(model: str) -> Scenario:
    """Return the scenario of a model."""
    return SCENARIOS[model.removesuffix(KILLED_SUFFIX)]


def estimator() -> Pipeline:
    """Return an unfitted linear model."""
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline

    return Pipeline([("impute", SimpleImputer()), ("plane", LogisticRegression())])


def __getattr__(name: str) -> Scenario:
    """Resolve a scenario by its name: tasks use ``tests.replay.scenarios:ramp.rows``."""
    if name in SCENARIOS:
        return SCENARIOS[name]
    raise AttributeError(name)
