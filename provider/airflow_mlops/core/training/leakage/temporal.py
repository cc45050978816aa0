"""Temporal leakage: rows or labels from after the cut-off, or from after the start of the next part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.report import Check
from airflow_mlops.core.training.splits.temporal import parse_timestamps

if TYPE_CHECKING:
    import pandas as pd


def check_temporal_order(
    frames: Mapping[str, pd.DataFrame],
    time: str | None,
    *,
    ordered: bool,
    cutoff: Any,
    label_time: str | None,
) -> Iterator[Check]:
    """Check the parts for temporal leakage; checks whose columns are not given are skipped.

    :param frames: part -> its rows, oldest part first.
    :param time: the column of timestamps.
    :param ordered: whether each part must be older than the next.
    :param cutoff: the latest time allowed.
    :param label_time: the column with the time at which a row's label became available.
    """
    if cutoff is not None and time is None and label_time is None:
        raise BadInput("a cut-off requires a column of timestamps", hint="set time= or label_time=")
    times = {} if time is None else {part: parse_timestamps(frame[time]) for part, frame in frames.items()}
    labels = {} if label_time is None else {part: parse_timestamps(frame[label_time]) for part, frame in frames.items()}
    if times and ordered:
        yield _check_order("temporal order", times, times, str(time), "rows are not older than the next part")
    if times and labels and ordered:
        message = "rows whose label was not known before the next part began"
        yield _check_order("label availability", labels, times, str(label_time), message)
    if cutoff is not None:
        last = cutoff_end(cutoff)
        for column, values, name in (
            (time, times, "rows after the cut-off"),
            (label_time, labels, "labels after the cut-off"),
        ):
            if values:
                yield _check_cutoff(name, values, last, str(column), cutoff)


def cutoff_end(cutoff: Any) -> pd.Timestamp:
    """Return the last timestamp of a cut-off: the end of a day, month or year, or the timestamp itself.

    :raises BadInput: when the cut-off is not valid.
    """
    import pandas as pd

    try:
        if isinstance(cutoff, str) and "T" not in cutoff:
            return pd.Period(cutoff.strip()).end_time
        timestamp: pd.Timestamp = parse_timestamps(pd.Series([pd.Timestamp(cutoff)], name="cutoff"))[0]
        return timestamp
    except (ValueError, TypeError):
        hint = "use 2026-04, 2026-04-06 or 2026-04-06T14:00"
        raise BadInput(f"cutoff is not a valid date or time; got {cutoff!r}", hint=hint) from None


def _check_order(
    name: str, older: Mapping[str, pd.Series[Any]], newer: Mapping[str, pd.Series[Any]], column: str, message: str
) -> Check:
    """Check that all values of a part precede the first row of the next part."""
    observed: dict[str, Any] = {part: [str(values.min()), str(values.max())] for part, values in older.items()}
    parts, overlaps = list(older), {}
    for part, following in pairwise(parts):
        late_counts = int((older[part] >= newer[following].min()).sum())
        if late_counts:
            overlaps[f"{part} before {following}"] = late_counts
    missing = _count_missing(older)
    if overlaps:
        counts = ", ".join(f"{count:,} in {pair}" for pair, count in overlaps.items())
        return Check(name, "fail", "error", {**observed, **overlaps}, None, column, f"{message}: {counts}")
    if missing:
        observed["missing"] = missing
        return Check(name, "inconclusive", "error", observed, None, column, f"{missing} rows have no value")
    return Check(name, "pass", "error", observed, None, column)


def _check_cutoff(
    name: str, values: Mapping[str, pd.Series[Any]], last: pd.Timestamp, column: str, cutoff: Any
) -> Check:
    late_counts = {part: int((column > last).sum()) for part, column in values.items()}
    newest = max(column.max() for column in values.values())
    observed = {"newest": str(newest), **late_counts}
    if any(late_counts.values()):
        counts = ", ".join(f"{count:,} in {part}" for part, count in late_counts.items() if count)
        return Check(name, "fail", "error", observed, str(cutoff), column, f"up to {newest}, after {cutoff}: {counts}")
    if missing := _count_missing(values):
        message = f"{missing} rows have no value"
        return Check(name, "inconclusive", "error", {**observed, "missing": missing}, str(cutoff), column, message)
    return Check(name, "pass", "error", observed, str(cutoff), column)


def _count_missing(values: Mapping[str, pd.Series[Any]]) -> int:
    return sum(int(column.isna().sum()) for column in values.values())
