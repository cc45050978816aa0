"""Splits by partition: whole weeks or months, named or counted from the end."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.training.splits.keys import key_text
from airflow_mlops.core.training.splits.parts import GAP, complete

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

Which = int | Sequence[str]


@dataclass(frozen=True, slots=True)
class PartitionRule:
    """Split by partition.

    :param column: the column that says of which partition a row is.
    :param test: which partitions are the test part: their names, or how many, counted from the newest.
    :param validation: which are the validation part: their names, or how many before the test part. 0: none.
    :param train: the names of those for training; default: all that are left, but with counted parts only older ones.
    :param gap: how many partitions between two counted parts belong to none.
    """

    column: str = "partition"
    test: Which = 1
    validation: Which = 1
    train: Sequence[str] | None = None
    gap: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        counts = [which for which in (self.test, self.validation, self.gap) if isinstance(which, int)]
        if min(counts) < 0 or not self.test:
            raise BadInput(
                f"test={self.test}, validation={self.validation}, gap={self.gap} is no split",
                mend="name the test partitions, or give how many of the newest they are",
            )
        if self.gap and len(counts) < 3:
            raise BadInput(
                "a gap lies between parts that are counted, and here partitions are named",
                mend="name the partitions for training with train=[...], and leave out those of the gap",
            )
        named = [name for which in (self.test, self.validation, self.train or ()) for name in _names(which)]
        if twice := sorted({name for name in named if named.count(name) > 1}):
            raise BadInput(f"partition {twice[0]!r} would be in two parts", mend="name each partition once")

    @property
    def wants_validation(self) -> bool:
        """Whether a validation part was asked for."""
        return bool(self.validation)

    def assign(self, frame: pd.DataFrame) -> np.ndarray[Any, Any]:
        """Give the part of each row, :data:`~.parts.GAP` where it belongs to none.

        :raises BadInput: when the column is missing or has missing values, or a named partition is not there.
        """
        import pandas as pd

        complete(frame, self.column)
        there = key_text(pd.Series(frame[self.column].unique()).sort_values())
        text = frame[self.column].dtype == object or isinstance(frame[self.column].dtype, pd.StringDtype)
        part_of = self._parts(sorted(there, key=_by_number) if text else there.tolist())
        return key_text(frame[self.column]).map(part_of).fillna(GAP).to_numpy(dtype=object)

    def _parts(self, there: list[str]) -> dict[str, str]:
        """Give partition -> part; those of the gap are left out.

        :param there: the partitions that are there, oldest first.
        """
        named = {"test": _names(self.test), "validation": _names(self.validation), "train": _names(self.train or ())}
        for part, names in named.items():
            self._all_there(part, names, there)
        taken = {name: part for part, names in named.items() for name in names}
        left = [name for name in there if name not in taken]
        for part, which in (("test", self.test), ("validation", self.validation)):
            if isinstance(which, int) and which:
                taken |= dict.fromkeys(left[-which:], part)
                left = left[: -(which + self.gap)]
        return taken if self.train is not None else taken | dict.fromkeys(left, "train")

    def _all_there(self, part: str, names: Sequence[str], there: list[str]) -> None:
        for name in names:
            if name not in there:
                near = difflib.get_close_matches(name, there, n=1)
                raise BadInput(
                    f"the {part} partition {name!r} has no rows",
                    where=f"column {self.column!r} has {there[:3]} to {there[-1:]}",
                    mend=f"did you mean {near[0]!r}?" if near else "name a partition that is there",
                )

    def to_dict(self) -> dict[str, Any]:
        """Give the rule, ready for JSON."""
        return {
            "how": "partition",
            "partition": self.column,
            "test": self.test if isinstance(self.test, int) else list(self.test),
            "validation": self.validation if isinstance(self.validation, int) else list(self.validation),
            "train": None if self.train is None else list(self.train),
            "gap": self.gap,
        }


def _by_number(name: str) -> list[str | int]:
    """Order names by the numbers in them: week 10 is after week 9."""
    return [int(piece) if piece.isdecimal() else piece for piece in re.split(r"(\d+)", name)]


def _names(which: Which) -> list[str]:
    return [] if isinstance(which, int) else [str(name) for name in which]
