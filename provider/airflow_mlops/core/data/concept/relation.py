"""Relations: a few kilobytes that stand for how labels go with predictions, and that add up.

Rows are counted in strata of the score and of each feature, with the sums of their residuals: label minus prediction,
or whether the predicted class was wrong. The strata of the reference travel with the model, as its profile does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from airflow_mlops.core.data.profiles.sketch import ClusterSketch
from airflow_mlops.core.errors import BadInput

FORMAT = 1
MEND = "relate it with like=<the other relation>, so that both count over the same strata"
Task = Literal["binary", "regression", "classes"]
Sums = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bins:
    """How a column falls into strata; the last stratum is that of missing values.

    :param edges: the edges of a number's strata, rising; a value on an edge belongs to its right. What lies left of the
        first and right of the last has a stratum, too: the reference had nothing there.
    :param names: the names of a category that have a stratum of their own; all others share one.
    """

    edges: tuple[float, ...] | None = None
    names: tuple[str, ...] | None = None

    @property
    def count(self) -> int:
        """How many strata there are: two more than edges or names."""
        return len(self.edges if self.edges is not None else self.names or ()) + 2

    def label(self, index: int) -> str:
        """Say in words which values a stratum holds."""
        if index == self.count - 1:
            return "missing"
        if self.names is not None:
            return self.names[index] if index < len(self.names) else "other"
        edges = self.edges or ()
        if not edges:
            return "all"
        if index == 0:
            return f"< {edges[0]:.4g}"
        return f">= {edges[-1]:.4g}" if index == len(edges) else f"{edges[index - 1]:.4g} to {edges[index]:.4g}"

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        return {"edges": list(self.edges)} if self.edges is not None else {"names": list(self.names or ())}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read the strata back."""
        if "edges" in data:
            return cls(edges=tuple(map(float, data["edges"])))
        return cls(names=tuple(map(str, data["names"])))


@dataclass(frozen=True, slots=True, eq=False)
class Strata:
    """What was summed of the rows of each stratum of one column.

    :param bins: the strata.
    :param rows: how many rows each has.
    :param labels: the sums of their labels; of whether the class was wrong, for classes.
    :param residuals: the sums of label minus prediction; the same as ``labels`` for classes.
    :param squares: the sums of the squared residuals.
    """

    bins: Bins
    rows: Sums
    labels: Sums
    residuals: Sums
    squares: Sums

    @classmethod
    def empty(cls, bins: Bins) -> Self:
        """Give strata with nothing in them."""
        return cls(bins, *(np.zeros(bins.count) for _ in range(4)))

    def merged(self, other: Strata) -> Strata:
        """Give the sums of both."""
        return Strata(
            self.bins,
            self.rows + other.rows,
            self.labels + other.labels,
            self.residuals + other.residuals,
            self.squares + other.squares,
        )

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        sums = {name: [float(v) for v in getattr(self, name)] for name in ("rows", "labels", "residuals", "squares")}
        return {**self.bins.to_dict(), **sums}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read the sums back."""
        bins = Bins.from_dict(data)
        sums = [np.array(data[name], dtype=np.float64) for name in ("rows", "labels", "residuals", "squares")]
        if any(len(column) != bins.count for column in sums):
            raise ValueError("sums and strata do not fit")
        return cls(bins, *sums)


@dataclass(frozen=True, slots=True, eq=False)
class Relation:
    """How labels go with predictions.

    :param task: ``binary`` (labels 0 and 1, scores are chances), ``regression`` or ``classes`` (both are names).
    :param rows: labelled rows.
    :param unlabelled: rows without a label or a score; they are in no stratum.
    :param label_sum: the sum of the labels.
    :param label_squares: the sum of their squares.
    :param score: the strata of the score, or of the predicted class.
    :param features: column -> its strata.
    :param cluster: the column that says which rows belong together.
    :param clusters: how many such groups there are, and how unequal.
    """

    task: Task
    rows: int
    unlabelled: int
    label_sum: float
    label_squares: float
    score: Strata
    features: Mapping[str, Strata] = field(default_factory=dict)
    cluster: str | None = None
    clusters: ClusterSketch | None = None

    @property
    def label_mean(self) -> float:
        """The mean of the labels; NaN without rows."""
        return self.label_sum / self.rows if self.rows else float("nan")

    @property
    def label_std(self) -> float:
        """The standard deviation of the labels; NaN without rows."""
        if not self.rows:
            return float("nan")
        return float(np.sqrt(max(0.0, self.label_squares / self.rows - self.label_mean**2)))

    @property
    def effective_rows(self) -> int:
        """How many independent rows the tests may count on."""
        return self.rows if self.clusters is None else self.clusters.effective_rows(self.rows)

    def merge(self, other: Relation) -> Relation:
        """Give the relation of both parts.

        :raises BadInput: when they do not count over the same strata.
        """
        if not self.same_strata(other) or self.cluster != other.cluster:
            raise BadInput("the relations count over other strata", mend=MEND)
        clusters = self.clusters.merged(other.clusters) if self.clusters and other.clusters else None
        return Relation(
            self.task,
            self.rows + other.rows,
            self.unlabelled + other.unlabelled,
            self.label_sum + other.label_sum,
            self.label_squares + other.label_squares,
            self.score.merged(other.score),
            {name: strata.merged(other.features[name]) for name, strata in self.features.items()},
            self.cluster,
            clusters,
        )

    def same_strata(self, other: Relation) -> bool:
        """Say whether both count over the same strata."""
        mine, theirs = ({n: s.bins for n, s in r.features.items()} for r in (self, other))
        return self.task == other.task and self.score.bins == other.score.bins and mine == theirs

    def to_dict(self) -> dict[str, Any]:
        """Give the versioned JSON form, about 2 kB a feature."""
        return {
            "format": FORMAT,
            "task": self.task,
            "rows": self.rows,
            "unlabelled": self.unlabelled,
            "label_sum": self.label_sum,
            "label_squares": self.label_squares,
            "score": self.score.to_dict(),
            "features": {name: strata.to_dict() for name, strata in self.features.items()},
            "cluster": self.cluster,
            "clusters": None if self.clusters is None else self.clusters.to_dict(),
        }

    def to_json(self) -> str:
        """Give the JSON text."""
        return json.dumps(self.to_dict(), allow_nan=False, separators=(",", ":"))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read a relation back.

        :raises BadInput: when the format is not one that this version reads, or it is damaged.
        """
        if data.get("format") != FORMAT:
            raise BadInput(
                f"relation format {data.get('format')!r} is not readable here (this version reads {FORMAT})",
                mend="relate labels and scores again",
            )
        try:
            return cls(
                data["task"],
                int(data["rows"]),
                int(data["unlabelled"]),
                float(data["label_sum"]),
                float(data["label_squares"]),
                Strata.from_dict(data["score"]),
                {name: Strata.from_dict(strata) for name, strata in data["features"].items()},
                data["cluster"],
                None if data["clusters"] is None else ClusterSketch.from_dict(data["clusters"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadInput(f"the relation is damaged: {error!r}", mend="relate labels and scores again") from None
