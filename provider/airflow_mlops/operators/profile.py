"""Operator that profiles datasets."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.operators.base import LifecycleOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_mlops.core.data.contracts import Contract
    from airflow_mlops.core.data.profiles import Profile


class ProfileDatasetOperator(LifecycleOperator):
    """Profile a dataset, or merge the profiles of its parts. Returns a ``ProfileRef``.

    Profiles can be merged if they use the same cells. Therefore profile all parts ``like`` one of them, or like the
    reference of a later comparison::

        first = ProfileDatasetOperator(task_id="first", snapshot="days@2026-04-01")
        parts = ProfileDatasetOperator.partial(task_id="parts", like=first.output).expand(snapshot=days)
        month = ProfileDatasetOperator(task_id="month", merge=parts.output)

    Exactly one input is required: ``snapshot``, ``conn_id`` with ``table``, or ``merge``.

    :param snapshot: rows to profile: a ``SnapshotRef`` or ``dataset@partition``.
    :param conn_id: connection ID of a PostgreSQL or SQLite database, to profile inside it.
    :param table: table, view or one SELECT statement in that database. No rows are transferred.
    :param merge: ``ProfileRef`` of each part to merge.
    :param columns: columns to profile. Default: those of ``like``, else those of the contract, else all.
    :param contract: contract with the kinds and the cluster column: its path or content. Default: inferred kinds.
    :param like: profile whose cells are used: a ``ProfileRef`` or a snapshot. Default: cells fitted to the data.
    :param cluster: column whose equal values form a cluster. Default: that of ``like`` or the contract.
    """

    template_fields: Sequence[str] = (
        "snapshot",
        "conn_id",
        "table",
        "merge",
        "columns",
        "contract",
        "like",
        "cluster",
    )

    def __init__(
        self,
        *,
        snapshot: str | Mapping[str, Any] | None = None,
        conn_id: str | None = None,
        table: str | None = None,
        merge: Sequence[Mapping[str, Any]] | None = None,
        columns: Sequence[str] | None = None,
        contract: str | Mapping[str, Any] | None = None,
        like: str | Mapping[str, Any] | None = None,
        cluster: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.snapshot = snapshot
        self.conn_id = conn_id
        self.table = table
        self.merge = merge
        self.columns = columns
        self.contract = contract
        self.like = like
        self.cluster = cluster

    def step(self, context: Context) -> dict[str, Any]:
        """Compute or merge the profile and save it next to the snapshots."""
        from airflow_mlops.core.data.profiles import storage

        profile, dataset = self._compute() if self.merge is None else self._merge()
        ref = storage.save_profile(self.snapshots, dataset, profile)
        self.log.info("Profiled %s rows, %s columns", profile.rows, len(profile.columns))
        return ref.to_dict()

    def _merge(self) -> tuple[Profile, str]:
        from functools import reduce

        from airflow_mlops.common.errors import BadInput
        from airflow_mlops.common.refs import ProfileRef

        if self.snapshot is not None or self.conn_id is not None or self.table is not None:
            raise BadInput(
                "merge cannot be combined with rows", hint="set merge=..., or snapshot=... or conn_id=... and table=..."
            )
        options = {"columns": self.columns, "contract": self.contract, "like": self.like, "cluster": self.cluster}
        if unused := [name for name, value in options.items() if value is not None]:
            raise BadInput(
                f"{unused[0]} cannot be combined with merge",
                hint=f"set {unused[0]} on the tasks that profile the parts",
            )
        parts = [ProfileRef.from_dict(part) for part in self.merge or ()]
        if not parts:
            raise BadInput("merge has no profiles", hint="check the mapped profiling tasks; all failed or were skipped")
        profiles = [self.load_profile(part.to_dict()) for part in parts]
        return reduce(lambda a, b: a.merge(b), profiles), parts[0].dataset

    def _compute(self) -> tuple[Profile, str]:
        from airflow_mlops.core.data.contracts import Contract
        from airflow_mlops.core.data.profiles import profile

        data, _ = self.resolve_data(self.snapshot, self.conn_id, self.table)
        contract = None if self.contract is None else Contract.load(self.contract)
        like = None if self.like is None else self.load_profile(self.like)
        columns: Any = list(self.columns) if self.columns else None
        if columns is None and like is None and contract is not None:
            columns = kinds_in_data(contract, data.schema)
        cluster = self.cluster or (contract.cluster if contract and like is None else None)
        dataset = data.ref.dataset if self.conn_id is None else "database"
        return profile(data, columns=columns, like=like, cluster=cluster), dataset


def kinds_in_data(contract: Contract, columns: Collection[str]) -> dict[str, str]:
    """Return column -> kind of a contract, without optional columns that are missing in the data.

    :param columns: columns of the data.
    """
    return {n: kind for n, kind in contract.kinds.items() if n in columns or contract.columns[n].required}
