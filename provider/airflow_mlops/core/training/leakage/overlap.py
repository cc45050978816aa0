"""Overlap between parts: shared rows, shared groups and identical contents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from math import sqrt
from typing import TYPE_CHECKING, Any

from airflow_mlops.common.report import Check
from airflow_mlops.core.training.leakage.rows import bounded_sample
from airflow_mlops.core.training.splits.keys import join_key_columns

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

MAX_EXAMPLES = 5
MIN_FRACTION = 0.001
"""Of the held-out rows; fewer identical rows do not affect any metric."""
SHUFFLE_COUNT = 2


def check_overlap(
    frames: Mapping[str, pd.DataFrame],
    key: Sequence[str],
    groups: Sequence[str],
    content: Sequence[str],
    sample: int,
) -> Iterator[Check]:
    """Check the parts for overlap.

    :param frames: part -> its rows.
    :param key: the columns that identify a row; empty skips the check.
    :param groups: columns whose equal values must be in one part.
    :param content: features and target.
    :param sample: the maximum number of held-out rows that are compared by content.
    """
    if key:
        yield _check_overlap(frames, list(key), "overlapping rows", "a model is evaluated on its own training rows")
    for group in groups:
        message = "groups are in both parts"
        yield _check_overlap(frames, [group], "overlapping groups", message)
    yield check_identical_rows(frames["train"][list(content)], _sample_held_out(frames, content, sample))


def _check_overlap(frames: Mapping[str, pd.DataFrame], columns: list[str], name: str, message: str) -> Check:
    """Compare column values between all pairs of parts; rows with a missing value cannot be compared."""
    where = ", ".join(columns)
    missing = sum(int(frame[columns].isna().any(axis=1).sum()) for frame in frames.values())
    texts = {part: set(join_key_columns(frame.dropna(subset=columns), columns)) for part, frame in frames.items()}
    observed: dict[str, Any] = {}
    examples: list[str] = []
    for first, second in combinations(texts, 2):
        common = texts[first] & texts[second]
        observed[f"{first} and {second}"] = len(common)
        examples += sorted(common)[: MAX_EXAMPLES - len(examples)]
    if any(observed.values()):
        counted = ", ".join(f"{count:,} in {pair}" for pair, count in observed.items() if count)
        shown = [text.replace("\x1f", " ")[:60] for text in examples]
        return Check(
            name,
            "fail",
            "error",
            {**observed, "examples": shown},
            0,
            where,
            f"{message}: {counted}, such as {shown[0]}",
        )
    if missing:
        observed["missing"] = missing
        return Check(name, "inconclusive", "error", observed, 0, where, f"{missing} rows have no value")
    return Check(name, "pass", "error", observed, 0, where)


def _sample_held_out(frames: Mapping[str, pd.DataFrame], columns: Sequence[str], most: int) -> pd.DataFrame:
    import pandas as pd

    others = pd.concat([frame for part, frame in frames.items() if part != "train"], ignore_index=True)
    return bounded_sample(others[list(columns)], most)


def check_identical_rows(train: pd.DataFrame, others: pd.DataFrame) -> Check:
    """Check for held-out rows that are identical to a training row, target included.

    Rows with few and coarse values coincide by chance. The expected count comes from the same columns, each shuffled
    independently; a count more than four standard deviations above it fails with severity ``warn``.
    """
    import numpy as np

    train_hashes, held_out_hashes = _hash_values(train), _hash_values(others)
    matches = np.isin(_combine_rows(held_out_hashes), _combine_rows(train_hashes))
    count, expected = int(matches.sum()), 0.0
    if count:
        random = np.random.default_rng(0)
        expected = float(
            np.mean([_count_coincidences(train_hashes, held_out_hashes, random) for _ in range(SHUFFLE_COUNT)])
        )
    fraction = count / len(others)
    observed = {
        "rows": count,
        "fraction": fraction,
        "expected_by_chance": expected,
        "examples": _format_examples(others[matches]),
    }
    failed = count > expected + 4 * sqrt(expected + 0.25) and fraction >= MIN_FRACTION
    message = f"{count:,} of {len(others):,} rows are identical to a training row; {expected:.0f} expected by chance"
    return Check("identical rows", "fail" if failed else "pass", "warn", observed, None, None, message if count else "")


def _hash_values(frame: pd.DataFrame) -> Array:
    """Return the hash of each value, c x n; equal numbers have equal hashes in any column type."""
    import numpy as np
    import pandas as pd

    def hash_column(column: pd.Series[Any]) -> Array:
        if pd.api.types.is_numeric_dtype(column.dtype):
            column = column.astype("float64") + 0.0
        elif column.dtype.kind not in "Mm":
            column = column.astype(object).where(column.notna(), None)
            column = column.map(str, na_action="ignore")
        return pd.util.hash_pandas_object(column, index=False, categorize=True).to_numpy(np.uint64)

    return np.stack([hash_column(frame[column]) for column in frame.columns])


def _combine_rows(hashes: Array) -> Array:
    """Return one hash per row, combined from the hashes of its values."""
    import numpy as np

    mixed = np.zeros(hashes.shape[1], dtype=np.uint64)
    with np.errstate(over="ignore"):
        for column in hashes:
            mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0x9E3779B97F4A7C15) + column
    return mixed


def _count_coincidences(train_hashes: Array, held_out_hashes: Array, random: np.random.Generator) -> int:
    """Count the identical rows after shuffling each column independently."""
    import numpy as np

    shuffled = [random.permuted(hashes, axis=1) for hashes in (train_hashes, held_out_hashes)]
    return int(np.isin(_combine_rows(shuffled[1]), _combine_rows(shuffled[0])).sum())


def _format_examples(rows: pd.DataFrame) -> list[str]:
    """Format a few rows as short texts."""
    return [
        ", ".join(f"{name} {str(value)[:20]}" for name, value in list(row.items())[:6])
        for row in rows.head(MAX_EXAMPLES).to_dict("records")
    ]
