"""Profiles: what stands for data. Judging them needs NumPy only; Polars is imported when rows are read."""

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
        which is counted where it is.
    :param columns: only these; a mapping also says of which kind each is (``Contract.kinds``). Without it all
        columns, or with ``like`` those of the reference.
    :param like: a reference: its kinds and cells are used, so that both compare cell by cell and merge.
        A column that the data does not have is left out, one that cannot be of the reference's kind keeps its
        own. Without it cells are chosen from the data (from a sample spread over it, past a million rows).
    :param cluster: the column that says which rows belong together; by default that of ``like``.
    :raises BadInput: when the data cannot be read, or has no such column.
    """
    if type(data).__module__ == "airflow_mlops.core.data.database":  # not imported to ask: it needs SQLAlchemy
        from airflow_mlops.core.data.profiles.database import database_profile

        return database_profile(data, columns=columns, like=like, cluster=cluster)
    from airflow_mlops.core.data.profiles.files import scan_profile  # Polars is not needed for judging profiles

    return scan_profile(data, columns=columns, like=like, cluster=cluster)
