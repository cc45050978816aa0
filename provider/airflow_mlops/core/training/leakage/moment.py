"""Rows and labels from a time that they cannot be from: after the cut-off, or after what they are to predict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.report import Check
from airflow_mlops.core.training.splits.temporal import moments

if TYPE_CHECKING:
    import pandas as pd


def checks(
    frames: Mapping[str, pd.DataFrame],
    time: str | None,
    *,
    ordered: bool,
    cutoff: Any,
    label_time: str | None,
) -> Iterator[Check]:
    """Give the checks of time; those for which nothing is named are left out.

    :param frames: part -> its rows, oldest part first.
    :param time: the column of moments.
    :param ordered: whether each part has to be older than the next.
    :param cutoff: what nothing may be later than.
    :param label_time: the column that says when a row's label was known.
    """
    if cutoff is not None and time is None and label_time is None:
        raise BadInput("a cut-off says nothing without moments", mend="name the column with time=, or label_time=")
    times = {} if time is None else {part: moments(frame[time]) for part, frame in frames.items()}
    labels = {} if label_time is None else {part: moments(frame[label_time]) for part, frame in frames.items()}
    if times and ordered:
        yield _in_order("order of time", times, times, str(time), "rows are not older than the next part")
    if times and labels and ordered:
        said = "rows whose label was not known before the next part began"
        yield _in_order("labels known in time", labels, times, str(label_time), said)
    if cutoff is not None:
        last = end_of(cutoff)
        for column, values, name in (
            (time, times, "rows after the cut-off"),
            (label_time, labels, "labels after the cut-off"),
        ):
            if values:
                yield _until(name, values, last, str(column), cutoff)


def end_of(cutoff: Any) -> pd.Timestamp:
    """Give the last moment of a cut-off: of a day, a month or a year its end, of a moment itself.

    :raises BadInput: when it is none of these.
    """
    import pandas as pd

    try:
        if isinstance(cutoff, str) and "T" not in cutoff:
            return pd.Period(cutoff.strip()).end_time
        moment: pd.Timestamp = moments(pd.Series([pd.Timestamp(cutoff)], name="cutoff"))[0]
        return moment
    except (ValueError, TypeError):
        mend = "write 2026-04, 2026-04-06 or 2026-04-06T14:00"
        raise BadInput(f"cutoff is no moment: {cutoff!r}", mend=mend) from None


def _in_order(
    name: str, older: Mapping[str, pd.Series[Any]], newer: Mapping[str, pd.Series[Any]], column: str, said: str
) -> Check:
    """Hold what must be past against the first row of the next part."""
    observed: dict[str, Any] = {part: [str(values.min()), str(values.max())] for part, values in older.items()}
    parts, wrong = list(older), {}
    for part, following in pairwise(parts):
        late = int((older[part] >= newer[following].min()).sum())
        if late:
            wrong[f"{part} before {following}"] = late
    without = _without(older)
    if wrong:
        told = ", ".join(f"{count:,} in {pair}" for pair, count in wrong.items())
        return Check(name, "fail", "error", {**observed, **wrong}, None, column, f"{said}: {told}")
    if without:
        observed["without"] = without
        return Check(name, "not_judged", "error", observed, None, column, f"{without} rows have none")
    return Check(name, "pass", "error", observed, None, column)


def _until(name: str, values: Mapping[str, pd.Series[Any]], last: pd.Timestamp, column: str, cutoff: Any) -> Check:
    late = {part: int((column > last).sum()) for part, column in values.items()}
    newest = max(column.max() for column in values.values())
    observed = {"newest": str(newest), **late}
    if any(late.values()):
        told = ", ".join(f"{count:,} in {part}" for part, count in late.items() if count)
        return Check(name, "fail", "error", observed, str(cutoff), column, f"up to {newest}, after {cutoff}: {told}")
    if without := _without(values):
        said = f"{without} have none"
        return Check(name, "not_judged", "error", {**observed, "without": without}, str(cutoff), column, said)
    return Check(name, "pass", "error", observed, str(cutoff), column)


def _without(values: Mapping[str, pd.Series[Any]]) -> int:
    return sum(int(column.isna().sum()) for column in values.values())
