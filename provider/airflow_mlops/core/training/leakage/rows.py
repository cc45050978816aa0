"""The rows of the parts, and the target as numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from airflow_mlops.core.data.snapshot import Snapshot
from airflow_mlops.core.errors import BadInput

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

ORDER = ("train", "validation", "test")
MOST_CLASSES = 100
Kind = Literal["binary", "number", "classes"]


@dataclass(frozen=True, slots=True)
class Labelled:
    """Rows whose target is known.

    :param features: n rows.
    :param name: the target's name.
    :param kind: ``binary`` (two values), ``number``, or ``classes`` (more than two that are no numbers).
    :param values: the classes in order; of ``binary`` the second counts as 1; of ``number`` none.
    :param target: n numbers; of ``classes`` n x k, 1 in the column of the row's class.
    """

    features: pd.DataFrame
    name: str
    kind: Kind
    values: tuple[Any, ...]
    target: Array


def read(parts: Mapping[str, Snapshot | pd.DataFrame], columns: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Read the columns of each part that has rows, in the order of :data:`ORDER`.

    :raises BadInput: when there is no training part or no other, a part has another name, or lacks a column.
    """
    if unknown := sorted(parts.keys() - set(ORDER)):
        raise BadInput(f"there is no part {unknown[0]!r}", mend=f"the parts are {', '.join(ORDER)}")
    wanted, frames = list(dict.fromkeys(columns)), {}
    for part in ORDER:
        if part not in parts:
            continue
        given = parts[part]
        if isinstance(given, Snapshot):
            given = given.to_pandas(wanted)
        elif missing := [column for column in wanted if column not in given.columns]:
            raise BadInput(f"the {part} part has no column {missing[:5]}", where=f"{list(given.columns)[:20]}")
        if len(given):
            frames[part] = given[wanted].reset_index(drop=True)
    if "train" not in frames or len(frames) < 2:
        raise BadInput(
            f"leakage is between parts, and those with rows are: {', '.join(frames) or 'none'}",
            mend="give train, and validation or test or both",
        )
    return frames


def bounded_sample(frame: pd.DataFrame, most: int) -> pd.DataFrame:
    """Give at most so many rows, drawn at random, the same ones each time."""
    if len(frame) <= most:
        return frame
    return frame.sample(most, random_state=0).sort_index().reset_index(drop=True)


def labelled(frame: pd.DataFrame, target: str, features: Sequence[str], *, like: Labelled | None = None) -> Labelled:
    """Give the rows that have a target, with the target as numbers.

    :param like: the training rows, whose classes count; a row of another class is left out.
    """
    import numpy as np

    frame = frame[frame[target].notna()]
    kind, values = _kind_of(frame[target]) if like is None else (like.kind, like.values)
    if kind == "number":
        numbers = frame[target].to_numpy(dtype=float)
        kept = np.isfinite(numbers)
        return Labelled(frame.loc[kept, list(features)], target, kind, (), numbers[kept])
    frame = frame[frame[target].isin(values)]
    hot = frame[target].to_numpy()[:, None] == np.array(values, dtype=object)[None, :]
    numeric = (hot[:, -1] if values else hot.any(1)).astype(float) if kind == "binary" else hot.astype(float)
    return Labelled(frame[list(features)], target, kind, values, numeric)


def _kind_of(target: pd.Series[Any]) -> tuple[Kind, tuple[Any, ...]]:
    import pandas as pd

    counts = target.value_counts()
    if len(counts) <= 2:
        return "binary", tuple(sorted(counts.index, key=lambda value: (str(type(value)), value)))
    if pd.api.types.is_numeric_dtype(target.dtype):
        return "number", ()
    return "classes", tuple(counts.index[:MOST_CLASSES])
