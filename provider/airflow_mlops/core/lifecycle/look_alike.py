"""Rows that keep a contract and mean nothing: to run a new model's DAGs on before there is data."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from os import PathLike
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.data.contracts import Contract
from airflow_mlops.core.data.contracts.columns import ColumnRule
from airflow_mlops.core.errors import BadInput

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, np.dtype[Any]]

PARTITION = "partition"
WORDS = ("alder", "birch", "cedar", "elm")
SHARE_OF_POSITIVES = 0.3
NOISE = 0.7
"""Standard deviation of what the features do not tell of the label, which is 1 for what they do."""
WIDTH = 100.0
"""How far numbers without an upper bound go above their lower one."""
DAYS = 365


def look_alike(
    contract: str | PathLike[str] | Mapping[str, Any] | Contract, partition: str, *, rows: int = 2000
) -> pd.DataFrame:
    """Generate the rows of one partition: the same for the same contract, partition and number.

    Columns are independent of each other, but for the label, which can be learned from the features. Keys are the same
    in every partition, so that who is in a test part stays there. A column ``partition`` is left out: it is added to a
    training set. Rules over several columns may be broken.

    :param contract: what the rows promise.
    :param partition: the partition's key.
    :param rows: how many.
    :raises BadInput: when a text has to match a pattern, which cannot be made up.
    """
    import pandas as pd

    contract = Contract.load(contract)
    names = [name for name in contract.columns if name != PARTITION]
    made: dict[str, Any] = {}
    for name in names:
        rule, rng = contract.columns[name], _random(contract.name, partition, name)
        if contract.role(name) == "key":
            made[name] = _keys(name, rule, rows)
        elif contract.role(name) != "label":
            made[name] = _values(name, rule, rng, rows)
    signal = _signal({name: made[name] for name in contract.features if name in made}, rows)
    for name in names:
        if name not in made:
            made[name] = _label(contract.columns[name], signal, _random(contract.name, partition, name))
    frame = pd.DataFrame({name: made[name] for name in names})
    return _with_missing(frame, contract, partition)


def _random(*seed: str) -> np.random.Generator:
    import numpy as np

    return np.random.default_rng(int.from_bytes(sha256("\n".join(seed).encode()).digest()[:8], "big"))


def _keys(name: str, rule: ColumnRule, rows: int) -> Any:
    import numpy as np

    numbers = np.arange(1, rows + 1)
    if rule.type in ("int", "float"):
        return numbers + int(rule.min if isinstance(rule.min, (int, float)) else 0)
    _refuse_pattern(name, rule)
    return np.array([f"{name}-{number:06d}" for number in numbers], dtype=object)


def _values(name: str, rule: ColumnRule, rng: np.random.Generator, rows: int) -> Any:
    """Make up the values of one feature."""
    import numpy as np
    import pandas as pd

    if rule.type == "bool":
        return rng.random(rows) < 0.5
    if rule.values or rule.type == "category":
        values = list(rule.values or WORDS)
        shares = 1 / np.arange(1, len(values) + 1)
        # Through positions: NumPy would make one type of a mixed list.
        picked = rng.choice(len(values), size=rows, p=shares / shares.sum())
        return pd.Series([values[number] for number in picked])
    if rule.type in ("date", "datetime"):
        last = pd.Timestamp(str(rule.max)) if rule.max is not None else pd.Timestamp("2026-01-01")
        days = [last - timedelta(days=int(day)) for day in rng.integers(0, DAYS, rows)]
        return pd.Series([day.date() if rule.type == "date" else day for day in days])
    if rule.type == "str":
        _refuse_pattern(name, rule)
        return pd.Series([f"{name} {number}" for number in rng.integers(0, rows, rows)], dtype=object)
    return _numbers(rule, rng.beta(2, 5, rows))


def _numbers(rule: ColumnRule, shares: Array) -> Array:
    """Spread shares (0 to 1) over the range that a rule allows."""
    import numpy as np

    low, high = (float(bound) if isinstance(bound, (int, float)) else None for bound in (rule.min, rule.max))
    if low is None:
        low = 0.0 if high is None or high > 0 else high - WIDTH
    if high is None:
        high = low + WIDTH
    spread = low + shares * (high - low)
    return np.clip(spread.round(), np.ceil(low), np.floor(high)).astype("int64") if rule.type == "int" else spread


def _signal(features: Mapping[str, Any], rows: int) -> Array:
    """Give what the features together tell of the label: mean 0, standard deviation 1."""
    import numpy as np
    import pandas as pd

    total = np.zeros(rows)
    for number, values in enumerate(features.values()):
        column = pd.Series(values)
        told = column if column.dtype.kind in "iufb" else pd.Series(pd.factorize(column.astype(str), sort=True)[0])
        told = told.astype("float64")
        if told.std() > 0:
            # The first features tell most, and in turn one way and the other.
            total += (-1) ** number / (1 + number) * ((told - told.mean()) / told.std()).to_numpy()
    return total / total.std() if total.std() > 0 else total


def _label(rule: ColumnRule, signal: Array, rng: np.random.Generator) -> Any:
    """Make labels that go with a signal, as far as noise allows."""
    import numpy as np
    import pandas as pd

    order = (signal + rng.normal(0, NOISE, len(signal))).argsort().argsort() / max(1, len(signal) - 1)
    values = [False, True] if rule.type == "bool" else list(rule.values or (WORDS if rule.type == "category" else ()))
    if not values:
        return _numbers(rule, order)
    edges = [1 - SHARE_OF_POSITIVES] if len(values) == 2 else np.linspace(0, 1, len(values) + 1)[1:-1]
    return pd.Series([values[place] for place in np.searchsorted(edges, order, side="right")])


def _with_missing(frame: pd.DataFrame, contract: Contract, partition: str) -> pd.DataFrame:
    """Lose some values where the contract allows it: half of its share, at most one in twenty."""
    for name in contract.features:
        rule = contract.columns[name]
        share = min((rule.max_missing or 0) / 2, 0.05)
        if share and contract.nullable(name) and rule.type in ("float", "category", "str"):
            lost = _random(contract.name, partition, name, "missing").random(len(frame)) < share
            frame[name] = frame[name].mask(lost)
    return frame


def _refuse_pattern(name: str, rule: ColumnRule) -> None:
    if rule.pattern is not None:
        raise BadInput(
            f"text that matches {rule.pattern!r} cannot be made up",
            where=f"column {name!r}",
            mend="name the source of the rows in lifecycle.yaml, or leave the pattern out until then",
        )
