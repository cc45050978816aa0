"""Splits by time, so that a model is evaluated only on rows newer than its training rows.

The newest rows are the test part, the rows before them validation, the oldest training. A gap between the parts keeps
labels that look ahead from reaching into the next part; rows in the gap belong to no part.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.training.splits.parts import GAP, SplitFractions, check_complete

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]


def parse_timestamps(column: pd.Series[Any]) -> pd.Series[Any]:
    """Parse a column of timestamps: datetimes, or text such as ``2026-04-06``, ``2026-04`` or ``2026-04-06T14:00``.

    :returns: naive datetimes in UTC; naive input is assumed to be UTC, as in a snapshot. Missing stays missing.
    :raises BadInput: when the column holds numbers, or text that is not a timestamp.
    """
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column.dtype):
        raise BadInput(
            f"column {column.name!r} is not a column of timestamps; got numbers",
            where=f"such as {column.dropna().head(3).tolist()}",
            hint="convert it to dates in the query, or split by partition",
        )
    try:
        is_datetime = column.dtype.kind == "M"
        return pd.to_datetime(column, format=None if is_datetime else "ISO8601", utc=True).dt.tz_localize(None)
    except (ValueError, TypeError) as error:
        raise BadInput(
            f"column {column.name!r} has text that is not a timestamp",
            where=str(error).splitlines()[0][:200],
            hint="use 2026-04-06 or 2026-04-06T14:00",
        ) from None


@dataclass(frozen=True, slots=True)
class TimeRule:
    """Split by time: test is the end, validation the period before it, training everything older.

    :param time: the column of timestamps. Rows with equal timestamps stay together.
    :param test: the size of the test part: a duration up to the newest row, or a fraction of the rows, 0 to 1.
    :param validation: the size of the validation part before it: a duration, or a fraction of all rows. 0: none.
    :param gap: the time between two parts: each row of a part is older than the first row of the next by more than it.
    """

    time: str
    test: timedelta | float = 0.25
    validation: timedelta | float = 0.15
    gap: timedelta = timedelta()

    def __post_init__(self) -> None:
        """Reject sizes that leave no training rows."""
        fractions = [amount for amount in (self.test, self.validation) if not isinstance(amount, timedelta)]
        if len(fractions) == 2:
            SplitFractions(*fractions)
        elif fractions and not 0 <= fractions[0] < 1:
            raise BadInput(
                f"{fractions[0]} is not a valid fraction",
                hint="use a fraction from 0 to 1, or a duration such as '30d'",
            )
        if not self.test or any(a < timedelta() for a in (self.test, self.validation) if isinstance(a, timedelta)):
            raise BadInput(
                f"test={_format_amount(self.test)}, validation={_format_amount(self.validation)} is not a valid split",
                hint="use durations such as '30d', or fractions above 0",
            )
        if self.gap < timedelta():
            raise BadInput(f"a gap of {self.gap} is not valid", hint="use a duration such as '14d'")

    @property
    def has_validation(self) -> bool:
        """Whether a validation part was requested."""
        return bool(self.validation)

    def assign(self, frame: pd.DataFrame) -> Array:
        """Return the part of each row, :data:`~.parts.GAP` for rows in no part.

        :raises BadInput: when the column is missing, has missing values or does not hold timestamps.
        """
        import numpy as np

        check_complete(frame, self.time)
        times = parse_timestamps(frame[self.time]).to_numpy().astype("datetime64[us]")
        parts = np.full(len(frame), GAP, dtype=object)
        older = np.full(len(frame), True)
        for part, amount in (("test", self.test), ("validation", self.validation)):
            selected = older & (times >= _find_start(times[older], amount, len(frame)))
            parts[selected] = part
            if selected.any():
                older = times < times[selected].min() - np.timedelta64(self.gap)
        parts[older] = "train"
        return parts

    def to_dict(self) -> dict[str, Any]:
        """Return the rule as a JSON-serialisable dict."""
        return {
            "method": "temporal",
            "time": self.time,
            "test": _format_amount(self.test),
            "validation": _format_amount(self.validation),
            "gap": _format_amount(self.gap),
        }


def _find_start(times: Array, amount: timedelta | float, rows: int) -> Any:
    """Return the first timestamp of the last part of some rows; the maximum timestamp when the part is empty.

    :param times: timestamps of the remaining rows.
    :param amount: a duration up to the newest of them, or a fraction.
    :param rows: the number of rows that the fraction refers to.
    """
    import numpy as np

    row_count = 0 if isinstance(amount, timedelta) else round(amount * rows)
    if not len(times) or not (row_count or (amount and isinstance(amount, timedelta))):
        return np.datetime64("9999-12-31", "us")
    if isinstance(amount, timedelta):
        return times.max() - np.timedelta64(amount) + np.timedelta64(1, "us")
    return np.sort(times)[-min(row_count, len(times))]


def _format_amount(amount: timedelta | float) -> float | str:
    return str(amount) if isinstance(amount, timedelta) else float(amount)
