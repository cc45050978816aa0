"""The profile of a dataset: mergeable counts, a few kilobytes per column.

Numbers are counted on a grid of equal cells, with sums of the values outside it, so that distances between
distributions can be computed from two profiles almost exactly. Categories are counted by name up to a cap. Counts
depend only on the cells, not on the order of rows: profiles over the same cells merge, in any order and grouping, into
the profile of all rows. ``profile(data, like=reference)`` uses the cells of the reference.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self, cast

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.data.profiles.categories import CategoryCounts
from airflow_mlops.core.data.profiles.numbers import NumberHistogram
from airflow_mlops.core.data.profiles.sketch import ClusterSketch

FORMAT = 2
LIKE_HINT = "profile it with like=<the other profile>, so that both count over the same cells"

ColumnKind = Literal["number", "category", "bool", "date", "other"]


@dataclass(frozen=True, slots=True, eq=False)
class ColumnProfile:
    """The counts of one column.

    :param kind: ``number``, ``category`` (text too), ``bool``, ``date`` (counted as days since 1970, in UTC)
        or ``other`` (nested or binary: only missing values are counted).
    :param rows: the number of rows.
    :param missing: rows without a value: null or NaN.
    :param non_finite: rows with an infinite value; no cell and no sum includes them.
    :param numbers: the counts of a ``number`` or a ``date``.
    :param categories: the counts of a ``category`` or a ``bool``.
    """

    kind: ColumnKind
    rows: int
    missing: int = 0
    non_finite: int = 0
    numbers: NumberHistogram | None = None
    categories: CategoryCounts | None = None

    @property
    def count(self) -> int:
        """Rows with a usable value."""
        return self.rows - self.missing - self.non_finite

    @property
    def missing_fraction(self) -> float:
        """The fraction of rows without a value; NaN without rows."""
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
        """The number of distinct names of a category."""
        return self.categories.distinct if self.categories else None

    def quantile(self, q: float) -> float:
        """Estimate a quantile of a number or a date, for display."""
        return self.numbers.quantile(q) if self.numbers else math.nan

    def has_same_cells(self, other: ColumnProfile) -> bool:
        """Check whether both count over the same cells."""
        numbers, other_numbers = self.numbers, other.numbers
        if self.kind != other.kind or (numbers is None) != (other_numbers is None):
            return False
        if numbers is not None and other_numbers is not None and numbers.grid != other_numbers.grid:
            return False
        bases = [set(c.base) if c else None for c in (self.categories, other.categories)]
        return bases[0] == bases[1]

    def merge(self, other: ColumnProfile) -> ColumnProfile:
        """Add the counts of two columns over the same cells."""
        return ColumnProfile(
            self.kind,
            self.rows + other.rows,
            self.missing + other.missing,
            self.non_finite + other.non_finite,
            self.numbers.merge(other.numbers) if self.numbers and other.numbers else None,
            self.categories.merge(other.categories) if self.categories and other.categories else None,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        body: dict[str, Any] = {"kind": self.kind, "rows": self.rows, "missing": self.missing}
        body["non_finite"] = self.non_finite
        if self.numbers:
            body["numbers"] = self.numbers.to_dict()
        if self.categories:
            body["categories"] = self.categories.to_dict()
        return body

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Parse the JSON form."""
        return cls(
            cast(ColumnKind, data["kind"]),
            int(data["rows"]),
            int(data["missing"]),
            int(data["non_finite"]),
            NumberHistogram.from_dict(data["numbers"]) if "numbers" in data else None,
            CategoryCounts.from_dict(data["categories"]) if "categories" in data else None,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """The profile of a dataset: small, mergeable, and stored next to the model that was trained on it.

    :param rows: the number of rows.
    :param columns: column name -> its counts.
    :param cluster: the column that groups dependent rows.
    :param clusters: a sketch of the number of clusters and the variation of their sizes.
    """

    rows: int
    columns: Mapping[str, ColumnProfile] = field(default_factory=dict)
    cluster: str | None = None
    clusters: ClusterSketch | None = None

    @property
    def cluster_count(self) -> int | None:
        """The estimated number of clusters, to about 3 %; None without a cluster column."""
        return None if self.clusters is None else min(self.rows, self.clusters.cluster_count)

    @property
    def effective_rows(self) -> int:
        """The effective sample size for tests: all rows, or Kish's effective size with a cluster column."""
        return self.rows if self.clusters is None else self.clusters.effective_rows(self.rows)

    def merge(self, other: Profile) -> Profile:
        """Return the profile of both parts, exactly as if their rows had been profiled together.

        :raises BadInput: when they do not have the same columns over the same cells.
        """
        if set(self.columns) != set(other.columns):
            unshared = sorted(set(self.columns) ^ set(other.columns))
            raise BadInput(f"the profiles have different columns: {unshared[:5]}", hint=LIKE_HINT)
        if self.cluster != other.cluster:
            clusters = f"{self.cluster} and {other.cluster}"
            raise BadInput(f"the profiles have different cluster columns: {clusters}", hint=LIKE_HINT)
        for name, column in self.columns.items():
            if not column.has_same_cells(other.columns[name]):
                raise BadInput("the profiles count over different cells", where=f"column {name}", hint=LIKE_HINT)
        sketch = self.clusters.merge(other.clusters) if self.clusters and other.clusters else None
        columns = {name: column.merge(other.columns[name]) for name, column in self.columns.items()}
        return Profile(self.rows + other.rows, columns, self.cluster, sketch)

    def to_dict(self) -> dict[str, Any]:
        """Return the versioned JSON form, at most about 10 kB per number and 5 kB per category."""
        return {
            "format": FORMAT,
            "rows": self.rows,
            "cluster": self.cluster,
            "clusters": None if self.clusters is None else self.clusters.to_dict(),
            "columns": {name: column.to_dict() for name, column in self.columns.items()},
        }

    def to_json(self) -> str:
        """Return the JSON text, without spaces."""
        return json.dumps(self.to_dict(), allow_nan=False, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Parse the JSON form.

        :raises BadInput: when this version does not support the format, or the profile is damaged.
        """
        if data.get("format") != FORMAT:
            raise BadInput(
                f"profile format {data.get('format')!r} is not supported (this version reads {FORMAT})",
                hint="profile the data again, or read it with the version of airflow-provider-mlops that wrote it",
            )
        try:
            columns = {name: ColumnProfile.from_dict(column) for name, column in data["columns"].items()}
            clusters = None if data["clusters"] is None else ClusterSketch.from_dict(data["clusters"])
            return cls(int(data["rows"]), columns, data["cluster"], clusters)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise BadInput(f"the profile is damaged: {error!r}", hint="profile the data again") from None

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Parse the JSON text."""
        try:
            data = json.loads(text)
        except ValueError as error:
            raise BadInput(f"the profile is not JSON: {error}", hint="profile the data again") from None
        return cls.from_dict(data)

    def __eq__(self, other: object) -> bool:
        return self.to_dict() == other.to_dict() if isinstance(other, Profile) else NotImplemented

    __hash__ = None  # type: ignore[assignment]
