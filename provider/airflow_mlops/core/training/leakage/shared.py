"""Rows, groups and contents that are in two parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from math import sqrt
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.report import Check
from airflow_mlops.core.training.leakage.rows import bounded_sample
from airflow_mlops.core.training.splits.keys import joined_key

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

EXAMPLES = 5
LEAST_SHARE = 0.001
"""Of the gate rows: fewer identical rows are an accident that no figure shows."""
SHUFFLES = 2


def checks(
    frames: Mapping[str, pd.DataFrame],
    key: Sequence[str],
    groups: Sequence[str],
    content: Sequence[str],
    sample: int,
) -> Iterator[Check]:
    """Give the checks of what two parts share.

    :param frames: part -> its rows.
    :param key: the columns that name a row; none: not looked for.
    :param groups: columns whose equal values have to be in one part.
    :param content: features and target.
    :param sample: of validation and test at most so many rows are compared by content.
    """
    if key:
        yield _in_two_parts(frames, list(key), "rows in two parts", "a model is judged on rows that it knows")
    for group in groups:
        said = "rows that belong together are on both sides"
        yield _in_two_parts(frames, [group], "groups in two parts", said)
    yield identical(frames["train"][list(content)], _others(frames, content, sample))


def _in_two_parts(frames: Mapping[str, pd.DataFrame], columns: list[str], name: str, said: str) -> Check:
    """Compare the values of some columns between all parts; rows without a value are not known to be apart."""
    where = ", ".join(columns)
    without = sum(int(frame[columns].isna().any(axis=1).sum()) for frame in frames.values())
    texts = {part: set(joined_key(frame.dropna(subset=columns), columns)) for part, frame in frames.items()}
    observed: dict[str, Any] = {}
    examples: list[str] = []
    for one, other in combinations(texts, 2):
        both = texts[one] & texts[other]
        observed[f"{one} and {other}"] = len(both)
        examples += sorted(both)[: EXAMPLES - len(examples)]
    if any(observed.values()):
        counted = ", ".join(f"{count:,} in {pair}" for pair, count in observed.items() if count)
        shown = [text.replace("\x1f", " ")[:60] for text in examples]
        return Check(
            name, "fail", "error", {**observed, "examples": shown}, 0, where, f"{said}: {counted}, such as {shown[0]}"
        )
    if without:
        observed["without"] = without
        return Check(name, "not_judged", "error", observed, 0, where, f"{without} rows have none")
    return Check(name, "pass", "error", observed, 0, where)


def _others(frames: Mapping[str, pd.DataFrame], columns: Sequence[str], most: int) -> pd.DataFrame:
    import pandas as pd

    others = pd.concat([frame for part, frame in frames.items() if part != "train"], ignore_index=True)
    return bounded_sample(others[list(columns)], most)


def identical(train: pd.DataFrame, others: pd.DataFrame) -> Check:
    """Count the rows that stand in training with the very same values, target included.

    Rows of few and coarse values coincide by accident. How many would is counted on the same columns, each shuffled
    by itself; more than that, beyond four standard deviations of a count, warns.
    """
    import numpy as np

    known, asked = _hashes(train), _hashes(others)
    found = np.isin(_mixed(asked), _mixed(known))
    count, chance = int(found.sum()), 0.0
    if count:
        random = np.random.default_rng(0)
        chance = float(np.mean([_by_chance(known, asked, random) for _ in range(SHUFFLES)]))
    share = count / len(others)
    observed = {"rows": count, "share": share, "by_chance": chance, "examples": _told(others[found])}
    failed = count > chance + 4 * sqrt(chance + 0.25) and share >= LEAST_SHARE
    said = f"{count:,} of {len(others):,} rows are in training with the very same values, {chance:.0f} would by chance"
    return Check("identical rows", "fail" if failed else "pass", "warn", observed, None, None, said if count else "")


def _hashes(frame: pd.DataFrame) -> Array:
    """Give each value's hash, c x n; a number has the same whatever type its column came with."""
    import numpy as np
    import pandas as pd

    def hashed(column: pd.Series[Any]) -> Array:
        if pd.api.types.is_numeric_dtype(column.dtype):
            column = column.astype("float64") + 0.0
        elif column.dtype.kind not in "Mm":
            column = column.astype(object).where(column.notna(), None)
            column = column.map(str, na_action="ignore")
        return pd.util.hash_pandas_object(column, index=False, categorize=True).to_numpy(np.uint64)

    return np.stack([hashed(frame[column]) for column in frame.columns])


def _mixed(hashes: Array) -> Array:
    """Give one hash a row of those of its values."""
    import numpy as np

    mixed = np.zeros(hashes.shape[1], dtype=np.uint64)
    with np.errstate(over="ignore"):
        for column in hashes:
            mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0x9E3779B97F4A7C15) + column
    return mixed


def _by_chance(known: Array, asked: Array, random: np.random.Generator) -> int:
    """Count the coincidences when each column is shuffled by itself."""
    import numpy as np

    shuffled = [random.permuted(hashes, axis=1) for hashes in (known, asked)]
    return int(np.isin(_mixed(shuffled[1]), _mixed(shuffled[0])).sum())


def _told(rows: pd.DataFrame) -> list[str]:
    """Say a few rows in short."""
    return [
        ", ".join(f"{name} {str(value)[:20]}" for name, value in list(row.items())[:6])
        for row in rows.head(EXAMPLES).to_dict("records")
    ]
