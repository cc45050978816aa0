"""Splits by partition: weeks or months, by name or counted from the newest."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.training.splits.keys import format_keys
from airflow_mlops.core.training.splits.parts import GAP, check_complete

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

PartitionSelector = int | Sequence[str]


@dataclass(frozen=True, slots=True)
class PartitionRule:
    """Split by partition.

    :param column: the partition column.
    :param test: the test partitions: their names, or their number, counted from the newest.
    :param validation: the validation partitions: their names, or their number before the test part. 0: none.
    :param train: names of the training partitions; default: all remaining ones, with counted parts only older ones.
    :param gap: the number of partitions to skip between two counted parts.
    """

    column: str = "partition"
    test: PartitionSelector = 1
    validation: PartitionSelector = 1
    train: Sequence[str] | None = None
    gap: int = 0

    def __post_init__(self) -> None:
        """Reject invalid combinations."""
        counts = [which for which in (self.test, self.validation, self.gap) if isinstance(which, int)]
        if min(counts) < 0 or not self.test:
            raise BadInput(
                f"test={self.test}, validation={self.validation}, gap={self.gap} is not a valid split",
                hint="name the test partitions, or give their number, counted from the newest",
            )
        if self.gap and len(counts) < 3:
            raise BadInput(
                "a gap requires counted parts, but partitions are named",
                hint="name the training partitions with train=[...], without those of the gap",
            )
        all_names = [name for which in (self.test, self.validation, self.train or ()) for name in _names(which)]
        if duplicates := sorted({name for name in all_names if all_names.count(name) > 1}):
            raise BadInput(f"partition {duplicates[0]!r} would be in two parts", hint="name each partition once")

    @property
    def has_validation(self) -> bool:
        """Whether a validation part was requested."""
        return bool(self.validation)

    def assign(self, frame: pd.DataFrame) -> np.ndarray[Any, Any]:
        """Return the part of each row, :data:`~.parts.GAP` for rows in no part.

        :raises BadInput: when the column is missing or has missing values, or a named partition does not exist.
        """
        import pandas as pd

        check_complete(frame, self.column)
        existing = format_keys(pd.Series(frame[self.column].unique()).sort_values())
        text = frame[self.column].dtype == object or isinstance(frame[self.column].dtype, pd.StringDtype)
        part_of = self._parts(sorted(existing, key=_natural_sort_key) if text else existing.tolist())
        return format_keys(frame[self.column]).map(part_of).fillna(GAP).to_numpy(dtype=object)

    def _parts(self, existing: list[str]) -> dict[str, str]:
        """Return partition -> part, without the partitions of the gap.

        :param existing: the existing partitions, oldest first.
        """
        names_by_part = {
            "test": _names(self.test),
            "validation": _names(self.validation),
            "train": _names(self.train or ()),
        }
        for part, names in names_by_part.items():
            self._check_exist(part, names, existing)
        part_of_name = {name: part for part, names in names_by_part.items() for name in names}
        remaining = [name for name in existing if name not in part_of_name]
        for part, which in (("test", self.test), ("validation", self.validation)):
            if isinstance(which, int) and which:
                part_of_name |= dict.fromkeys(remaining[-which:], part)
                remaining = remaining[: -(which + self.gap)]
        return part_of_name if self.train is not None else part_of_name | dict.fromkeys(remaining, "train")

    def _check_exist(self, part: str, names: Sequence[str], existing: list[str]) -> None:
        for name in names:
            if name not in existing:
                suggestions = difflib.get_close_matches(name, existing, n=1)
                raise BadInput(
                    f"the {part} partition {name!r} has no rows",
                    where=f"column {self.column!r} has {existing[:3]} to {existing[-1:]}",
                    hint=f"did you mean {suggestions[0]!r}?" if suggestions else "name an existing partition",
                )

    def to_dict(self) -> dict[str, Any]:
        """Return the rule as a JSON-serialisable dict."""
        return {
            "method": "partition",
            "partition": self.column,
            "test": self.test if isinstance(self.test, int) else list(self.test),
            "validation": self.validation if isinstance(self.validation, int) else list(self.validation),
            "train": None if self.train is None else list(self.train),
            "gap": self.gap,
        }


def _natural_sort_key(name: str) -> list[str | int]:
    """Sort by the numbers in a name: week 10 comes after week 9."""
    return [int(piece) if piece.isdecimal() else piece for piece in re.split(r"(\d+)", name)]


def _names(which: PartitionSelector) -> list[str]:
    return [] if isinstance(which, int) else [str(name) for name in which]
