"""Protocol of scores, independent of where they are stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pandas as pd

    from airflow_mlops.common.refs import SnapshotRef


class Scores(Protocol):
    """A partition's scores: a :class:`~airflow_mlops.core.data.snapshots.snapshot.Snapshot`, or rows of a table."""

    @property
    def ref(self) -> SnapshotRef:
        """The reference of the scores."""

    def to_pandas(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Read all rows into pandas.

        :param columns: only these, in this order.
        """
