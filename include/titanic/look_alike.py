"""A generated passenger list that behaves like the real one, for whoever has no CSV file at hand.

Who survives depends on sex, class, age and family as it did; nobody in it ever lived.
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
"""Log-odds of a grown-up."""
PORT_MISSING = 0.002
DEAREST = 512.0
"""In pounds, as in the real list."""


def passengers(seed: int = 0, rows: int = 891) -> pd.DataFrame:
    """Generate a passenger list: the same for the same seed and number of rows.

    :param seed: another seed gives other people
    :param rows: how many
    :return: the columns of the CSV, in its order
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
    survived = rng.random(rows) < _chance(level, woman, child, age, family)
    known = rng.random(rows) < np.take(CABIN_KNOWN, level) * np.where(survived, 1.15, 0.9)
    frame = pd.DataFrame(
        {
            "PassengerId": np.arange(1, rows + 1),
            "Survived": survived.astype("int64"),
            "Pclass": level + 1,
            "Name": [
                f"Nobody-{number:04d}, {_title(*of)}. N."
                for number, of in enumerate(zip(woman, child, spouse, age, strict=True), 1)
            ],
            "Sex": np.where(woman, "female", "male"),
            "Age": age.astype("float64"),
            "SibSp": spouse,
            "Parch": parents_children,
            "Ticket": [_ticket(rng, of) for of in level],
            "Fare": fare.clip(max=DEAREST).round(4),
            "Cabin": [f"{rng.choice(list(DECKS[of]))}{rng.integers(1, 120)}" for of in level],
            "Embarked": [rng.choice(list("CQS"), p=PORTS[of]) for of in level],
        }
    )
    frame["Age"] = frame["Age"].mask(rng.random(rows) < np.take(AGE_MISSING, level))
    frame["Cabin"] = frame["Cabin"].mask(~known)
    frame["Embarked"] = frame["Embarked"].mask(rng.random(rows) < PORT_MISSING)
    return frame


def _family(rng: np.random.Generator, child: Array, woman: Array) -> tuple[Array, Array]:
    """Who travels with whom: most alone, children in families, women more often than men.

    :return: how many siblings and spouses, and how many parents and children
    """
    import numpy as np

    alone = ~child & (rng.random(len(child)) > np.where(woman, 0.5, 0.23))
    large = ~alone & (rng.random(len(child)) < 0.15)
    siblings = np.where(child, rng.poisson(1.0, len(child)), rng.random(len(child)) < 0.7)
    siblings = siblings + np.where(large, rng.integers(1, 5, len(child)), 0)
    others = np.where(child, rng.integers(1, 3, len(child)), rng.poisson(0.7, len(child)))
    return np.where(alone, 0, siblings).astype("int64"), np.where(alone, 0, others).astype("int64")


def _chance(level: Array, woman: Array, child: Array, age: Array, family: Array) -> Array:
    """Give each one's chance to survive: women and children first, the first class before the third."""
    import numpy as np

    odds = np.where(woman, np.take(SURVIVAL_OF_WOMEN, level), np.take(SURVIVAL_OF_MEN, level))
    odds = odds + np.where(child & ~woman, 2.2, 0.0) - 0.025 * np.where(child, 0, age - 30)
    return np.asarray(1 / (1 + np.exp(-odds + 0.45 * np.maximum(family - 4, 0))))


def _title(woman: bool, child: bool, spouse: int, age: float) -> str:
    """Give the title on the passenger list, by which age and marriage can be told."""
    if woman:
        return "Mrs" if spouse and not child and age > 20 else "Miss"
    return "Master" if child else "Mr"


def _ticket(rng: np.random.Generator, level: int) -> str:
    """Give a ticket's number; its first digit or prefix goes with the class more often than not."""
    prefix = ("PC ", "SC/", "A/5 ")[level] if rng.random() < 0.25 else ""
    return f"{prefix}{level + 1}{rng.integers(10_000, 99_999)}"
