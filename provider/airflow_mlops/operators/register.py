"""Registration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.keys import task_key
from airflow_mlops.operators.base import LifecycleOperator, features_of

if TYPE_CHECKING:
    from airflow.sdk import Context


class RegisterModelOperator(LifecycleOperator):
    """Register a run's model as a version; gives a ``ModelVersionRef``.

    With it travel the digest of its files, the references of its data, the profile of its training rows (the
    baseline of every later drift check) and its contract. A retry gives the same version.

    :param model: the registered model's name.
    :param run: the ``RunRef`` of the chosen candidate.
    :param data: part -> ``SnapshotRef``: ``train``, ``validation`` and ``test``.
    :param contract: the contract: a path or its content.
    :param features: the columns that the baseline profiles; default: the contract's features.
    :param cluster: the column whose equal values belong together, for the baseline; default: the contract's.
    :param cutoff: the partition of the last data that it was trained on; default: that of the training rows.
    """

    template_fields: Sequence[str] = ("model", "run", "data", "contract", "features", "cluster", "cutoff")

    def __init__(
        self,
        *,
        model: str,
        run: Mapping[str, Any],
        data: Mapping[str, Any],
        contract: str | Mapping[str, Any] | None = None,
        features: Sequence[str] | None = None,
        cluster: str | None = None,
        cutoff: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.model = model
        self.run = run
        self.data = data
        self.contract = contract
        self.features = features
        self.cluster = cluster
        self.cutoff = cutoff

    def step(self, context: Context) -> dict[str, Any]:
        """Profile the training rows and register."""
        from airflow_mlops.core.data import Contract, profile
        from airflow_mlops.core.refs import RunRef, SnapshotRef
        from airflow_mlops.core.registry.registration import register

        contract = None if self.contract is None else Contract.load(self.contract)
        data = {part: SnapshotRef.from_dict(ref) for part, ref in self.data.items()}
        baseline = profile(
            self.snapshots.open(data["train"]).scan(),
            columns=features_of(self.contract, self.features),
            cluster=self.cluster or (contract.cluster if contract else None),
        )
        ref = register(
            self.mlflow,
            self.database,
            model=self.model,
            run=RunRef.from_dict(self.run),
            data=data,
            baseline=baseline.to_dict(),
            contract=None if contract is None else contract.to_dict(),
            cutoff=self.cutoff or data["train"].partition,
            key=task_key(context),
        )
        self.log.info("registered %s (%s)", ref, ref.digest[:12])
        return ref.to_dict()
