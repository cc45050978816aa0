"""Relation of labels to predictions: a mergeable summary of a few kilobytes.

Rows are counted by strata of the score and of each feature, with the sums of their residuals: label minus prediction,
or 1 for a wrong class. The reference's strata are stored with the model, like its profile.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.data.profiles.sketch import ClusterSketch

FORMAT = 1
STRATA_HINT = "relate it with like=<the other relation>, so that both count over the same strata"
RelationTask = Literal["binary", "regression", "classes"]
StratumSums = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class StratumBins:
    """Strata of a column; the last one holds the missing values.

    :param edges: the ascending edges of numeric strata; a value on an edge belongs to the right one. Values below the
        first and above the last edge have a stratum each, which is empty in the reference.
    :param names: the categories with a stratum of their own; all others share one.
    """

    edges: tuple[float, ...] | None = None
    names: tuple[str, ...] | None = None

    @property
    def count(self) -> int:
        """Return the number of strata: two more than edges or names."""
        return len(self.edges if self.edges is not None else self.names or ()) + 2

    def label(self, index: int) -> str:
        """Return the values of a stratum as text."""
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
        """Return the JSON form."""
        return {"edges": list(self.edges)} if self.edges is not None else {"names": list(self.names or ())}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read strata from their JSON form."""
        if "edges" in data:
            return cls(edges=tuple(map(float, data["edges"])))
        return cls(names=tuple(map(str, data["names"])))


@dataclass(frozen=True, slots=True, eq=False)
class Strata:
    """Sums over the rows of each stratum of one column.

    :param bins: the strata.
    :param rows: the numbers of rows.
    :param labels: the sums of labels; for classes the numbers of errors.
    :param residuals: the sums of label minus prediction; for classes equal to ``labels``.
    :param squares: the sums of squared residuals.
    """

    bins: StratumBins
    rows: StratumSums
    labels: StratumSums
    residuals: StratumSums
    squares: StratumSums

    @classmethod
    def empty(cls, bins: StratumBins) -> Self:
        """Return empty strata."""
        return cls(bins, *(np.zeros(bins.count) for _ in range(4)))

    def merge(self, other: Strata) -> Strata:
        """Return the sums of both."""
        return Strata(
            self.bins,
            self.rows + other.rows,
            self.labels + other.labels,
            self.residuals + other.residuals,
            self.squares + other.squares,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        sums = {name: [float(v) for v in getattr(self, name)] for name in ("rows", "labels", "residuals", "squares")}
        return {**self.bins.to_dict(), **sums}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read sums from their JSON form."""
        bins = StratumBins.from_dict(data)
        sums = [np.array(data[name], dtype=np.float64) for name in ("rows", "labels", "residuals", "squares")]
        if any(len(column) != bins.count for column in sums):
            raise ValueError("sums do not match the strata")
        return cls(bins, *sums)


@dataclass(frozen=True, slots=True, eq=False)
class LabelRelation:
    """Relation of labels to predictions.

    :param task: ``binary`` (labels 0 and 1, scores are probabilities), ``regression`` or ``classes`` (class names).
    :param rows: the number of labelled rows.
    :param unlabelled: the number of rows without a label or a score; they are in no stratum.
    :param label_sum: the sum of the labels.
    :param label_squares: the sum of their squares.
    :param score: the strata of the score, or of the predicted class.
    :param features: column -> its strata.
    :param cluster: the column that identifies clusters of dependent rows.
    :param clusters: the number of clusters and the inequality of their sizes.
    """

    task: RelationTask
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
        """Return the mean of the labels; NaN without rows."""
        return self.label_sum / self.rows if self.rows else float("nan")

    @property
    def label_std(self) -> float:
        """Return the standard deviation of the labels; NaN without rows."""
        if not self.rows:
            return float("nan")
        return float(np.sqrt(max(0.0, self.label_squares / self.rows - self.label_mean**2)))

    @property
    def effective_rows(self) -> int:
        """Return the effective number of independent rows."""
        return self.rows if self.clusters is None else self.clusters.effective_rows(self.rows)

    def merge(self, other: LabelRelation) -> LabelRelation:
        """Return the relation of both parts.

        :raises BadInput: when they count over different strata.
        """
        if not self.same_strata(other) or self.cluster != other.cluster:
            raise BadInput("the relations count over different strata", hint=STRATA_HINT)
        clusters = self.clusters.merge(other.clusters) if self.clusters and other.clusters else None
        return LabelRelation(
            self.task,
            self.rows + other.rows,
            self.unlabelled + other.unlabelled,
            self.label_sum + other.label_sum,
            self.label_squares + other.label_squares,
            self.score.merge(other.score),
            {name: strata.merge(other.features[name]) for name, strata in self.features.items()},
            self.cluster,
            clusters,
        )

    def same_strata(self, other: LabelRelation) -> bool:
        """Check whether both count over the same strata."""
        mine, theirs = ({n: s.bins for n, s in r.features.items()} for r in (self, other))
        return self.task == other.task and self.score.bins == other.score.bins and mine == theirs

    def to_dict(self) -> dict[str, Any]:
        """Return the versioned JSON form, about 2 kB per feature."""
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
        """Return the JSON text."""
        return json.dumps(self.to_dict(), allow_nan=False, separators=(",", ":"))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read a relation from its JSON form.

        :raises BadInput: when the format is not supported by this version, or the content is damaged.
        """
        if data.get("format") != FORMAT:
            raise BadInput(
                f"relation format {data.get('format')!r} is not supported (this version supports {FORMAT})",
                hint="relate labels and scores again",
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
            raise BadInput(f"the relation is damaged: {error!r}", hint="relate labels and scores again") from None
