"""Data and prediction drift of a snapshot against a version's baseline or the previous window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from airflow_mlops.common.errors import NotFound
from airflow_mlops.common.policy import load_section
from airflow_mlops.common.refs import SnapshotRef
from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.data.profiles import Profile, profile
from airflow_mlops.core.data.snapshots.snapshot import Snapshot, SnapshotRoot
from airflow_mlops.core.drift.data import DriftPolicy, check_drift
from airflow_mlops.core.monitoring.slices import SliceDrift, check_slices, largest_effect
from airflow_mlops.core.monitoring.upstream import broken_columns
from airflow_mlops.store import baselines, catalogue, windows
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Version

MAX_LAST_WINDOWS = 11
PolicySource = str | Mapping[str, Any] | None
ReferenceKind = Literal["baseline", "previous"]


@dataclass(frozen=True, slots=True)
class DriftOptions:
    """Options of a drift check.

    :param against: the version's own ``baseline``, or the ``previous`` window: the partition before, of the same
        dataset. The baseline shows whether the model still fits the data, the previous window when the data changed.
    :param slices: columns whose values are also checked one by one; slices only warn.
    :param root: the snapshot root, required for ``previous`` and for slices.
    """

    against: ReferenceKind = "baseline"
    slices: Sequence[str] = ()
    root: SnapshotRoot | None = field(default=None, repr=False)

    def open(self, ref: SnapshotRef) -> Snapshot:
        """Open a snapshot."""
        assert self.root is not None, "slices and the previous window require the snapshot root"
        return self.root.open(ref)


def check_features(
    database: Database,
    version: Version,
    snapshot: Snapshot,
    policy: PolicySource = None,
    options: DriftOptions | None = None,
) -> Report:
    """Compare a snapshot with a version's training rows or the previous window, and record the window.

    Columns that are broken upstream are listed in ``facts["broken"]``: they must not trigger a retraining.

    :param policy: the path of a ``policy.yaml`` with a ``drift`` section, or its content.
    """
    options, rules = options or DriftOptions(), load_section(DriftPolicy, policy, "drift")
    baseline = Profile.from_dict(version.baseline)
    return _check_window(database, version, snapshot, baseline, rules, "drift", options)


def check_predictions(
    database: Database,
    version: Version,
    scores: Snapshot,
    policy: PolicySource = None,
    options: DriftOptions | None = None,
) -> Report:
    """Compare scores with those of the version's evaluation, and record the window.

    :param scores: the scores written by :func:`airflow_mlops.core.scoring.job`.
    :param policy: as for the features; settings for single columns and their importance are ignored.
    :return: ``inconclusive`` for a version that was never evaluated with this store.
    """
    baseline, options = baselines.get(database, version.model, version.version, "scores"), options or DriftOptions()
    if baseline is None:
        message = "no score distribution is recorded for this version: evaluate it with EvaluateModelOperator"
        report = _inconclusive("prediction_drift", "scores", message, _subject(scores, version, options))
        return _record_window(database, version, scores, report, options, {})
    rules = load_section(DriftPolicy, policy, "drift")
    own = rules.model_copy(update={"columns": {}, "importance": {}, "ignore": ()})
    return _check_window(database, version, scores, Profile.from_dict(baseline), own, "prediction_drift", options)


def last_windows(
    database: Database, version: Version, kind: str, before: str, against: str = windows.BASELINE
) -> list[dict[str, Any]]:
    """Return a version's last windows before a partition, oldest first, for the chart."""
    matches = windows.of_model(database, version.model, kind, version=version.version, against=against)
    earlier = [w for w in matches if w.partition < before][-MAX_LAST_WINDOWS:]
    return [{"partition": w.partition, "value": w.value, "verdict": w.verdict} for w in earlier]


def window_partition(snapshot: Snapshot) -> str:
    """Return the partition that identifies a window; for a snapshot without one, its id."""
    return snapshot.ref.partition or snapshot.ref.id


