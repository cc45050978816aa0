"""Splits that stay: a test row is a test row for ever.

A row's part follows from a hash of its stable key alone, not from the other rows, so that retraining on more data can
never move a row from test to train; and rows that share the key (a customer's weeks) stay together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.data.snapshot import Snapshot, SnapshotRoot
from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.refs import SnapshotRef

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

PARTS = ("test", "validation", "train")


@dataclass(frozen=True, slots=True)
class Shares:
    """How the rows are shared out; what is left is for training.

    :param test: the share of gate rows, 0 to 1.
    :param validation: the share of rows on which candidates are chosen, 0 to 1.
    """

    test: float = 0.25
    validation: float = 0.15

    def __post_init__(self) -> None:
        """Refuse shares that leave nothing to train on."""
        if not (0 < self.test < 1 and 0 <= self.validation < 1 and self.test + self.validation < 1):
            raise BadInput(
                f"shares test={self.test}, validation={self.validation} leave no rows to train on",
                mend="give shares above 0 that add up to less than 1",
            )


def key_text(keys: pd.Series[Any]) -> pd.Series[Any]:
    """Give keys as text: 7, 7.0 and "7" are one key, whatever type the column came with this time."""
    import pandas as pd

    if pd.api.types.is_float_dtype(keys.dtype):
        keys = keys.map(lambda value: int(value) if float(value).is_integer() else value).astype(object)
    return keys.astype(str)


def uniform(keys: pd.Series[Any], seed: int) -> np.ndarray[Any, Any]:
    """Give each key its own fixed number in [0, 1), the same on every machine and at any time.

    :param keys: n values; numbers and their text form are the same key.
    :param seed: another seed gives another split.
    :returns: n floats.
    """
    import numpy as np
    import pandas as pd

    text = key_text(keys)
    hashed = pd.util.hash_array(text.to_numpy(dtype=object), hash_key=f"{seed % (1 << 64):016x}", categorize=True)
    return np.asarray(hashed >> np.uint64(11), dtype=np.float64) / float(1 << 53)


def assign(
    frame: pd.DataFrame, key: str, shares: Shares, *, seed: int = 0, stratify: str | None = None
) -> np.ndarray[Any, Any]:
    """Give the part of each row: ``test``, ``validation`` or ``train``.

    :param frame: n rows.
    :param key: the column whose values stay together and decide.
    :param stratify: give every value of this column the same shares. Within a value, keys are ranked by their hash, so
        the shares are exact, but rows near a boundary can move when rows are added: for one-off studies, not for
        a model that is retrained.
    :returns: n names.
    :raises BadInput: when the key or stratum column is missing or has missing values.
    """
    import numpy as np

    for column in filter(None, (key, stratify)):
        if column not in frame.columns:
            raise BadInput(f"cannot split by {column!r}: there is no such column", where=f"{list(frame.columns)[:20]}")
        if frame[column].isna().any():
            raise BadInput(
                f"cannot split by {column!r}: {int(frame[column].isna().sum())} rows have none",
                mend="give every row a key, or drop these rows in the query",
            )
    position = uniform(frame[key], seed)
    if stratify is not None:
        if frame[key].duplicated().any():
            raise BadInput(
                f"a stratified split needs one row a key, but {key!r} repeats",
                mend="leave out stratify, or split by a column that is unique",
            )
        position = _ranks_within(position, frame[stratify].to_numpy())
    cuts = [shares.test, shares.test + shares.validation]
    return np.asarray(PARTS, dtype=object)[np.searchsorted(cuts, position, side="right")]


def _ranks_within(position: np.ndarray[Any, Any], strata: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Replace each position by its rank within its stratum, as a share in [0, 1)."""
    import numpy as np

    ranked = np.empty(len(position))
    for value in np.unique(strata):
        members = np.flatnonzero(strata == value)
        order = np.argsort(position[members], kind="stable")
        ranked[members[order]] = (np.arange(len(members)) + 0.5) / len(members)
    return ranked


def split(
    root: SnapshotRoot,
    snapshot: Snapshot,
    *,
    key: str,
    shares: Shares,
    seed: int = 0,
    stratify: str | None = None,
) -> dict[str, SnapshotRef]:
    """Split a snapshot into three.

    :returns: ``test``, ``validation`` and ``train``, each a snapshot ``<dataset>_<part>`` of the same partition.
    :raises BadInput: when a part that was asked for would have no row.
    """
    frame = snapshot.to_pandas()
    parts = assign(frame, key, shares, seed=seed, stratify=stratify)
    refs = {}
    for part in PARTS:
        rows = frame[parts == part]
        if rows.empty and not (part == "validation" and shares.validation == 0):
            raise BadInput(
                f"the {part} part would have no row",
                where=f"{snapshot.ref.dataset}: {len(frame)} rows, {frame[key].nunique()} keys",
                mend="use more rows, or larger shares",
            )
        refs[part] = root.write(
            f"{snapshot.ref.dataset}_{part}",
            rows,
            partition=snapshot.ref.partition,
            source={"rows": snapshot.ref.id, "key": key, "seed": seed},
        )
    return refs
