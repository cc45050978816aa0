"""Operator that registers a model version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.operators.base import LifecycleOperator, resolve_features
from airflow_mlops.task_keys import task_key

if TYPE_CHECKING:
    from airflow.sdk import Context


class RegisterModelOperator(LifecycleOperator):
    """Register the model of a run as a version. Returns a ``ModelVersionRef``.

    The version is stored with the digest of its files, the references of its data, its contract and a profile.
    The profile of its training rows is the baseline of later drift checks. A retry returns the same version.

    :param model: name of the registered model.
    :param run: ``RunRef`` of the selected candidate.
    :param data: part name -> ``SnapshotRef``: ``train``, ``validation`` and ``test``.
    :param contract: path or content of the contract. Default: none.
    :param features: columns of the baseline profile. Default: the contract's features.
    :param cluster: column whose equal values form a cluster, for the baseline. Default: the contract's.
    :param cutoff: last partition of the training data. Default: the partition of the training rows.
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
        """Profile the training rows and register the version."""
        from airflow_mlops.common.refs import RunRef, SnapshotRef
        from airflow_mlops.core.data.contracts import Contract
        from airflow_mlops.core.data.profiles import profile
        from airflow_mlops.core.registry.registration import register

        contract = None if self.contract is None else Contract.load(self.contract)
        data = {part: SnapshotRef.from_dict(ref) for part, ref in self.data.items()}
        baseline = profile(
            self.snapshots.open(data["train"]).scan(),
            columns=resolve_features(self.contract, self.features),
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
        self.log.info("Registered %s (%s)", ref, ref.digest[:12])
        return ref.to_dict()
