"""Derived targets: features whose sum or product is the target, such as ``cnt = casual + registered``.

Least squares on all numeric features, evaluated on held-out rows. Where the fit is nearly exact, the smallest exact set
of features is selected by orthogonal matching pursuit (Pati, Rezaiifar and Krishnaprasad 1993) and then pruned. The
same method on logarithms finds products and ratios, such as ``revenue = price × quantity``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_mlops.common.report import Check
from airflow_mlops.core.training.leakage.rows import LeakageRows
from airflow_mlops.core.training.leakage.target_proxy import MIN_ROWS, find_unsuitability

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

R2_THRESHOLD = 0.9999
"""The R² on held-out rows above which a relation is reported."""
MAX_TERMS = 10
MAX_PRUNED = 40
ENOUGH_ROWS, ROWS_PER_COLUMN = 2000, 5
MAX_JOINT_FEATURES = 500
"""With more features, no joint fit is made; only matching pursuit."""
MAX_RELATIONS = 3
MIN_COMPLETE = 0.2
"""Only complete rows are used. Features that leave fewer than this fraction of them are excluded."""
CHECK_NAME = "derived target"


@dataclass(frozen=True, slots=True)
class LinearRelation:
    """A linear relation between features and the target.

    :param names: the features.
    :param factors: one per feature; for a product, the exponents.
    :param constant: the intercept; for a product, the logarithm of its constant factor.
    :param r2: R² on held-out rows.
    """

    names: tuple[str, ...]
    factors: tuple[float, ...]
    constant: float
    r2: float


@dataclass(frozen=True, slots=True)
class RegressionTable:
    """Complete rows: p features and the target, for training and held-out rows."""

    names: tuple[str, ...]
    train_x: Array
    train_y: Array
    test_x: Array
    test_y: Array

    def only(self, names: Sequence[str]) -> RegressionTable:
        """Return the table reduced to some features."""
        positions = [self.names.index(name) for name in names]
        return RegressionTable(
            tuple(names), self.train_x[:, positions], self.train_y, self.test_x[:, positions], self.test_y
        )


def check_derived_target(train: LeakageRows, held_out: LeakageRows) -> Iterator[Check]:
    """Return a failed check for each set of features that determines the target, or one passed check."""
    if train.kind == "classes":
        return
    table = None if find_unsuitability(train, held_out) else build_table(train, held_out)
    if table is None:
        if _numeric_features(train.features):
            message = f"fewer than {MIN_ROWS} rows have a target and all numeric features"
            yield Check(CHECK_NAME, "inconclusive", "error", None, None, None, message)
        return
    relations = list(_find_all(table))
    format_relation: Callable[[str, LinearRelation], str] = format_sum
    if not relations and (logs := _to_logarithms(table)) is not None:
        relations, format_relation = list(_find_all(logs)), format_product
    for relation in relations:
        formula = format_relation(train.name, relation)
        observed = {"R²": relation.r2, "features": list(relation.names), "factors": list(relation.factors)}
        message = f"the features determine the target: {formula} (R² {relation.r2:.6f} on held-out rows)"
        yield Check(CHECK_NAME, "fail", "error", observed, f"R² < {R2_THRESHOLD}", ", ".join(relation.names), message)
    if not relations:
        observed = {"features": len(table.names), "excluded": len(_numeric_features(train.features)) - len(table.names)}
        message = f"{observed['excluded']} numeric features are constant or missing too often, and were not checked"
        yield Check(
            CHECK_NAME, "pass", "error", observed, f"R² < {R2_THRESHOLD}", None, message if observed["excluded"] else ""
        )


def build_table(train: LeakageRows, held_out: LeakageRows) -> RegressionTable | None:
    """Return rows in which all usable features are finite; ``None`` when there are too few, or nothing varies."""
    import numpy as np

    names = _numeric_features(train.features)
    train_x, test_x = (side.features[names].to_numpy(dtype=float, na_value=np.nan) for side in (train, held_out))
    usable = _select_usable(np.isfinite(train_x), np.isfinite(test_x))
    train_x, test_x = train_x[:, usable], test_x[:, usable]
    rows = [_thin(np.flatnonzero(np.isfinite(side).all(1)), len(usable)) for side in (train_x, test_x)]
    if min(map(len, rows)) < MIN_ROWS:
        return None
    target, test_y = train.target[rows[0]], held_out.target[rows[1]]
    table = RegressionTable(tuple(names[i] for i in usable), train_x[rows[0]], target, test_x[rows[1]], test_y)
    # A rarely set flag may be constant in these rows.
    varying = [name for name, spread in zip(table.names, np.ptp(table.train_x, axis=0), strict=True) if spread > 0]
    if not varying or np.ptp(target) == 0 or np.ptp(test_y) == 0:
        return None
    return table.only(varying)


def _select_usable(train_x: Array, test_x: Array) -> list[int]:
    """Return the positions of features that together leave enough complete rows, least missing first.

    :param train_x: n x p, whether there is a value.
    :param test_x: the same for held-out rows.
    """
    import numpy as np

    sides = (train_x, test_x)
    minima = [max(MIN_ROWS, min(ENOUGH_ROWS / 4, MIN_COMPLETE * len(side))) for side in sides]
    rows = [np.ones(len(side), bool) for side in sides]
    usable: list[int] = []
    for i in np.argsort([-min(side[:, i].mean() for side in sides) for i in range(train_x.shape[1])], kind="stable"):
        fewer = [complete_rows & side[:, i] for complete_rows, side in zip(rows, sides, strict=True)]
        if all(complete_rows.sum() >= minimum for complete_rows, minimum in zip(fewer, minima, strict=True)):
            usable.append(int(i))
            rows = fewer
    return sorted(usable)


def _thin(rows: Array, columns: int) -> Array:
    """Return evenly spaced rows, as many as a fit of ``columns`` features needs."""
    return rows[:: 1 + len(rows) // max(ENOUGH_ROWS, ROWS_PER_COLUMN * columns)]


def _numeric_features(features: pd.DataFrame) -> list[str]:
    import pandas as pd

    return [str(name) for name in features.columns if pd.api.types.is_numeric_dtype(features[name].dtype)]


def _to_logarithms(table: RegressionTable) -> RegressionTable | None:
    """Return the table of logarithms of positive features; ``None`` when there are fewer than two."""
    import numpy as np

    if min(table.train_y.min(), table.test_y.min()) <= 0:
        return None
    names = [n for i, n in enumerate(table.names) if min(table.train_x[:, i].min(), table.test_x[:, i].min()) > 0]
    if len(names) < 2:
        return None
    selected = table.only(names)
    return RegressionTable(
        selected.names,
        np.log(selected.train_x),
        np.log(selected.train_y),
        np.log(selected.test_x),
        np.log(selected.test_y),
    )


def _find_all(table: RegressionTable) -> Iterator[LinearRelation]:
    """Find disjoint relations, one after another."""
    for _ in range(MAX_RELATIONS):
        relation = find_relation(table)
        if relation is None:
            return
        yield relation
        remaining = [name for name in table.names if name not in relation.names]
        if not remaining:
            return
        table = table.only(remaining)


def find_relation(table: RegressionTable) -> LinearRelation | None:
    """Find the smallest set of features whose sum is the target; ``None`` when there is none."""
    threshold, names = R2_THRESHOLD, None
    full = _fit(table) if len(table.names) < min(MAX_JOINT_FEATURES, len(table.train_y) / 2) else None
    if full is not None:
        if not full.r2 > R2_THRESHOLD:
            return None
        # The subset must be as exact as the full fit, so that small summands are included.
        threshold = max(R2_THRESHOLD, 1 - 10 * max(1 - full.r2, 1e-10))
        names = _features_with_weight(table, full)
    names = _pursue(table, threshold) or names
    if names is None:
        return None
    pruned = _prune(table, names, threshold)
    return _fit(table.only([name for name in table.names if name in pruned]))


def _features_with_weight(table: RegressionTable, relation: LinearRelation) -> list[str]:
    """Return the features with a non-negligible weight in the sum."""
    import numpy as np

    weights = np.abs(np.array(relation.factors)) * table.train_x.std(0)
    return [name for name, weight in zip(table.names, weights, strict=True) if weight > 1e-4 * weights.max()]


def _prune(table: RegressionTable, names: Sequence[str], threshold: float) -> list[str]:
    """Remove features without which the sum stays exact, those with the smallest weight first."""
    remaining = list(names)
    if len(remaining) > MAX_PRUNED:
        return remaining
    for name in sorted(remaining, key=lambda n: abs(_scaled_factor(table, names, n))):
        fewer = [other for other in remaining if other != name]
        if fewer and _fit(table.only(fewer)).r2 > threshold:
            remaining = fewer
    return remaining


def _pursue(table: RegressionTable, threshold: float) -> list[str] | None:
    """Select features greedily by correlation with the residual; ``None`` when no selection is exact enough."""
    import numpy as np

    spread = table.train_x.std(0)
    centred = (table.train_x - table.train_x.mean(0)) / spread
    chosen_names: list[str] = []
    residual = table.train_y - table.train_y.mean()
    for _ in range(min(MAX_TERMS, len(table.names))):
        correlation = np.abs(centred.T @ residual)
        correlation[[table.names.index(name) for name in chosen_names]] = -1
        chosen_names.append(table.names[int(correlation.argmax())])
        chosen = table.only(chosen_names)
        relation = _fit(chosen)
        if relation.r2 > threshold:
            return chosen_names
        residual = table.train_y - chosen.train_x @ np.array(relation.factors) - relation.constant
    return None


def _scaled_factor(table: RegressionTable, names: Sequence[str], name: str) -> float:
    """Return a feature's factor in a sum, in standard deviations of the feature."""
    relation = _fit(table.only(names))
    position = relation.names.index(name)
    return relation.factors[position] * float(table.train_x[:, table.names.index(name)].std())


