"""Profiles of datasets, whole or partition by partition."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.operators.base import LifecycleOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_mlops.core.data import Contract
    from airflow_mlops.core.data.profiles import Profile


class ProfileDatasetOperator(LifecycleOperator):
    """Profile a dataset, or merge the profiles that mapped tasks have made of its parts; gives a ``ProfileRef``.

    Profiles merge when they count over the same cells, so all parts are profiled ``like`` one of them, or like the
    reference that they will be compared with::

        first = ProfileDatasetOperator(task_id="first", snapshot="days@2026-04-01")
        parts = ProfileDatasetOperator.partial(task_id="parts", like=first.output).expand(snapshot=days)
        month = ProfileDatasetOperator(task_id="month", merge=parts.output)

    :param snapshot: a ``SnapshotRef``, or ``dataset@partition``.
    :param conn_id: profile in the database instead: the connection.
    :param table: with ``conn_id``: a table, a view or one SELECT; no row is moved.
    :param merge: the ``ProfileRef`` of the parts, in place of rows.
    :param columns: only these; default: those of ``like``, else those of the contract, else all.
    :param contract: the contract that says of which kind each column is, and which rows belong together.
    :param like: whose cells are used: a ``ProfileRef``, or a snapshot.
    :param cluster: the column that says which rows belong together; default: that of ``like`` or the contract.
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
        """Profile or merge, and keep it beside the snapshots."""
        from airflow_mlops.core.data.profiles import storage

        found, dataset = self._merged() if self.merge is not None else self._profiled()
        ref = storage.keep(self.snapshots, dataset, found)
        self.log.info("profiled %s rows, %s columns", found.rows, len(found.columns))
        return ref.to_dict()

    def _merged(self) -> tuple[Profile, str]:
        from functools import reduce

        from airflow_mlops.core.errors import BadInput
        from airflow_mlops.core.refs import ProfileRef

        if self.snapshot is not None or self.conn_id is not None or self.table is not None:
            raise BadInput("both rows and profiles to merge are given", mend="give merge=..., or say which rows")
        told = {"columns": self.columns, "contract": self.contract, "like": self.like, "cluster": self.cluster}
        if unused := [name for name, value in told.items() if value is not None]:
            raise BadInput(
                f"profiles that are merged are as they are: {unused[0]} says nothing about them",
                mend=f"give {unused[0]} to the tasks that profile the parts",
            )
        parts = [ProfileRef.from_dict(part) for part in self.merge or ()]
        if not parts:
            raise BadInput("no profile to merge", mend="look at the mapped profiling tasks: all failed or were skipped")
        profiles = [self.profile_of(part.to_dict()) for part in parts]
        return reduce(lambda a, b: a.merge(b), profiles), parts[0].dataset

    def _profiled(self) -> tuple[Profile, str]:
        from airflow_mlops.core.data import Contract, profile

        data, _ = self.data_of(self.snapshot, self.conn_id, self.table)
        contract = None if self.contract is None else Contract.load(self.contract)
        like = None if self.like is None else self.profile_of(self.like)
        columns: Any = list(self.columns) if self.columns else None
        if columns is None and like is None and contract is not None:
            columns = kinds_there(contract, data.schema)
        cluster = self.cluster or (contract.cluster if contract and like is None else None)
        dataset = data.ref.dataset if self.conn_id is None else "database"
        return profile(data, columns=columns, like=like, cluster=cluster), dataset


def kinds_there(contract: Contract, there: Collection[str]) -> dict[str, str]:
    """Give column -> kind as a contract has them, without those that need not be there and are not.

    :param there: the columns of the data.
    """
    return {n: kind for n, kind in contract.kinds.items() if n in there or contract.columns[n].required}
