"""Drift windows and row groups of slices, which may drift or underperform while the overall data looks stable.

Slices only warn and never trigger a retraining: among many, some deviate by chance.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.report import Check, Report, Verdict
from airflow_mlops.core.data.profiles import Profile, profile
from airflow_mlops.core.data.snapshots.snapshot import Snapshot
from airflow_mlops.core.drift.data import DriftPolicy, check_drift

if TYPE_CHECKING:
    import polars as pl

MAX_SLICES = 20
MISSING = "missing"
_MAX_TEXT = 80


@dataclass(frozen=True, slots=True)
class SliceDrift:
    """The drift result of one slice.

    :param name: ``column=value``.
    :param check: the entry in the window's report.
    :param verdict: the slice's own verdict.
    :param rows: the number of rows.
    :param value: the value behind the verdict.
    """

    name: str
    check: Check
    verdict: Verdict
    rows: int
    value: float | None


def check_slices(
    reference: Snapshot, current: Snapshot, cells: Profile, policy: DriftPolicy, columns: Sequence[str]
) -> list[SliceDrift]:
    """Compare each slice of a snapshot with the same slice of a reference.

    :param cells: a profile whose bins are reused.
    :param columns: columns with few distinct values, each value being a slice; beyond twenty, the most frequent ones.
    :raises BadInput: when one side lacks such a column.
    """
    slices: list[SliceDrift] = []
    for column in columns:
        before, now = (_label_rows(side, column) for side in (reference, current))
        slice_policy = policy.model_copy(update={"ignore": (*policy.ignore, column)})
        for value in _slice_values(now, column):
            rows = now.filter(_has_label(value)).drop(_LABEL)
            slices.append(
                _check_slice(
                    f"{column}={value}", before.filter(_has_label(value)).drop(_LABEL), rows, cells, slice_policy
                )
            )
    return slices


_LABEL = "__slice__"


def _label_rows(snapshot: Snapshot, column: str) -> pl.DataFrame:
    """Read rows with their slice label."""
    import polars as pl

    if column not in snapshot.schema:
        raise BadInput(
            f"slice column {column!r} does not exist",
            where=snapshot.name,
            hint=f"columns: {', '.join(sorted(snapshot.schema)[:20])}",
        )
    name = pl.col(column).cast(pl.String).str.slice(0, _MAX_TEXT).fill_null(MISSING).alias(_LABEL)
    return snapshot.scan().with_columns(name).collect()


def _slice_values(rows: pl.DataFrame, column: str) -> list[str]:
    """List the slices, the largest first.

    :raises BadInput: when a numeric column has too many distinct values.
    """
    counts = rows.get_column(_LABEL).value_counts(sort=False).sort(["count", _LABEL], descending=[True, False])
    if rows.schema[column].is_float() and counts.height > MAX_SLICES:
        raise BadInput(
            f"{column!r} is numeric with {counts.height} distinct values, not a slice column",
            hint="name a category, or bin the number in a column of its own",
        )
    return [str(name) for name in counts.get_column(_LABEL)[:MAX_SLICES]]


def _has_label(value: str) -> Any:
    import polars as pl

    return pl.col(_LABEL) == value


def _check_slice(name: str, before: pl.DataFrame, now: pl.DataFrame, cells: Profile, policy: DriftPolicy) -> SliceDrift:
    cluster = cells.cluster if cells.cluster in before.columns and cells.cluster in now.columns else None
    like = replace(cells, cluster=cluster)
    if not before.height:
        message = f"the reference has no rows with {name}"
        return SliceDrift(
            name, _slice_check(name, "inconclusive", {"rows": now.height}, message), "inconclusive", now.height, None
        )
    sides = [profile(rows, like=like) for rows in (before, now)]
    report = check_drift(sides[0], sides[1], policy, subject=name)
    return SliceDrift(name, _drift_check(name, report, now.height), report.verdict, now.height, largest_effect(report))


def _drift_check(name: str, report: Report, rows: int) -> Check:
    drifted = list(report.facts.get("drifted") or [])
    observed = {"rows": rows, "drifted": drifted, "largest": largest_effect(report)}
    if report.verdict == "inconclusive":
        return _slice_check(name, "inconclusive", observed, f"{rows} rows are too few")
    message = f"{', '.join(drifted[:5])} drifted" if drifted else "no column drifted"
    return _slice_check(name, "fail" if report.verdict == "fail" else "pass", observed, message)


def _slice_check(name: str, status: Any, observed: dict[str, Any], message: str) -> Check:
    return Check("slice", status, "info" if status == "inconclusive" else "warn", observed, None, name, message)


def largest_effect(report: Report) -> float | None:
    """Return the largest effect of a drift report, in thresholds; ``None`` when missing or not finite."""
    import math

    effects = report.facts.get("largest_effects") or []
    value = effects[0]["relative_effect"] if effects else None
    return value if value is not None and math.isfinite(value) else None


def split_slices(frame: Any, columns: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """Split a pandas frame into slices.

    :return: ``column=value`` and its rows, for the most frequent values of each column.
    """
    for column in columns:
        names = frame[column].astype("string").str.slice(0, _MAX_TEXT).fillna(MISSING)
        for value in sorted(names.value_counts().index[:MAX_SLICES]):
            yield f"{column}={value}", frame[names == value]
