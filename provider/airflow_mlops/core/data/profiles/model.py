"""Profiles: a few kilobytes a column that stand for the data and add up.

A number is counted on a grid of equal cells with the sums of what lies outside, so that distances between
distributions come out of two profiles almost exactly; a category is counted by name up to a cap. What is
counted depends on the cells alone, never on the order of rows: profiles over the same cells merge, in any
order and grouping, into the profile of the whole. ``profile(data, like=reference)`` takes the cells of the
reference.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self, cast

from airflow_mlops.core.data.profiles.categories import Categories
from airflow_mlops.core.data.profiles.numbers import Numbers
from airflow_mlops.core.data.profiles.sketch import ClusterSketch
from airflow_mlops.core.errors import BadInput

FORMAT = 2
MEND_LIKE = "profile it with like=<the other profile>, so that both count over the same cells"

Kind = Literal["number", "category", "bool", "date", "other"]


@dataclass(frozen=True, slots=True, eq=False)
class ColumnProfile:
    """What was counted of one column.

    :param kind: ``number``, ``category`` (text too), ``bool``, ``date`` (counted as days since 1970, in UTC)
        or ``other`` (nested or binary: only missing values are counted).
    :param rows: all rows.
    :param missing: rows without a value: null or NaN.
    :param non_finite: rows with an infinite value; they are in no cell and no sum.
    :param numbers: the counts of a ``number`` or a ``date``.
    :param categories: the counts of a ``category`` or a ``bool``.
    """

    kind: Kind
    rows: int
    missing: int = 0
    non_finite: int = 0
    numbers: Numbers | None = None
    categories: Categories | None = None

    @property
    def count(self) -> int:
        """Rows with a usable value."""
        return self.rows - self.missing - self.non_finite

    @property
    def missing_share(self) -> float:
        """The share of rows without a value; NaN without rows."""
        return self.missing / self.rows if self.rows else math.nan

    @property
    def mean(self) -> float:
        """The mean of a number or a date; NaN for others."""
        return self.numbers.mean if self.numbers else math.nan

    @property
    def std(self) -> float:
        """The standard deviation of a number or a date; NaN for others."""
        return self.numbers.std if self.numbers else math.nan

    @property
    def distinct(self) -> int | None:
        """How many names a category has."""
        return self.categories.distinct if self.categories else None

    def quantile(self, q: float) -> float:
        """Estimate a quantile of a number or a date, for display."""
        return self.numbers.quantile(q) if self.numbers else math.nan

    def same_cells(self, other: ColumnProfile) -> bool:
        """Say whether both count over the same cells."""
        mine, theirs = self.numbers, other.numbers
        if self.kind != other.kind or (mine is None) != (theirs is None):
            return False
        if mine is not None and theirs is not None and mine.grid != theirs.grid:
            return False
        bases = [set(c.base) if c else None for c in (self.categories, other.categories)]
        return bases[0] == bases[1]

    def merged(self, other: ColumnProfile) -> ColumnProfile:
        """Give the counts of both; the cells are the same."""
        return ColumnProfile(
            self.kind,
            self.rows + other.rows,
            self.missing + other.missing,
            self.non_finite + other.non_finite,
            self.numbers.merged(other.numbers) if self.numbers and other.numbers else None,
            self.categories.merged(other.categories) if self.categories and other.categories else None,
        )

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        body: dict[str, Any] = {"kind": self.kind, "rows": self.rows, "missing": self.missing}
        body["non_finite"] = self.non_finite
        if self.numbers:
            body["numbers"] = self.numbers.to_dict()
        if self.categories:
            body["categories"] = self.categories.to_dict()
        return body

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read one column back."""
        return cls(
            cast(Kind, data["kind"]),
            int(data["rows"]),
            int(data["missing"]),
            int(data["non_finite"]),
            Numbers.from_dict(data["numbers"]) if "numbers" in data else None,
            Categories.from_dict(data["categories"]) if "categories" in data else None,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """What stands for a dataset: small, additive, and written beside the model that was trained on it.

    :param rows: how many rows there are.
    :param columns: column name -> its counts.
    :param cluster: the column that says which rows belong together.
    :param clusters: a sketch of how many such groups there are, and how unequal.
    """

    rows: int
    columns: Mapping[str, ColumnProfile] = field(default_factory=dict)
    cluster: str | None = None
    clusters: ClusterSketch | None = None

    @property
    def rows_clusters(self) -> int | None:
        """How many groups of rows there are, to about 3 %; None without a cluster column."""
        return None if self.clusters is None else min(self.rows, self.clusters.groups)

    @property
    def effective_rows(self) -> int:
        """How many independent rows the tests may count on: all, or Kish's effective size where groups are known."""
        return self.rows if self.clusters is None else self.clusters.effective_rows(self.rows)

    def merge(self, other: Profile) -> Profile:
        """Give the profile of both parts, exactly as if their rows had been profiled together.

        :raises BadInput: when they do not have the same columns over the same cells.
        """
        if set(self.columns) != set(other.columns):
            different = sorted(set(self.columns) ^ set(other.columns))
            raise BadInput(f"the profiles have other columns: {different[:5]}", mend=MEND_LIKE)
        if self.cluster != other.cluster:
            raise BadInput(f"the profiles have other clusters: {self.cluster} and {other.cluster}", mend=MEND_LIKE)
        for name, column in self.columns.items():
            if not column.same_cells(other.columns[name]):
                raise BadInput("the profiles count over other cells", where=f"column {name}", mend=MEND_LIKE)
        clusters = self.clusters.merged(other.clusters) if self.clusters and other.clusters else None
        columns = {name: column.merged(other.columns[name]) for name, column in self.columns.items()}
        return Profile(self.rows + other.rows, columns, self.cluster, clusters)

    def to_dict(self) -> dict[str, Any]:
        """Give the versioned JSON form, about 10 kB a number and 5 kB a category at most."""
        return {
            "format": FORMAT,
            "rows": self.rows,
            "cluster": self.cluster,
            "clusters": None if self.clusters is None else self.clusters.to_dict(),
            "columns": {name: column.to_dict() for name, column in self.columns.items()},
        }

    def to_json(self) -> str:
        """Give the JSON text, without spaces."""
        return json.dumps(self.to_dict(), allow_nan=False, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read a profile back.

        :raises BadInput: when the format is not one that this version reads, or the profile is damaged.
        """
        if data.get("format") != FORMAT:
            raise BadInput(
                f"profile format {data.get('format')!r} is not readable here (this version reads {FORMAT})",
                mend="profile the data again, or read it with the airflow-provider-mlops that wrote it",
            )
        try:
            columns = {name: ColumnProfile.from_dict(column) for name, column in data["columns"].items()}
            clusters = None if data["clusters"] is None else ClusterSketch.from_dict(data["clusters"])
            return cls(int(data["rows"]), columns, data["cluster"], clusters)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise BadInput(f"the profile is damaged: {error!r}", mend="profile the data again") from None

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read a profile back from its JSON text."""
        try:
            data = json.loads(text)
        except ValueError as error:
            raise BadInput(f"the profile is not JSON: {error}", mend="profile the data again") from None
        return cls.from_dict(data)

    def __eq__(self, other: object) -> bool:
        return self.to_dict() == other.to_dict() if isinstance(other, Profile) else NotImplemented

    __hash__ = None  # type: ignore[assignment]
