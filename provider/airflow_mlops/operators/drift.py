"""Operator that checks for feature and prediction drift."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from airflow.sdk.exceptions import AirflowSkipException

from airflow_mlops.operators.base import ReportingOperator
from airflow_mlops.operators.profile import kinds_in_data

if TYPE_CHECKING:
    from pathlib import Path

    from airflow.sdk import Context

    from airflow_mlops.common.refs import ProfileRef
    from airflow_mlops.common.report import Report
    from airflow_mlops.core.data.contracts import Contract
    from airflow_mlops.core.data.profiles import Profile
    from airflow_mlops.core.data.snapshots.snapshot import Snapshot
    from airflow_mlops.store.tables import Version


class CheckDriftOperator(ReportingOperator):
    """Compare the profile of a snapshot with a baseline. Returns a ``ReportRef``.

    With ``model``, the baseline is the champion's own, so a promotion or rollback switches it automatically. For
    features it is the profile of the training rows, for scores the score distribution of the evaluation. The verdict
    is saved as the (version, partition) window that the episode policy reads.

    With ``reference``, two datasets are compared and no model is needed::

        CheckDriftOperator(
            task_id="skew",
            reference="rows@2026-04",
            snapshot="requests@2026-04",
            contract="include/churn/contract.yaml",
            environment="serving",
        )

    :param snapshot: rows or scores to check: a ``SnapshotRef`` or ``dataset@partition``. With ``reference``, also a
        ``ProfileRef`` with the reference's bins (``ProfileDatasetOperator(like=...)``).
    :param model: name of the registered model. Exactly one of ``model`` and ``reference`` is required.
    :param reference: baseline in place of a model: a ``SnapshotRef``, ``dataset@partition`` or ``ProfileRef``.
    :param contract: contract of both datasets, with ``reference``: its path or content. It sets the compared columns,
        their kinds and the cluster column. Default: all columns of the reference, with inferred kinds.
    :param environment: contract environment of the snapshot, such as ``serving``, to check for training-serving skew.
        Columns absent from that environment, such as the label, are not required. Default: none.
    :param data_kind: ``features`` (default), or ``scores`` for prediction drift.
    :param policy: path of a ``policy.yaml`` with a ``drift`` section, or its content. Default: the default policy.
    :param champion_at: use the champion at this ISO date or date-time on the data's clock. Default: the champion now.
    :param version: version number whose baseline to use, in place of the champion's; not with ``champion_at``. Map over
        versions to monitor several in parallel.
    :param against: ``baseline`` (default): the version's baseline: its training data, or its scores at evaluation.
        ``previous``: the preceding partition in the catalogue. Each has its own windows; only those against the
        baseline can trigger a retraining.
    :param slices: feature columns with few distinct values; each value is also checked on its own. Slices only warn.
        Only for the features of a model. Default: none.
    :param evidently_report: attach an Evidently HTML report of a sample to the version's MLflow run. The verdict still
        comes from the full scan. Only for the features of a model. Default: ``False``.
    :param when_failed: ``warn`` (default): drift only logs a warning. ``fail``: drift fails the task after the report
        is published.
    """

    template_fields: Sequence[str] = (
        "snapshot",
        "model",
        "reference",
        "contract",
        "environment",
        "data_kind",
        "policy",
        "champion_at",
        "version",
        "against",
        "slices",
        "evidently_report",
    )

    def __init__(
        self,
        *,
        snapshot: str | Mapping[str, Any],
        model: str | None = None,
        reference: str | Mapping[str, Any] | None = None,
        contract: str | Mapping[str, Any] | None = None,
        environment: str | None = None,
        data_kind: Literal["features", "scores"] = "features",
        policy: str | Mapping[str, Any] | None = None,
        champion_at: str | None = None,
        version: int | str | None = None,
        against: Literal["baseline", "previous"] = "baseline",
        slices: Sequence[str] = (),
        evidently_report: bool = False,
        when_failed: Literal["fail", "warn"] = "warn",
        **kwargs: Any,
    ) -> None:
        super().__init__(when_failed=when_failed, **kwargs)
        self.snapshot = snapshot
        self.model = model
        self.reference = reference
        self.contract = contract
        self.environment = environment
        self.data_kind = data_kind
        self.policy = policy
        self.champion_at = champion_at
        self.version = version
        self.against = against
        self.slices = slices
        self.evidently_report = evidently_report

    def step(self, context: Context) -> dict[str, Any]:
        """Profile, compare, save the window and publish the report; then attach the Evidently report."""
        from airflow_mlops.common.booleans import parse_bool

        self._check_parameters()
        if self.model is None:
            return self.conclude(self._compare_with_reference(), context)
        snapshot, version = self.open_snapshot(self.snapshot), self._find_version(self.model)
        report = self._compare_with_version(version, snapshot)
        ref = self.publish(report, context)
        if parse_bool(self.evidently_report, "evidently_report", default=False):
            self._attach_evidently(version, snapshot)
        return self.enforce_verdict(report, ref)

    def _find_version(self, model: str) -> Version:
        """Return the version whose baseline is used: the requested one, or the champion."""
        from airflow_mlops.core.registry.history import champion_at
        from airflow_mlops.operators.rollback import parse_version_number
        from airflow_mlops.store import versions

        number = parse_version_number(self.version)
        if number is not None:
            return versions.get(self.database, model, number)
        version = champion_at(self.database, model, self.champion_at)
        if version is None:
            missing = f"had no champion at {self.champion_at}" if self.champion_at else "has no champion now"
            raise AirflowSkipException(f"Skipping drift check: {model} {missing}")
        return version

    def _check_parameters(self) -> None:
        from airflow_mlops.common.booleans import parse_bool
        from airflow_mlops.common.errors import BadInput
        from airflow_mlops.operators.rollback import parse_version_number

        if (self.model is None) == (self.reference is None):
            raise BadInput("exactly one of model and reference is required", hint="set model=... or reference=...")
        if self.data_kind not in ("features", "scores"):
            raise BadInput(f"data_kind is not valid; got {self.data_kind!r}", hint="use 'features' or 'scores'")
        evidently = parse_bool(self.evidently_report, "evidently_report", default=False)
        if evidently and (self.model is None or self.data_kind == "scores"):
            raise BadInput(
                "evidently_report requires the features of a model",
                hint="set model=... with data_kind='features', or remove evidently_report",
            )
        if self.model is None and self.champion_at is not None:
            raise BadInput("champion_at requires a model", hint="set model=..., or remove champion_at")
        if self.champion_at and parse_version_number(self.version) is not None:
            raise BadInput("set champion_at or version, not both", hint="remove one of them")
        self._check_comparison()
        self._check_contract()

    def _check_comparison(self) -> None:
        from airflow_mlops.common.errors import BadInput

        if self.against not in ("baseline", "previous"):
            raise BadInput(f"against is not valid; got {self.against!r}", hint="use 'baseline' or 'previous'")
        if self.model is None and (self.version is not None or self.slices or self.against == "previous"):
            raise BadInput(
                "version, slices and against='previous' require a model", hint="set model=..., or remove them"
            )
        if self.slices and self.data_kind == "scores":
            raise BadInput(
                "slices require features; scores have none", hint="remove slices, or use data_kind='features'"
            )

    def _check_contract(self) -> None:
        from airflow_mlops.common.errors import BadInput

        if self.contract is not None and (self.model is not None or self.data_kind == "scores"):
            raise BadInput(
                "contract applies only to the features of two datasets",
                hint="set reference=... with data_kind='features', or remove contract",
            )
        if self.environment is not None and self.contract is None:
            raise BadInput(
                f"environment {self.environment!r} requires a contract", hint="set contract=..., or remove environment"
            )

    def _compare_with_version(self, version: Version, snapshot: Snapshot) -> Report:
        from airflow_mlops.core.monitoring.drift import DriftOptions, check_features, check_predictions

        check = check_features if self.data_kind == "features" else check_predictions
        options = DriftOptions(self.against, column_names(self.slices), self.snapshots)
        return check(self.database, version, snapshot, self.policy, options)

    def _compare_with_reference(self) -> Report:
        from airflow_mlops.common.policy import load_section
        from airflow_mlops.core.data.contracts import Contract
        from airflow_mlops.core.drift.data import DriftPolicy, check_drift
        from airflow_mlops.core.drift.data.skew import check_skew

        contract = None if self.contract is None else Contract.load(self.contract)
        if contract is not None:
            contract.for_environment(self.environment)  # fails before any row is read
        policy = load_section(DriftPolicy, self.policy, "drift")
        baseline = self._reference_profile(contract)
        current, subject = self._current_profile(baseline)
        if contract is not None and self.environment is not None:
            subject = f"{subject} as {self.environment}"
            return check_skew(baseline, current, contract, environment=self.environment, policy=policy, subject=subject)
        kind = "drift" if self.data_kind == "features" else "prediction_drift"
        return check_drift(baseline, current, policy, subject=subject, kind=kind)

    def _reference_profile(self, contract: Contract | None) -> Profile:
        """Return the profile of the reference, restricted to the contract's columns. A ``ProfileRef`` is used as is."""
        assert self.reference is not None
        if contract is None or _profile_ref(self.reference):
            return self.load_profile(self.reference)
        from airflow_mlops.core.data.profiles import profile

        rows = self.open_snapshot(self.reference)
        return profile(rows, columns=kinds_in_data(contract, rows.schema), cluster=contract.cluster)

    def _current_profile(self, baseline: Profile) -> tuple[Profile, str]:
        """Return the current profile with the bins of the reference, and the dataset's name."""
        from dataclasses import replace

        from airflow_mlops.core.data.profiles import profile

        if ref := _profile_ref(self.snapshot):
            return self.load_profile(ref.to_dict()), ref.dataset
        rows = self.open_snapshot(self.snapshot)
        # Without the cluster column each row is its own cluster.
        cells = baseline if baseline.cluster in rows.schema else replace(baseline, cluster=None)
        return profile(rows, like=cells), rows.name

    def _attach_evidently(self, version: Version, snapshot: Snapshot) -> None:
        """Attach the Evidently report of a sample. It is optional: invalid or missing input only logs a warning."""
        import tempfile
        from pathlib import Path

        from airflow_mlops.common.errors import BadInput, NotFound

        with tempfile.TemporaryDirectory(prefix="mlops-evidently-") as folder:
            page = Path(folder) / "evidently.html"
            try:
                self._write_evidently(version, snapshot, page)
                folder_name = f"drift/{snapshot.ref.partition or snapshot.ref.id}"
                self.mlflow.log_artifact(version.run_id, str(page), folder_name)
            except (BadInput, NotFound) as error:
                self.log.warning("Skipping the Evidently report: %s", error)

    def _write_evidently(self, version: Version, snapshot: Snapshot, page: Path) -> None:
        from airflow_mlops.common.errors import NotFound
        from airflow_mlops.common.refs import SnapshotRef
        from airflow_mlops.core.drift.data.evidently_report import write_evidently_report

        if "train" not in version.data:
            raise NotFound(f"{version.model} v{version.version} was registered without its training rows")
        train = self.snapshots.open(SnapshotRef.from_dict(version.data["train"]))
        names = version.baseline["columns"]
        # The adapter reports the columns that only one side has.
        before, now = (side.scan().select([n for n in names if n in side.schema]) for side in (train, snapshot))
        write_evidently_report(before, now, page)


def _profile_ref(value: str | Mapping[str, Any]) -> ProfileRef | None:
    """Return the ``ProfileRef`` of a parameter, or ``None`` when it refers to rows."""
    from airflow_mlops.common.refs import ProfileRef

    return ProfileRef.from_dict(value) if isinstance(value, Mapping) and value.get("kind") == ProfileRef.kind else None


def column_names(value: str | Sequence[str]) -> tuple[str, ...]:
    """Return column names as a tuple, from one name or several."""
    return (value,) if isinstance(value, str) and value else tuple(value or ())
