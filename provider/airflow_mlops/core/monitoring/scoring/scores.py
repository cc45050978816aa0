"""Scores as what judges them takes them, wherever they are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pandas as pd

    from airflow_mlops.core.refs import SnapshotRef


class Scores(Protocol):
    """A partition's scores: a :class:`~airflow_mlops.core.data.snapshot.Snapshot` of them, or those in a table."""

    @property
    def ref(self) -> SnapshotRef:
        """Which they are."""

    def to_pandas(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Read all rows into pandas.

        :param columns: only these, in this order.
        """
