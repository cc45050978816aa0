"""Drift of a snapshot, or of its scores: against the baseline of a model version, or against the window before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from airflow_mlops.core.data import DriftPolicy, Profile, check_drift, profile
from airflow_mlops.core.data.snapshot import Snapshot, SnapshotRoot
from airflow_mlops.core.errors import NotFound
from airflow_mlops.core.monitoring.slices import Sliced, drift_slices, largest
from airflow_mlops.core.monitoring.upstream import broken_columns
from airflow_mlops.core.policy import load_section
from airflow_mlops.core.refs import SnapshotRef
from airflow_mlops.core.report import Check, Report
from airflow_mlops.store import baselines, catalogue, windows
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Version

LAST_WINDOWS = 11
Policy = str | Mapping[str, Any] | None
Against = Literal["baseline", "previous"]


@dataclass(frozen=True, slots=True)
class Look:
    """What a window is held against, and how closely.

    :param against: the version's own ``baseline``, or the ``previous`` window: the partition before, of the same
        dataset. The first tells whether the model still knows this world, the second when it changed.
    :param slices: columns of the rows of which each value is looked at for itself, too; it only warns.
    :param root: where snapshots are, for ``previous`` and for slices.
    """

    against: Against = "baseline"
    slices: Sequence[str] = ()
    root: SnapshotRoot | None = field(default=None, repr=False)

    def open(self, ref: SnapshotRef) -> Snapshot:
        """Open a snapshot."""
        assert self.root is not None, "slices and the window before need the snapshot root"
        return self.root.open(ref)


def check_features(
    database: Database, version: Version, snapshot: Snapshot, policy: Policy = None, look: Look | None = None
) -> Report:
    """Hold a snapshot against the training rows of a version, or against the window before, and keep the window.

    Columns that are broken upstream are named in ``facts["broken"]``: no retraining is to follow from them.

    :param policy: the path of a ``policy.yaml`` with a ``drift`` section, or its content.
    """
    look, rules = look or Look(), load_section(DriftPolicy, policy, "drift")
    own = Profile.from_dict(version.baseline)
    return _judged(database, version, snapshot, own, rules, "drift", look)


def check_predictions(
    database: Database, version: Version, scores: Snapshot, policy: Policy = None, look: Look | None = None
) -> Report:
    """Hold scores against those that the version gave when it was evaluated, and keep the window.

    :param scores: what :func:`airflow_mlops.core.monitoring.scoring.score` wrote.
    :param policy: as for the features; what it says about single columns and their importance is left out.
    :return: ``not_judged`` for a version that was never evaluated with this store.
    """
    kept, look = baselines.get(database, version.model, version.version, "scores"), look or Look()
    if kept is None:
        message = "nothing is known of how its scores were spread: evaluate the version with EvaluateModelOperator"
        report = _not_judged("prediction_drift", "scores", message, _subject(scores, version, look))
        return _kept(database, version, scores, report, look, {})
    whole = load_section(DriftPolicy, policy, "drift")
    own = whole.model_copy(update={"columns": {}, "importance": {}, "ignore": ()})
    return _judged(database, version, scores, Profile.from_dict(kept), own, "prediction_drift", look)


def last_windows(
    database: Database, version: Version, kind: str, before: str, against: str = windows.BASELINE
) -> list[dict[str, Any]]:
    """Give the last windows of a version before a partition, oldest first, for the picture."""
    found = windows.of_model(database, version.model, kind, version=version.version, against=against)
    earlier = [w for w in found if w.partition < before][-LAST_WINDOWS:]
    return [{"partition": w.partition, "value": w.value, "verdict": w.verdict} for w in earlier]


def partition_of(snapshot: Snapshot) -> str:
    """Give the partition by which a window is known; for a snapshot without one, its id."""
    return snapshot.ref.partition or snapshot.ref.id


def _judged(
    database: Database,
    version: Version,
    snapshot: Snapshot,
    own: Profile,
    policy: DriftPolicy,
    kind: str,
    look: Look,
) -> Report:
    """Profile on the baseline's cells, compare, look at slices, keep the window."""
    # Scores may have come without the column that says which rows belong together: then each stands for itself.
    cells = own if own.cluster in snapshot.schema else replace(own, cluster=None)
    rows, subject = _reference(database, version, snapshot, look), _subject(snapshot, version, look)
    if look.against == "previous" and rows is None:
        report = _not_judged(kind, "previous", "there is no window before this one", subject)
        return _kept(database, version, snapshot, report, look, {})
    reference, current = own, profile(snapshot, like=cells)
    if look.against == "previous" and rows is not None:
        reference = profile(rows, like=cells)
    report = check_drift(
        reference,
        current,
        policy,
        subject=subject,
        kind=kind,
        windows=last_windows(database, version, kind, partition_of(snapshot), look.against),
    )
    broken = broken_columns(reference, current, _drifted(report)) if kind == "drift" else {}
    whole = report = _with_broken(report, broken)
    if look.slices:
        assert rows is not None
        found = drift_slices(rows, snapshot, cells, policy, look.slices)
        report = _with_slices(database, version, snapshot, report, look, found)
    _kept(database, version, snapshot, whole, look, broken, rows)  # what all rows say: slices have windows of their own
    return report


