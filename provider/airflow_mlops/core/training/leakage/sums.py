"""Features that add up to the target: ``cnt = casual + registered``, ``revenue = price × quantity``.

Least squares on all numeric features, judged on rows that were held out. Where nearly nothing is left over, the fewest
features that do as well are sought, one after another by what they explain of the rest (orthogonal matching pursuit:
Pati, Rezaiifar and Krishnaprasad 1993), and then left out again one by one where they are not needed. The same on
logarithms finds products and ratios.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.report import Check
from airflow_mlops.core.training.leakage.rows import Labelled
from airflow_mlops.core.training.leakage.telling import MIN_ROWS, unfit

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

BOUND = 0.9999
"""Of R² on rows held out."""
MOST_TERMS = 10
MOST_PRUNED = 40
ENOUGH_ROWS, ROWS_A_COLUMN = 2000, 5
MOST_AT_ONCE = 500
"""With more features, only sums that are found one after another."""
MOST_RELATIONS = 3
LEAST_COMPLETE = 0.2
"""Only complete rows can add up: features that would leave fewer of them than this share are left out."""
NAME = "adds up to the target"


@dataclass(frozen=True, slots=True)
class Relation:
    """How features give the target.

    :param names: the features.
    :param factors: one a feature; of a product the powers.
    :param constant: what is added; of a product the logarithm of the factor before it.
    :param r2: R² on rows held out.
    """

    names: tuple[str, ...]
    factors: tuple[float, ...]
    constant: float
    r2: float


@dataclass(frozen=True, slots=True)
class Table:
    """Complete rows: p features and the target, of training rows and of others."""

    names: tuple[str, ...]
    known: Array
    target: Array
    asked: Array
    truth: Array

    def only(self, names: Sequence[str]) -> Table:
        """Give the table with these features only."""
        places = [self.names.index(name) for name in names]
        return Table(tuple(names), self.known[:, places], self.target, self.asked[:, places], self.truth)


def checks(train: Labelled, held: Labelled) -> Iterator[Check]:
    """Give a failed check for each set of features that adds up to the target, or one that has passed."""
    if train.kind == "classes":
        return
    table = None if unfit(train, held) else complete(train, held)
    if table is None:
        if _numeric(train.features):
            said = f"fewer than {MIN_ROWS} rows have a target and all numbers"
            yield Check(NAME, "not_judged", "error", None, None, None, said)
        return
    found = list(_all(table))
    told: Callable[[str, Relation], str] = as_sum
    if not found and (logs := _logarithms(table)) is not None:
        found, told = list(_all(logs)), as_product
    for relation in found:
        words = told(train.name, relation)
        observed = {"R²": relation.r2, "features": list(relation.names), "factors": list(relation.factors)}
        said = f"the target is among the features, in parts: {words} (R² {relation.r2:.6f} on rows held out)"
        yield Check(NAME, "fail", "error", observed, f"R² < {BOUND}", ", ".join(relation.names), said)
    if not found:
        observed = {"features": len(table.names), "left_out": len(_numeric(train.features)) - len(table.names)}
        said = f"{observed['left_out']} numeric features are constant, or missing too often, and were not looked at"
        yield Check(NAME, "pass", "error", observed, f"R² < {BOUND}", None, said if observed["left_out"] else "")


def complete(train: Labelled, held: Labelled) -> Table | None:
    """Give rows in which all features that are looked at are finite; None when they are too few, or nothing varies."""
    import numpy as np

    names = _numeric(train.features)
    known, asked = (side.features[names].to_numpy(dtype=float, na_value=np.nan) for side in (train, held))
    usable = _usable(np.isfinite(known), np.isfinite(asked))
    known, asked = known[:, usable], asked[:, usable]
    rows = [_spread(np.flatnonzero(np.isfinite(side).all(1)), len(usable)) for side in (known, asked)]
    if min(map(len, rows)) < MIN_ROWS:
        return None
    target, truth = train.target[rows[0]], held.target[rows[1]]
    table = Table(tuple(names[i] for i in usable), known[rows[0]], target, asked[rows[1]], truth)
    # A flag that is seldom set may be set in none of these rows.
    varying = [name for name, spread in zip(table.names, np.ptp(table.known, axis=0), strict=True) if spread > 0]
    if not varying or np.ptp(target) == 0 or np.ptp(truth) == 0:
        return None
    return table.only(varying)


def _usable(known: Array, asked: Array) -> list[int]:
    """Give the features, those that are missing least first, as far as they leave enough complete rows.

    :param known: n x p, whether there is a value.
    """
    import numpy as np

    sides = (known, asked)
    least = [max(MIN_ROWS, min(ENOUGH_ROWS / 4, LEAST_COMPLETE * len(side))) for side in sides]
    rows = [np.ones(len(side), bool) for side in sides]
    usable: list[int] = []
    for i in np.argsort([-min(side[:, i].mean() for side in sides) for i in range(known.shape[1])], kind="stable"):
        fewer = [left & side[:, i] for left, side in zip(rows, sides, strict=True)]
        if all(left.sum() >= enough for left, enough in zip(fewer, least, strict=True)):
            usable.append(int(i))
            rows = fewer
    return sorted(usable)


def _spread(rows: Array, columns: int) -> Array:
    """Give as many of some rows as a sum of so many columns needs, spread over all: an exact one needs few."""
    return rows[:: 1 + len(rows) // max(ENOUGH_ROWS, ROWS_A_COLUMN * columns)]


def _numeric(features: pd.DataFrame) -> list[str]:
    import pandas as pd

    return [str(name) for name in features.columns if pd.api.types.is_numeric_dtype(features[name].dtype)]


def _logarithms(table: Table) -> Table | None:
    """Give the table of logarithms, of the features that are above 0 everywhere; None where there are not two."""
    import numpy as np

    if min(table.target.min(), table.truth.min()) <= 0:
        return None
    names = [n for i, n in enumerate(table.names) if min(table.known[:, i].min(), table.asked[:, i].min()) > 0]
    if len(names) < 2:
        return None
    kept = table.only(names)
    return Table(kept.names, np.log(kept.known), np.log(kept.target), np.log(kept.asked), np.log(kept.truth))


def _all(table: Table) -> Iterator[Relation]:
    """Find one relation after another, each without the features of those before."""
    for _ in range(MOST_RELATIONS):
        relation = find(table)
        if relation is None:
            return
        yield relation
        left = [name for name in table.names if name not in relation.names]
        if not left:
            return
        table = table.only(left)


def find(table: Table) -> Relation | None:
    """Find the fewest features of which the target is a sum; None when all of them together do not give it."""
    enough, names = BOUND, None
    whole = _fit(table) if len(table.names) < min(MOST_AT_ONCE, len(table.target) / 2) else None
    if whole is not None:
        if not whole.r2 > BOUND:
            return None
        # As exact as all of them together: a small summand is one, too.
        enough = max(BOUND, 1 - 10 * max(1 - whole.r2, 1e-10))
        names = _weighty(table, whole)
    names = _pursued(table, enough) or names
    if names is None:
        return None
    needed = _needed(table, names, enough)
    return _fit(table.only([name for name in table.names if name in needed]))


def _weighty(table: Table, relation: Relation) -> list[str]:
    """Give the features that move the sum at all."""
    import numpy as np

    weights = np.abs(np.array(relation.factors)) * table.known.std(0)
    return [name for name, weight in zip(table.names, weights, strict=True) if weight > 1e-4 * weights.max()]


def _needed(table: Table, names: Sequence[str], enough: float) -> list[str]:
    """Leave out one feature after another without which the sum is as exact, those that move it least first."""
    left = list(names)
    if len(left) > MOST_PRUNED:
        return left
    for name in sorted(left, key=lambda n: abs(_weight(table, names, n))):
        fewer = [other for other in left if other != name]
        if fewer and _fit(table.only(fewer)).r2 > enough:
            left = fewer
    return left


def _pursued(table: Table, enough: float) -> list[str] | None:
    """Take one feature after another, each time the one that goes most with what is left over."""
    import numpy as np

    spread = table.known.std(0)
    centred = (table.known - table.known.mean(0)) / spread
    taken: list[str] = []
    left_over = table.target - table.target.mean()
    for _ in range(min(MOST_TERMS, len(table.names))):
        pull = np.abs(centred.T @ left_over)
        pull[[table.names.index(name) for name in taken]] = -1
        taken.append(table.names[int(pull.argmax())])
        chosen = table.only(taken)
        relation = _fit(chosen)
        if relation.r2 > enough:
            return taken
        left_over = table.target - chosen.known @ np.array(relation.factors) - relation.constant
    return None


def _weight(table: Table, names: Sequence[str], name: str) -> float:
    """Give a feature's factor in the sum of some, in standard deviations of the feature."""
    relation = _fit(table.only(names))
    place = relation.names.index(name)
    return relation.factors[place] * float(table.known[:, table.names.index(name)].std())


