"""The parts of a split, and the protocol of split rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

from airflow_mlops.common.errors import BadInput

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

PARTS = ("test", "validation", "train")
GAP = "gap"
"""The label of rows in no part."""


class SplitRule(Protocol):
    """A rule that assigns the rows of a frame to parts. Its class takes options as keyword arguments."""

    @property
    def has_validation(self) -> bool:
        """Whether a validation part was requested. If so, an empty one is an error."""
        ...

    def assign(self, frame: pd.DataFrame) -> np.ndarray[Any, Any]:
        """Return the part of each row: one of :data:`PARTS`, or :data:`GAP`."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Return the rule as a JSON-serialisable dict, which is stored with each part."""
        ...


@runtime_checkable
class StableSplitRule(SplitRule, Protocol):
    """A split rule that can keep rows in the parts of an earlier split."""

    @property
    def earlier_key(self) -> str | Sequence[str]:
        """The column, or columns, that identify a row of an earlier split. A key was in one part only."""
        ...

    def with_earlier(self, parts: Mapping[str, str]) -> Self:
        """Return this rule with the parts of an earlier split.

        :param parts: key as text -> its part. The key of several columns is as :func:`~.keys.join_key_columns` joins
            them.
        """
        ...


@dataclass(frozen=True, slots=True)
class SplitFractions:
    """Fractions of the rows per part; the remaining rows are for training.

    :param test: the fraction of test rows, 0 to 1.
    :param validation: the fraction of rows for model selection, 0 to 1.
    """

    test: float = 0.25
    validation: float = 0.15

    def __post_init__(self) -> None:
        """Reject fractions that leave no training rows."""
        if not (0 < self.test < 1 and 0 <= self.validation < 1 and self.test + self.validation < 1):
            raise BadInput(
                f"the fractions test={self.test}, validation={self.validation} leave no rows to train on",
                hint="use fractions above 0 with a sum below 1",
            )


def check_complete(frame: pd.DataFrame, *columns: str) -> None:
    """Check that columns exist and have no missing values.

    :raises BadInput: when a column does not exist or has missing values.
    """
    for column in columns:
        if column not in frame.columns:
            raise BadInput(f"cannot split by {column!r}: there is no such column", where=f"{list(frame.columns)[:20]}")
        if frame[column].isna().any():
            raise BadInput(
                f"cannot split by {column!r}: {int(frame[column].isna().sum())} rows have no value",
                hint="fill the missing values, or exclude these rows in the query",
            )
