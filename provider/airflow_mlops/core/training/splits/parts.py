"""The parts of a split, and what every rule is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from airflow_mlops.core.errors import BadInput

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

PARTS = ("test", "validation", "train")
GAP = "gap"
"""What rows are called that belong to no part."""


class Rule(Protocol):
    """A way to split: it decides about a frame, and says of itself what a later reader has to know."""

    @property
    def wants_validation(self) -> bool:
        """Whether a validation part was asked for."""
        ...

    def assign(self, frame: pd.DataFrame) -> np.ndarray[Any, Any]:
        """Give the part of each row: one of :data:`PARTS`, or :data:`GAP`."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Give the rule, ready for JSON: it is kept with each part."""
        ...


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


def complete(frame: pd.DataFrame, *columns: str) -> None:
    """Make sure that columns are there and have a value in every row.

    :raises BadInput: when one is not, or has not.
    """
    for column in columns:
        if column not in frame.columns:
            raise BadInput(f"cannot split by {column!r}: there is no such column", where=f"{list(frame.columns)[:20]}")
        if frame[column].isna().any():
            raise BadInput(
                f"cannot split by {column!r}: {int(frame[column].isna().sum())} rows have none",
                mend="give every row a value there, or drop these rows in the query",
            )
