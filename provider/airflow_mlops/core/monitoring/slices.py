"""Windows slice by slice: a part of the rows may drift, or be served badly, while the whole looks calm.

Slices only warn: with many of them one is off by chance sooner or later, and none decides on a retraining.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.data import DriftPolicy, Profile, check_drift, profile
from airflow_mlops.core.data.snapshot import Snapshot
from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.report import Check, Report, Verdict

if TYPE_CHECKING:
    import polars as pl

MOST_VALUES = 20
MISSING = "missing"
_MOST_TEXT = 80


@dataclass(frozen=True, slots=True)
class Sliced:
    """What was seen of one slice.

    :param name: ``column=value``.
    :param check: how the window's report tells it.
    :param verdict: of the slice for itself.
    :param rows: how many rows it has.
    :param value: the figure behind the verdict.
    """

    name: str
    check: Check
    verdict: Verdict
    rows: int
    value: float | None


def drift_slices(
    reference: Snapshot, current: Snapshot, cells: Profile, policy: DriftPolicy, columns: Sequence[str]
) -> list[Sliced]:
    """Hold each slice of a snapshot against the same slice of a reference.

    :param cells: a profile whose cells are counted over.
    :param columns: columns with few different values, of which each is a slice; of more than twenty the most frequent.
    :raises BadInput: when a side does not have such a column.
    """
    found: list[Sliced] = []
    for column in columns:
        before, now = (_labelled(side, column) for side in (reference, current))
        own = policy.model_copy(update={"ignore": (*policy.ignore, column)})
        for value in _values(now, column):
            rows = now.filter(_is(value)).drop(_LABEL)
            found.append(_slice(f"{column}={value}", before.filter(_is(value)).drop(_LABEL), rows, cells, own))
    return found


_LABEL = "__slice__"


def _labelled(snapshot: Snapshot, column: str) -> pl.DataFrame:
    """Read rows with the name of the slice that each is in."""
    import polars as pl

    if column not in snapshot.schema:
        raise BadInput(
            f"there is no column {column!r} to make slices of",
            where=snapshot.name,
            mend=f"columns: {', '.join(sorted(snapshot.schema)[:20])}",
        )
    name = pl.col(column).cast(pl.String).str.slice(0, _MOST_TEXT).fill_null(MISSING).alias(_LABEL)
    return snapshot.scan().with_columns(name).collect()


def _values(rows: pl.DataFrame, column: str) -> list[str]:
    """List the slices, the largest first.

    :raises BadInput: when there are as many as there are different numbers.
    """
    counts = rows.get_column(_LABEL).value_counts(sort=False).sort(["count", _LABEL], descending=[True, False])
    if rows.schema[column].is_float() and counts.height > MOST_VALUES:
        raise BadInput(
            f"{column!r} is a number with {counts.height} different values, not a column of slices",
            mend="name a category, or put the number into classes in a column of its own",
        )
    return [str(name) for name in counts.get_column(_LABEL)[:MOST_VALUES]]


def _is(value: str) -> Any:
    import polars as pl

    return pl.col(_LABEL) == value


def _slice(name: str, before: pl.DataFrame, now: pl.DataFrame, cells: Profile, policy: DriftPolicy) -> Sliced:
    cluster = cells.cluster if cells.cluster in before.columns and cells.cluster in now.columns else None
    like = replace(cells, cluster=cluster)
    if not before.height:
        said = f"the reference has no rows with {name}"
        return Sliced(name, _told(name, "not_judged", {"rows": now.height}, said), "not_judged", now.height, None)
    sides = [profile(rows, like=like) for rows in (before, now)]
    report = check_drift(sides[0], sides[1], policy, subject=name)
    return Sliced(name, _drift_check(name, report, now.height), report.verdict, now.height, largest(report))


def _drift_check(name: str, report: Report, rows: int) -> Check:
    drifted = list(report.facts.get("drifted") or [])
    observed = {"rows": rows, "drifted": drifted, "largest": largest(report)}
    if report.verdict == "not_judged":
        return _told(name, "not_judged", observed, f"{rows} rows are too few to judge")
    said = f"{', '.join(drifted[:5])} drifted" if drifted else "no column drifted"
    return _told(name, "fail" if report.verdict == "fail" else "pass", observed, said)


def _told(name: str, status: Any, observed: dict[str, Any], said: str) -> Check:
    return Check("slice", status, "info" if status == "not_judged" else "warn", observed, None, name, said)


def largest(report: Report) -> float | None:
    """Give the largest effect of a drift report, in thresholds; ``None`` without one, or when it is beyond measure."""
    import math

    effects = report.facts.get("largest_effects") or []
    value = effects[0]["thresholds"] if effects else None
    return value if value is not None and math.isfinite(value) else None


def parts(frame: Any, columns: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """Cut rows of a pandas frame into slices.

    :return: ``column=value`` and the rows, for the most frequent values of each column.
    """
    for column in columns:
        names = frame[column].astype("string").str.slice(0, _MOST_TEXT).fillna(MISSING)
        for value in sorted(names.value_counts().index[:MOST_VALUES]):
            yield f"{column}={value}", frame[names == value]
