"""Drift checks against the baseline that travels with the model, or against any reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from airflow.sdk.exceptions import AirflowSkipException

from airflow_mlops.operators.base import ReportingOperator
from airflow_mlops.operators.profile import kinds_there

if TYPE_CHECKING:
    from pathlib import Path

    from airflow.sdk import Context

    from airflow_mlops.core.data import Contract, Profile
    from airflow_mlops.core.data.snapshot import Snapshot
    from airflow_mlops.core.refs import ProfileRef
    from airflow_mlops.core.report import Report
    from airflow_mlops.store.tables import Version


class CheckDriftOperator(ReportingOperator):
    """Compare a snapshot's profile with a baseline; gives a ``ReportRef``.

    With ``model`` the baseline is the champion's own, so after a promotion or a rollback the right one is used with no
    configuration: for features the profile of its training rows, for scores how they were spread on the rows of its
    evaluation. The verdict is kept as the (version, partition) window on which the episode policy decides. With
    ``reference`` two datasets are compared, with no model at all::

        CheckDriftOperator(
            task_id="skew",
            reference="rows@2026-04",
            snapshot="requests@2026-04",
            contract="include/churn/contract.yaml",
            environment="serving",
        )

    :param snapshot: the rows, or the scores: a ``SnapshotRef``, or ``dataset@partition``. With ``reference`` a
        ``ProfileRef`` will do, when it was made ``like`` the reference.
    :param model: the model's name.
    :param reference: in place of a model: a snapshot (``SnapshotRef``, ``dataset@partition``) or a ``ProfileRef``.
    :param contract: with ``reference``: the contract of both. It says which columns are compared and of which kind they
        are, and which rows belong together.
    :param environment: one of the contract's environments, such as ``serving``: the snapshot is from there, the
        reference is what the model learns from. The report is one of ``skew``, and columns that the environment does
        not have, such as the label, are not missed.
    :param of: ``features``, or ``scores`` for prediction drift.
    :param policy: the path of a ``policy.yaml`` with a ``drift`` section, or its content.
    :param champion_at: whose baseline: the champion of this moment on the data's clock; default: the champion now.
    :param version: whose baseline, in place of the champion's: map over versions to watch several side by side.
    :param against: ``baseline``: what the version learnt from; ``previous``: the window before, the partition before
        this one in the catalogue. Each has windows of its own; only those against the baseline lead to a retraining.
    :param slices: columns with few values, each of which is looked at for itself, too; slices only warn. Of a model's
        features.
    :param evidently_report: attach Evidently's HTML report of a sample to the champion's run in MLflow. The verdict is
        that of the full scan all the same. Only for the features of a model.
    :param when_failed: ``warn``: drift is news, not an error; ``fail``: the task fails, after publishing.
    """

    template_fields: Sequence[str] = (
        "snapshot",
        "model",
        "reference",
        "contract",
        "environment",
        "of",
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
        of: Literal["features", "scores"] = "features",
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
        self.of = of
        self.policy = policy
        self.champion_at = champion_at
        self.version = version
        self.against = against
        self.slices = slices
        self.evidently_report = evidently_report

    def step(self, context: Context) -> dict[str, Any]:
        """Profile, compare, keep the window, publish; then whatever may still go wrong."""
        from airflow_mlops.core.yes_no import yes_or_no

        self._check_parameters()
        if self.model is None:
            return self.conclude(self._against_reference(), context)
        snapshot, champion = self.open(self.snapshot), self._version(self.model)
        report = self._against_champion(champion, snapshot)
        ref = self.publish(report, context)
        if yes_or_no(self.evidently_report, "evidently_report", unsaid=False):
            self._attach_evidently(champion, snapshot)
        return self.fail_if_told(report, ref)

    def _version(self, model: str) -> Version:
        """Give the version whose baseline counts: the one that was named, or the champion."""
        from airflow_mlops.core.registry.history import champion_at
        from airflow_mlops.operators.rollback import version_of
        from airflow_mlops.store import versions

        number = version_of(self.version)
        found = champion_at(self.database, model, self.champion_at) if number is None else None
        if number is not None:
            found = versions.get(self.database, model, number)
        if found is None:
            raise AirflowSkipException(f"{model} has no champion at {self.champion_at or 'present'}")
        return found

    def _check_parameters(self) -> None:
        from airflow_mlops.core.errors import BadInput
        from airflow_mlops.core.yes_no import yes_or_no

        if (self.model is None) == (self.reference is None):
            raise BadInput("drift needs one thing to compare with", mend="give model=... or reference=...")
        if self.of not in ("features", "scores"):
            raise BadInput(f"there is no drift of {self.of!r}", mend="of is 'features' or 'scores'")
        wanted = yes_or_no(self.evidently_report, "evidently_report", unsaid=False)
        if wanted and (self.model is None or self.of == "scores"):
            raise BadInput(
                "Evidently's report shows a model's features, and is kept with its run",
                mend="give model=... with of='features', or leave evidently_report out",
            )
        if self.model is None and self.champion_at is not None:
            raise BadInput("only a model has a champion", mend="give model=..., or leave champion_at out")
        self._check_look()
        self._check_contract()

    def _check_look(self) -> None:
        from airflow_mlops.core.errors import BadInput

        if self.against not in ("baseline", "previous"):
            raise BadInput(f"there is no drift against {self.against!r}", mend="against is 'baseline' or 'previous'")
        if self.model is None and (self.version is not None or self.slices or self.against == "previous"):
            raise BadInput("only a model has versions and windows", mend="give model=..., or leave these out")
        if self.slices and self.of == "scores":
            raise BadInput("scores have no columns to make slices of", mend="leave slices out, or use of='features'")

    def _check_contract(self) -> None:
        from airflow_mlops.core.errors import BadInput

        if self.contract is not None and (self.model is not None or self.of == "scores"):
            raise BadInput(
                "a contract tells what two datasets have in common; a champion's baseline has its features and no more",
                mend="give reference=... with of='features', or leave contract out",
            )
        if self.environment is not None and self.contract is None:
            raise BadInput(
                f"nothing says what the environment {self.environment!r} is",
                mend="give contract=..., or leave environment out",
            )

    def _against_champion(self, champion: Version, snapshot: Snapshot) -> Report:
        from airflow_mlops.core.monitoring.drift import Look, check_features, check_predictions

        check = check_features if self.of == "features" else check_predictions
        look = Look(self.against, names_of(self.slices), self.snapshots)
        return check(self.database, champion, snapshot, self.policy, look)

    def _against_reference(self) -> Report:
        from airflow_mlops.core.data import Contract, DriftPolicy, check_drift, check_skew
        from airflow_mlops.core.policy import load_section

        contract = None if self.contract is None else Contract.load(self.contract)
        if contract is not None:
            contract.for_environment(self.environment)  # refused before any row is read
        policy = load_section(DriftPolicy, self.policy, "drift")
        baseline = self._reference(contract)
        current, subject = self._current(baseline)
        if contract is not None and self.environment is not None:
            subject = f"{subject} as {self.environment}"
            return check_skew(baseline, current, contract, environment=self.environment, policy=policy, subject=subject)
        kind = "drift" if self.of == "features" else "prediction_drift"
        return check_drift(baseline, current, policy, subject=subject, kind=kind)

    def _reference(self, contract: Contract | None) -> Profile:
        """Give the reference's profile, of what the contract compares where there is one."""
        assert self.reference is not None
        if contract is None or kept_profile(self.reference):
            return self.profile_of(self.reference)
        from airflow_mlops.core.data import profile

        rows = self.open(self.reference)
        return profile(rows, columns=kinds_there(contract, rows.schema), cluster=contract.cluster)

    def _current(self, baseline: Profile) -> tuple[Profile, str]:
        """Give the current profile over the reference's cells, and what to call it."""
        from dataclasses import replace

        from airflow_mlops.core.data import profile

        if kept := kept_profile(self.snapshot):
            return self.profile_of(kept.to_dict()), kept.dataset
        rows = self.open(self.snapshot)
        # Rows may come without the column that says which belong together: then each stands for itself.
        cells = baseline if baseline.cluster in rows.schema else replace(baseline, cluster=None)
        return profile(rows, like=cells), rows.name

    def _attach_evidently(self, champion: Version, snapshot: Snapshot) -> None:
        """Attach a page for reading. It is made of samples and decides nothing; nor does it when it cannot be made."""
        import tempfile
        from pathlib import Path

        from airflow_mlops.core.errors import BadInput, NotFound

        with tempfile.TemporaryDirectory(prefix="mlops-evidently-") as folder:
            page = Path(folder) / "evidently.html"
            try:
                self._write_evidently(champion, snapshot, page)
            except (BadInput, NotFound) as error:
                self.log.warning("no report of Evidently's: %s", error)
                return
            self.mlflow.log_artifact(champion.run_id, str(page), f"drift/{snapshot.ref.partition or snapshot.ref.id}")

    def _write_evidently(self, champion: Version, snapshot: Snapshot, page: Path) -> None:
        from airflow_mlops.core.data.drift.evidently import evidently_html
        from airflow_mlops.core.errors import NotFound
        from airflow_mlops.core.refs import SnapshotRef

        if "train" not in champion.data:
            raise NotFound(f"{champion.model} v{champion.version} was registered without its training rows")
        train = self.snapshots.open(SnapshotRef.from_dict(champion.data["train"]))
        names = champion.baseline["columns"]
        # Columns that only one side has: Evidently's adapter says which they are.
        before, now = (side.scan().select([n for n in names if n in side.schema]) for side in (train, snapshot))
        evidently_html(before, now, page)


def kept_profile(value: str | Mapping[str, Any]) -> ProfileRef | None:
    """Give the profile that a parameter refers to; None when it means rows."""
    from airflow_mlops.core.refs import ProfileRef

    return ProfileRef.from_dict(value) if isinstance(value, Mapping) and value.get("kind") == ProfileRef.kind else None


def names_of(value: str | Sequence[str]) -> tuple[str, ...]:
    """Read names of columns: one, or several."""
    return (value,) if isinstance(value, str) and value else tuple(value or ())
