"""Profiles: mergeable summary statistics of datasets.

Comparing profiles needs only NumPy; Polars is imported when rows are read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_mlops.core.data.profiles.model import ColumnProfile, Profile

__all__ = ["ColumnProfile", "Profile", "profile"]


def profile(
    data: Any,
    *,
    columns: Sequence[str] | Mapping[str, str] | None = None,
    like: Profile | None = None,
    cluster: str | None = None,
) -> Profile:
    """Profile rows in one scan, in slices of about a million rows.

    :param data: a Parquet path, a list of them, a ``Snapshot``, a Polars or a pandas frame; or a ``DatabaseTable``,
        which is counted inside its database.
    :param columns: only these columns; a mapping also sets the kind of each (``Contract.kinds``). Default: all columns,
        or with ``like`` those of the reference.
    :param like: a reference profile whose kinds and cells are used, so that both can be compared and merged.
        A column missing from the data is skipped; one that cannot be of the reference's kind gets its default kind.
        Without ``like``, cells are chosen from the data (from a sample spread over it, past a million rows).
    :param cluster: the column that groups dependent rows (clusters); default: that of ``like``.
    :raises BadInput: when the data cannot be read, or a column does not exist.
    """
    if type(data).__module__ == "airflow_mlops.core.data.database":  # without the import, which needs SQLAlchemy
        from airflow_mlops.core.data.profiles.database import database_profile

        return database_profile(data, columns=columns, like=like, cluster=cluster)
    from airflow_mlops.core.data.profiles.files import scan_profile  # needs Polars

    return scan_profile(data, columns=columns, like=like, cluster=cluster)