def _reference(database: Database, version: Version, snapshot: Snapshot, look: Look) -> Snapshot | None:
    """Open the rows of the reference where they are needed: for the window before, and for slices.

    :raises NotFound: when the version was registered without its training rows.
    """
    if look.against == "previous":
        earlier = [
            ref
            for ref in catalogue.partitions(database, snapshot.ref.dataset)
            if str(ref.partition) < partition_of(snapshot)
        ]
        return look.open(earlier[-1]) if earlier else None
    if not look.slices:
        return None
    if "train" not in version.data:
        raise NotFound(
            f"{version.model} v{version.version} was registered without its training rows",
            mend="leave slices out, or register with data={'train': ...}",
        )
    return look.open(SnapshotRef.from_dict(version.data["train"]))


def _drifted(report: Report) -> list[str]:
    return [str(check.where) for check in report.checks if check.status == "fail" and check.where]


def _with_broken(report: Report, broken: Mapping[str, str]) -> Report:
    """Name the broken columns; the verdict stays what it was."""
    if not broken:
        return report
    said = [
        Check("upstream", "not_judged", "info", None, None, name, f"looks broken upstream: {how}. Mend it first")
        for name, how in broken.items()
    ]
    return replace(report, checks=(*report.checks, *said), facts={**report.facts, "broken": dict(broken)})


def _with_slices(
    database: Database, version: Version, snapshot: Snapshot, report: Report, look: Look, found: Sequence[Sliced]
) -> Report:
    """Keep a window for each slice, and tell of them in the report."""
    told = Report.of(report.kind, report.subject, [*report.checks, *(s.check for s in found)])
    whole = replace(report, checks=told.checks, verdict=told.verdict)
    for one in found:
        windows.record(
            database,
            model=version.model,
            version=version.version,
            kind=report.kind,
            partition=partition_of(snapshot),
            verdict=one.verdict,
            value=one.value,
            rows=one.rows,
            report=whole.id,
            slice_=one.name,
            against=look.against,
            inputs={"rows": snapshot.ref.id},
        )
    return whole


def _not_judged(kind: str, name: str, message: str, subject: str) -> Report:
    return Report.of(kind, subject, [Check(name, "not_judged", message=message)])


def _kept(
    database: Database,
    version: Version,
    snapshot: Snapshot,
    report: Report,
    look: Look,
    broken: Mapping[str, str],
    reference: Snapshot | None = None,
) -> Report:
    """Keep the window, with the largest effect in thresholds as its figure."""
    inputs = {"rows": snapshot.ref.id}
    if look.against == "previous" and reference is not None:
        inputs["previous"] = reference.ref.id
    windows.record(
        database,
        model=version.model,
        version=version.version,
        kind=report.kind,
        partition=partition_of(snapshot),
        verdict=report.verdict,
        value=largest(report),
        rows=snapshot.ref.rows,
        report=report.id,
        against=look.against,
        inputs=inputs,
        broken=broken,
    )
    return report


def _subject(snapshot: Snapshot, version: Version, look: Look) -> str:
    beside = "the window before, of " if look.against == "previous" else ""
    return f"{snapshot.ref.dataset} {partition_of(snapshot)} against {beside}{version.model} v{version.version}"