def _check_window(
    database: Database,
    version: Version,
    snapshot: Snapshot,
    baseline: Profile,
    policy: DriftPolicy,
    kind: str,
    look: DriftOptions,
) -> Report:
    """Profile in the baseline's bins, compare, check slices and record the window."""
    # Scores may lack the cluster column: then each row is its own cluster.
    cells = baseline if baseline.cluster in snapshot.schema else replace(baseline, cluster=None)
    rows, subject = _reference_rows(database, version, snapshot, look), _subject(snapshot, version, look)
    if look.against == "previous" and rows is None:
        report = _inconclusive(kind, "previous", "there is no previous window", subject)
        return _record_window(database, version, snapshot, report, look, {})
    reference, current = baseline, profile(snapshot, like=cells)
    if look.against == "previous" and rows is not None:
        reference = profile(rows, like=cells)
    report = check_drift(
        reference,
        current,
        policy,
        subject=subject,
        kind=kind,
        windows=last_windows(database, version, kind, window_partition(snapshot), look.against),
    )
    broken = broken_columns(reference, current, _drifted_columns(report)) if kind == "drift" else {}
    report = _add_broken(report, broken)
    slices: Sequence[SliceDrift] = ()
    if look.slices:
        assert rows is not None
        slices = check_slices(rows, snapshot, cells, policy, look.slices)
    return _record_window(database, version, snapshot, report, look, broken, rows, slices)


def _reference_rows(database: Database, version: Version, snapshot: Snapshot, look: DriftOptions) -> Snapshot | None:
    """Open the reference rows where they are needed: for the previous window and for slices.

    :raises NotFound: when the version was registered without its training rows.
    """
    if look.against == "previous":
        earlier = [
            ref
            for ref in catalogue.partitions(database, snapshot.ref.dataset)
            if str(ref.partition) < window_partition(snapshot)
        ]
        return look.open(earlier[-1]) if earlier else None
    if not look.slices:
        return None
    if "train" not in version.data:
        raise NotFound(
            f"{version.model} v{version.version} was registered without its training rows",
            hint="leave slices out, or register with data={'train': ...}",
        )
    return look.open(SnapshotRef.from_dict(version.data["train"]))


def _drifted_columns(report: Report) -> list[str]:
    return [str(check.where) for check in report.checks if check.status == "fail" and check.where]


def _add_broken(report: Report, broken: Mapping[str, str]) -> Report:
    """Add the broken columns to a report, without changing its verdict."""
    if not broken:
        return report
    checks = [
        Check("upstream", "inconclusive", "info", None, None, name, f"looks broken upstream: {how}. Fix it there")
        for name, how in broken.items()
    ]
    return replace(report, checks=(*report.checks, *checks), facts={**report.facts, "broken": dict(broken)})


def _inconclusive(kind: str, name: str, message: str, subject: str) -> Report:
    return Report.from_checks(kind, subject, [Check(name, "inconclusive", message=message)])


def _record_window(
    database: Database,
    version: Version,
    snapshot: Snapshot,
    report: Report,
    look: DriftOptions,
    broken: Mapping[str, str],
    reference: Snapshot | None = None,
    slices: Sequence[SliceDrift] = (),
) -> Report:
    """Add the slices to the report and record it with the windows of all rows and of each slice.

    The value of a window is the largest effect, in thresholds. The verdict over all rows does not depend on slices.
    """
    inputs = {"rows": snapshot.ref.id}
    window = windows.WindowResult(
        model=version.model,
        version=version.version,
        kind=report.kind,
        partition=window_partition(snapshot),
        verdict=report.verdict,
        value=largest_effect(report),
        rows=snapshot.ref.rows,
        against=look.against,
        inputs=inputs | ({"previous": reference.ref.id} if look.against == "previous" and reference else {}),
        broken_columns=broken,
    )
    of_slices = [
        replace(
            window,
            slice_=item.name,
            verdict=item.verdict,
            value=item.value,
            rows=item.rows,
            inputs=inputs,
            broken_columns=None,
        )
        for item in slices
    ]
    if slices:
        combined = Report.from_checks(report.kind, report.subject, [*report.checks, *(s.check for s in slices)])
        report = replace(report, checks=combined.checks, verdict=combined.verdict)
    windows.record(database, [window, *of_slices], report)
    return report


def _subject(snapshot: Snapshot, version: Version, look: DriftOptions) -> str:
    reference = "the previous window of " if look.against == "previous" else ""
    return f"{snapshot.ref.dataset} {window_partition(snapshot)} against {reference}{version.model} v{version.version}"