def _fit(table: RegressionTable) -> LinearRelation:
    """Fit by least squares with an intercept, and compute R² on held-out rows."""
    import numpy as np

    mean, spread = table.train_x.mean(0), table.train_x.std(0)
    scaled = (table.train_x - mean) / spread
    weights = np.linalg.lstsq(scaled, table.train_y - table.train_y.mean(), rcond=None)[0]
    factors = weights / spread
    constant = float(table.train_y.mean() - mean @ factors)
    errors = table.test_y - table.test_x @ factors - constant
    r2 = 1 - float((errors**2).sum()) / float(((table.test_y - table.test_y.mean()) ** 2).sum())
    return LinearRelation(table.names, tuple(map(float, factors)), constant, r2)


def format_sum(target: str, relation: LinearRelation) -> str:
    """Format a sum as text: ``cnt = casual + registered``, ``profit = revenue − 2 × cost + 5``."""
    text = ""
    terms = sorted(zip(relation.names, relation.factors, strict=True), key=lambda term: term[1] < 0)
    for name, factor in terms:
        size = format_factor(abs(factor))
        term = name if size == "1" else f"{size} × {name}"
        text += (" − " if text else "−") + term if factor < 0 else (" + " if text else "") + term
    constant = format_factor(abs(relation.constant))
    if constant != "0":
        text += f" {'−' if relation.constant < 0 else '+'} {constant}"
    return f"{target} = {text}"


def format_product(target: str, relation: LinearRelation) -> str:
    """Format a product as text: ``revenue = price × quantity``, ``rate = 100 × hits / visits``."""
    import math

    exponents = list(zip(relation.names, relation.factors, strict=True))
    numerator = [_format_power(name, exponent) for name, exponent in exponents if exponent > 0]
    denominator = [_format_power(name, -exponent) for name, exponent in exponents if exponent < 0]
    factor = format_factor(math.exp(min(relation.constant, 700.0)))
    numerator = ([] if factor == "1" and numerator else [factor]) + numerator
    return f"{target} = {' × '.join(numerator)}" + "".join(f" / {name}" for name in denominator)


def _format_power(name: str, exponent: float) -> str:
    return name if format_factor(exponent) == "1" else f"{name}^{format_factor(exponent)}"


def format_factor(value: float) -> str:
    """Format a factor: the nearest integer if close, else four significant digits; negligible values are 0."""
    integer = round(value)
    if abs(value - integer) < 1e-4 * max(1.0, abs(value)):
        return str(integer)
    return f"{value:.4g}"
