"""Synthetic passenger list, used when no CSV file is available.

As in the real list, survival depends on sex, class, age and family.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, np.dtype[Any]]

CLASSES = (1, 2, 3)
CLASS_SHARES = (0.24, 0.21, 0.55)
# One value for each class:
WOMEN = (0.44, 0.41, 0.29)
AGES = (38.0, 31.5, 26.0)
CHILDREN = (0.025, 0.1, 0.11)
AGE_MISSING = (0.14, 0.06, 0.28)
LOG_FARES = (4.0, 2.6, 2.1)
CABIN_KNOWN = (0.81, 0.09, 0.024)
DECKS = ("BCDE", "DEF", "EFG")
PORTS = ((0.4, 0.01, 0.59), (0.09, 0.02, 0.89), (0.13, 0.15, 0.72))
SURVIVAL_OF_WOMEN = (3.2, 2.3, 0.0)
SURVIVAL_OF_MEN = (-0.5, -2.1, -2.0)
"""Log-odds of an adult."""
PORT_MISSING = 0.002
MAX_FARE = 512.0
"""In pounds, as in the real list."""


def generate_passengers(seed: int = 0, rows: int = 891) -> pd.DataFrame:
    """Generate a passenger list: the same for the same seed and number of rows.

    :param seed: the random seed
    :param rows: number of passengers
    :return: the columns of the CSV, in the same order
    """
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(seed)
    level = rng.choice(len(CLASSES), size=rows, p=CLASS_SHARES)
    woman = rng.random(rows) < np.take(WOMEN, level)
    child = rng.random(rows) < np.take(CHILDREN, level)
    grown_up = np.clip(rng.normal(np.take(AGES, level) - 2 * woman, 12), 15, 80)
    age = np.where(child, rng.uniform(0.5, 14, rows), grown_up).round()
    spouse, parents_children = _family(rng, child, woman)
    family = 1 + spouse + parents_children
    fare = np.exp(rng.normal(np.take(LOG_FARES, level), np.take((0.55, 0.25, 0.2), level))) * family**0.6
    survived = rng.random(rows) < _survival_probability(level, woman, child, age, family)
    has_cabin = rng.random(rows) < np.take(CABIN_KNOWN, level) * np.where(survived, 1.15, 0.9)
    frame = pd.DataFrame(
        {
            "PassengerId": np.arange(1, rows + 1),
            "Survived": survived.astype("int64"),
            "Pclass": level + 1,
            "Name": [
                f"Nobody-{number:04d}, {_title(*person)}. N."
                for number, person in enumerate(zip(woman, child, spouse, age, strict=True), 1)
            ],
            "Sex": np.where(woman, "female", "male"),
            "Age": age.astype("float64"),
            "SibSp": spouse,
            "Parch": parents_children,
            "Ticket": [_ticket(rng, index) for index in level],
            "Fare": fare.clip(max=MAX_FARE).round(4),
            "Cabin": [f"{rng.choice(list(DECKS[index]))}{rng.integers(1, 120)}" for index in level],
            "Embarked": [rng.choice(list("CQS"), p=PORTS[index]) for index in level],
        }
    )
    frame["Age"] = frame["Age"].mask(rng.random(rows) < np.take(AGE_MISSING, level))
    frame["Cabin"] = frame["Cabin"].mask(~has_cabin)
    frame["Embarked"] = frame["Embarked"].mask(rng.random(rows) < PORT_MISSING)
    return frame


def _family(rng: np.random.Generator, child: Array, woman: Array) -> tuple[Array, Array]:
    """Draw family sizes: most passengers travel alone, children in families.

    :return: the number of siblings and spouses, and of parents and children
    """
    import numpy as np

    alone = ~child & (rng.random(len(child)) > np.where(woman, 0.5, 0.23))
    large = ~alone & (rng.random(len(child)) < 0.15)
    siblings = np.where(child, rng.poisson(1.0, len(child)), rng.random(len(child)) < 0.7)
    siblings = siblings + np.where(large, rng.integers(1, 5, len(child)), 0)
    others = np.where(child, rng.integers(1, 3, len(child)), rng.poisson(0.7, len(child)))
    return np.where(alone, 0, siblings).astype("int64"), np.where(alone, 0, others).astype("int64")


def _survival_probability(level: Array, woman: Array, child: Array, age: Array, family: Array) -> Array:
    """Return each passenger's probability of survival: higher for women, children and the first class."""
    import numpy as np

    odds = np.where(woman, np.take(SURVIVAL_OF_WOMEN, level), np.take(SURVIVAL_OF_MEN, level))
    odds = odds + np.where(child & ~woman, 2.2, 0.0) - 0.025 * np.where(child, 0, age - 30)
    return np.asarray(1 / (1 + np.exp(-odds + 0.45 * np.maximum(family - 4, 0))))


def _title(woman: bool, child: bool, spouse: int, age: float) -> str:
    """Return the title on the passenger list, which depends on age and marriage."""
    if woman:
        return "Mrs" if spouse and not child and age > 20 else "Miss"
    return "Master" if child else "Mr"


def _ticket(rng: np.random.Generator, level: int) -> str:
    """Return a ticket number whose first digit or prefix depends on the class."""
    prefix = ("PC ", "SC/", "A/5 ")[level] if rng.random() < 0.25 else ""
    return f"{prefix}{level + 1}{rng.integers(10_000, 99_999)}"
