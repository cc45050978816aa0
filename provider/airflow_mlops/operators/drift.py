"""Drift checks against the baseline that travels with the model, or against any reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from airflow.sdk.exceptions import AirflowSkipException

from airflow_mlops.operators.base import ReportingOperator

if TYPE_CHECKING:
    from pathlib import Path

    from airflow.sdk import Context

    from airflow_mlops.core.data.snapshot import Snapshot
    from airflow_mlops.core.report import Report
    from airflow_mlops.store.tables import Version


class CheckDriftOperator(ReportingOperator):
    """Compare a snapshot's profile with a baseline; gives a ``ReportRef``.

    With ``model`` the baseline is the champion's own, so after a promotion or a rollback the right one is used with no
    configuration: for features the profile of its training rows, for scores how they were spread on the rows of its
    evaluation. The verdict is kept as the (version, partition) window on which the episode policy decides. With
    ``reference`` two datasets are compared, with no model at all.

    :param snapshot: the rows, or the scores: a ``SnapshotRef``, or ``dataset@partition``.
    :param model: the model's name.
    :param reference: in place of a model: a snapshot (``SnapshotRef``, ``dataset@partition``) or a ``ProfileRef``.
    :param of: ``features``, or ``scores`` for prediction drift.
    :param policy: the path of a ``policy.yaml`` with a ``drift`` section, or its content.
    :param champion_at: whose baseline: the champion of this moment on the data's clock; default: the champion now.
    :param evidently_report: attach Evidently's HTML report of a sample to the champion's run in MLflow. The verdict is
        that of the full scan all the same. Only for the features of a model.
    :param when_failed: ``warn``: drift is news, not an error; ``fail``: the task fails, after publishing.
    """

    template_fields: Sequence[str] = (
        "snapshot",
        "model",
        "reference",
        "of",
        "policy",
        "champion_at",
        "evidently_report",
    )

    def __init__(
        self,
        *,
        snapshot: str | Mapping[str, Any],
        model: str | None = None,
        reference: str | Mapping[str, Any] | None = None,
        of: Literal["features", "scores"] = "features",
        policy: str | Mapping[str, Any] | None = None,
        champion_at: str | None = None,
        evidently_report: bool = False,
        when_failed: Literal["fail", "warn"] = "warn",
        **kwargs: Any,
    ) -> None:
        super().__init__(when_failed=when_failed, **kwargs)
        self.snapshot = snapshot
        self.model = model
        self.reference = reference
        self.of = of
        self.policy = policy
        self.champion_at = champion_at
        self.evidently_report = evidently_report

    def step(self, context: Context) -> dict[str, Any]:
        """Profile, compare, keep the window, publish; then whatever may still go wrong."""
        self._check_parameters()
        snapshot = self.open(self.snapshot)
        if self.model is None:
            return self.conclude(self._against_reference(snapshot), context)
        from airflow_mlops.core.registry.history import champion_at

        champion = champion_at(self.database, self.model, self.champion_at)
        if champion is None:
            raise AirflowSkipException(f"{self.model} has no champion at {self.champion_at or 'present'}")
        report = self._against_champion(champion, snapshot)
        ref = self.publish(report, context)
        if is_yes(self.evidently_report):
            self._attach_evidently(champion, snapshot)
        return self.fail_if_told(report, ref)

    def _check_parameters(self) -> None:
        from airflow_mlops.core.errors import BadInput

        if (self.model is None) == (self.reference is None):
            raise BadInput("drift needs one thing to compare with", mend="give model=... or reference=...")
        if self.of not in ("features", "scores"):
            raise BadInput(f"there is no drift of {self.of!r}", mend="of is 'features' or 'scores'")
        if is_yes(self.evidently_report) and (self.model is None or self.of == "scores"):
            raise BadInput(
                "Evidently's report shows a model's features, and is kept with its run",
                mend="give model=... with of='features', or leave evidently_report out",
            )

    def _against_champion(self, champion: Version, snapshot: Snapshot) -> Report:
        from airflow_mlops.core.monitoring.drift import check_features, check_predictions

        check = check_features if self.of == "features" else check_predictions
        return check(self.database, champion, snapshot, self.policy)

    def _against_reference(self, snapshot: Snapshot) -> Report:
        from airflow_mlops.core.data import DriftPolicy, check_drift, profile
        from airflow_mlops.core.policy import load_section

        assert self.reference is not None
        baseline = self.profile_of(self.reference)
        policy = load_section(DriftPolicy, self.policy, "drift")
        kind = "drift" if self.of == "features" else "prediction_drift"
        return check_drift(baseline, profile(snapshot, like=baseline), policy, subject=snapshot.name, kind=kind)

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


def is_yes(value: bool | str) -> bool:
    """Read a switch that may have gone through a template, which makes text of it: ``"False"`` is no."""
    return value if isinstance(value, bool) else value.strip().lower() in ("true", "yes", "1")
