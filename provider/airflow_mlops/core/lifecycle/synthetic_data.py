"""Synthetic rows that satisfy a contract, to run a new model's DAGs before real data is available."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from os import PathLike
from typing import TYPE_CHECKING, Any

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.data.contracts import Contract
from airflow_mlops.core.data.contracts.column_rules import ColumnRule

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, np.dtype[Any]]

PARTITION = "partition"
WORDS = ("alder", "birch", "cedar", "elm")
POSITIVE_FRACTION = 0.3
NOISE = 0.7
"""Standard deviation of the label's noise; that of the features' signal is 1."""
WIDTH = 100.0
"""Range of numbers that lack a bound."""
DAYS = 365


def generate_rows(
    contract: str | PathLike[str] | Mapping[str, Any] | Contract, partition: str, *, rows: int = 2000
) -> pd.DataFrame:
    """Generate the rows of one partition, deterministically for a contract, a partition and a number of rows.

    Columns are independent, except the label, which depends on the features. Keys are the same in every partition, so
    that their assignment to the test part is stable. A column ``partition`` is omitted, because building a training set
    adds it. Rules over several columns may be violated.

    :param contract: the contract of the rows.
    :param partition: the partition's key.
    :param rows: the number of rows.
    :raises BadInput: when a text column has a pattern, for which no values can be generated.
    """
    import pandas as pd

    contract = Contract.load(contract)
    names = [name for name in contract.columns if name != PARTITION]
    columns: dict[str, Any] = {}
    for name in names:
        rule, rng = contract.columns[name], _random(contract.name, partition, name)
        if contract.role(name) == "key":
            columns[name] = _keys(name, rule, rows)
        elif contract.role(name) != "label":
            columns[name] = _values(name, rule, rng, rows)
    signal = _signal({name: columns[name] for name in contract.features if name in columns}, rows)
    for name in names:
        if name not in columns:
            columns[name] = _label(contract.columns[name], signal, _random(contract.name, partition, name))
    frame = pd.DataFrame({name: columns[name] for name in names})
    return _with_missing(frame, contract, partition)


def _random(*seed: str) -> np.random.Generator:
    import numpy as np

    return np.random.default_rng(int.from_bytes(sha256("\n".join(seed).encode()).digest()[:8], "big"))


def _keys(name: str, rule: ColumnRule, rows: int) -> Any:
    import numpy as np

    numbers = np.arange(1, rows + 1)
    if rule.type in ("int", "float"):
        return numbers + int(rule.min if isinstance(rule.min, (int, float)) else 0)
    _check_no_pattern(name, rule)
    return np.array([f"{name}-{number:06d}" for number in numbers], dtype=object)


def _values(name: str, rule: ColumnRule, rng: np.random.Generator, rows: int) -> Any:
    """Generate the values of one feature."""
    import numpy as np
    import pandas as pd

    if rule.type == "bool":
        return rng.random(rows) < 0.5
    if rule.values or rule.type == "category":
        values = list(rule.values or WORDS)
        weights = 1 / np.arange(1, len(values) + 1)
        # Draw positions: NumPy would convert a mixed list to one type.
        positions = rng.choice(len(values), size=rows, p=weights / weights.sum())
        return pd.Series([values[position] for position in positions])
    if rule.type in ("date", "datetime"):
        last = pd.Timestamp(str(rule.max)) if rule.max is not None else pd.Timestamp("2026-01-01")
        days = [last - timedelta(days=int(day)) for day in rng.integers(0, DAYS, rows)]
        return pd.Series([day.date() if rule.type == "date" else day for day in days])
    if rule.type == "str":
        _check_no_pattern(name, rule)
        return pd.Series([f"{name} {number}" for number in rng.integers(0, rows, rows)], dtype=object)
    return _numbers(rule, rng.beta(2, 5, rows))


def _numbers(rule: ColumnRule, fractions: Array) -> Array:
    """Scale fractions (0 to 1) to the range of a rule."""
    import numpy as np

    low, high = (float(bound) if isinstance(bound, (int, float)) else None for bound in (rule.min, rule.max))
    if low is None:
        low = 0.0 if high is None or high > 0 else high - WIDTH
    if high is None:
        high = low + WIDTH
    scaled = low + fractions * (high - low)
    return np.clip(scaled.round(), np.ceil(low), np.floor(high)).astype("int64") if rule.type == "int" else scaled


def _signal(features: Mapping[str, Any], rows: int) -> Array:
    """Return the standardised weighted sum of the features: mean 0, standard deviation 1."""
    import numpy as np
    import pandas as pd

    total = np.zeros(rows)
    for number, values in enumerate(features.values()):
        column = pd.Series(values)
        coded = column if column.dtype.kind in "iufb" else pd.Series(pd.factorize(column.astype(str), sort=True)[0])
        coded = coded.astype("float64")
        if coded.std() > 0:
            # Weights decrease in size and alternate in sign.
            total += (-1) ** number / (1 + number) * ((coded - coded.mean()) / coded.std()).to_numpy()
    return total / total.std() if total.std() > 0 else total


def _label(rule: ColumnRule, signal: Array, rng: np.random.Generator) -> Any:
    """Generate labels that follow the signal plus noise."""
    import numpy as np
    import pandas as pd

    order = (signal + rng.normal(0, NOISE, len(signal))).argsort().argsort() / max(1, len(signal) - 1)
    values = [False, True] if rule.type == "bool" else list(rule.values or (WORDS if rule.type == "category" else ()))
    if not values:
        return _numbers(rule, order)
    edges = [1 - POSITIVE_FRACTION] if len(values) == 2 else np.linspace(0, 1, len(values) + 1)[1:-1]
    return pd.Series([values[position] for position in np.searchsorted(edges, order, side="right")])


def _with_missing(frame: pd.DataFrame, contract: Contract, partition: str) -> pd.DataFrame:
    """Remove values where the contract allows it: half of the allowed fraction, at most 5 %."""
    for name in contract.features:
        rule = contract.columns[name]
        fraction = min((rule.max_missing or 0) / 2, 0.05)
        if fraction and contract.nullable(name) and rule.type in ("float", "category", "str"):
            missing = _random(contract.name, partition, name, "missing").random(len(frame)) < fraction
            frame[name] = frame[name].mask(missing)
    return frame


def _check_no_pattern(name: str, rule: ColumnRule) -> None:
    if rule.pattern is not None:
        raise BadInput(
            f"cannot generate text that matches {rule.pattern!r}",
            where=f"column {name!r}",
            hint="set the real source of the rows in lifecycle.yaml, or omit the pattern until then",
        )