def _fit(table: Table) -> Relation:
    """Fit by least squares with a constant, and judge on the rows held out."""
    import numpy as np

    middle, spread = table.known.mean(0), table.known.std(0)
    scaled = (table.known - middle) / spread
    weights = np.linalg.lstsq(scaled, table.target - table.target.mean(), rcond=None)[0]
    factors = weights / spread
    constant = float(table.target.mean() - middle @ factors)
    missed = table.truth - table.asked @ factors - constant
    r2 = 1 - float((missed**2).sum()) / float(((table.truth - table.truth.mean()) ** 2).sum())
    return Relation(table.names, tuple(map(float, factors)), constant, r2)


def as_sum(target: str, relation: Relation) -> str:
    """Say a sum in words: ``cnt = casual + registered``, ``profit = revenue − 2 × cost + 5``."""
    said = ""
    terms = sorted(zip(relation.names, relation.factors, strict=True), key=lambda term: term[1] < 0)
    for name, factor in terms:
        size = tidy(abs(factor))
        term = name if size == "1" else f"{size} × {name}"
        said += (" − " if said else "−") + term if factor < 0 else (" + " if said else "") + term
    constant = tidy(abs(relation.constant))
    if constant != "0":
        said += f" {'−' if relation.constant < 0 else '+'} {constant}"
    return f"{target} = {said}"


def as_product(target: str, relation: Relation) -> str:
    """Say a product in words: ``revenue = price × quantity``, ``rate = 100 × hits / visits``."""
    import math

    powers = list(zip(relation.names, relation.factors, strict=True))
    above = [_power(name, power) for name, power in powers if power > 0]
    below = [_power(name, -power) for name, power in powers if power < 0]
    factor = tidy(math.exp(min(relation.constant, 700.0)))
    above = ([] if factor == "1" and above else [factor]) + above
    return f"{target} = {' × '.join(above)}" + "".join(f" / {name}" for name in below)


def _power(name: str, power: float) -> str:
    return name if tidy(power) == "1" else f"{name}^{tidy(power)}"


def tidy(value: float) -> str:
    """Write a factor: the whole number that it nearly is, else four digits; next to nothing is 0."""
    whole = round(value)
    if abs(value - whole) < 1e-4 * max(1.0, abs(value)):
        return str(whole)
    return f"{value:.4g}"
