"""Rows of the parts of a split, with the target encoded as numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.data.snapshots.snapshot import Snapshot

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

PART_ORDER = ("train", "validation", "test")
MAX_CLASSES = 100
TargetKind = Literal["binary", "number", "classes"]


@dataclass(frozen=True, slots=True)
class LeakageRows:
    """Rows with a target.

    :param features: n rows.
    :param name: the target's name.
    :param kind: ``binary`` (two values), ``number``, or ``classes`` (more than two non-numeric values).
    :param values: the classes in order; for ``binary`` the second is coded 1; empty for ``number``.
    :param target: n numbers; for ``classes`` an n x k one-hot encoding.
    """

    features: pd.DataFrame
    name: str
    kind: TargetKind
    values: tuple[Any, ...]
    target: Array


def read_parts(parts: Mapping[str, Snapshot | pd.DataFrame], columns: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Return the columns of each non-empty part, in the order of :data:`PART_ORDER`.

    :raises BadInput: when the training part or every other part is missing, a part is unknown, or lacks a column.
    """
    if unknown := sorted(parts.keys() - set(PART_ORDER)):
        raise BadInput(f"{unknown[0]!r} is not a valid part", hint=f"the parts are {', '.join(PART_ORDER)}")
    wanted_columns, frames = list(dict.fromkeys(columns)), {}
    for part in PART_ORDER:
        if part not in parts:
            continue
        part_rows = parts[part]
        if isinstance(part_rows, Snapshot):
            part_rows = part_rows.to_pandas(wanted_columns)
        elif missing := [column for column in wanted_columns if column not in part_rows.columns]:
            raise BadInput(f"the {part} part has no column {missing[:5]}", where=f"{list(part_rows.columns)[:20]}")
        if len(part_rows):
            frames[part] = part_rows[wanted_columns].reset_index(drop=True)
    if "train" not in frames or len(frames) < 2:
        raise BadInput(
            f"leakage checks need two parts; parts with rows: {', '.join(frames) or 'none'}",
            hint="give train, and validation, test or both",
        )
    return frames


def bounded_sample(frame: pd.DataFrame, max_rows: int) -> pd.DataFrame:
    """Return a random sample of at most ``most`` rows; the same one each time."""
    if len(frame) <= max_rows:
        return frame
    return frame.sample(max_rows, random_state=0).sort_index().reset_index(drop=True)


def label_rows(
    frame: pd.DataFrame, target: str, features: Sequence[str], *, like: LeakageRows | None = None
) -> LeakageRows:
    """Return the rows that have a target, with the target encoded as numbers.

    :param like: the training rows, whose classes are used; rows of other classes are dropped.
    """
    import numpy as np

    frame = frame[frame[target].notna()]
    kind, values = _kind_of(frame[target]) if like is None else (like.kind, like.values)
    if kind == "number":
        numbers = frame[target].to_numpy(dtype=float)
        finite = np.isfinite(numbers)
        return LeakageRows(frame.loc[finite, list(features)], target, kind, (), numbers[finite])
    frame = frame[frame[target].isin(values)]
    one_hot = frame[target].to_numpy()[:, None] == np.array(values, dtype=object)[None, :]
    numeric = (
        (one_hot[:, -1] if values else one_hot.any(1)).astype(float) if kind == "binary" else one_hot.astype(float)
    )
    return LeakageRows(frame[list(features)], target, kind, values, numeric)


def _kind_of(target: pd.Series[Any]) -> tuple[TargetKind, tuple[Any, ...]]:
    import pandas as pd

    counts = target.value_counts()
    if len(counts) <= 2:
        return "binary", tuple(sorted(counts.index, key=lambda value: (str(type(value)), value)))
    if pd.api.types.is_numeric_dtype(target.dtype):
        return "number", ()
    return "classes", tuple(counts.index[:MAX_CLASSES])
