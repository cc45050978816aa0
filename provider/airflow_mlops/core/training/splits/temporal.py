"""Splits by time: a model is judged on what came after all that it has learned from.

The test part is the end, validation is what comes before it, training is the beginning. With a gap between them, a
label that looks ahead from one part cannot reach into the next; the rows in the gap belong to no part.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.training.splits.parts import GAP, Shares, complete

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]


def moments(column: pd.Series[Any]) -> pd.Series[Any]:
    """Read a column of moments: datetimes, or text such as ``2026-04-06``, ``2026-04`` or ``2026-04-06T14:00``.

    :returns: datetimes without a zone, in UTC: what had none is taken for it, as in a snapshot. Missing stays missing.
    :raises BadInput: when it holds numbers, or text that is no moment.
    """
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column.dtype):
        raise BadInput(
            f"column {column.name!r} holds numbers, not moments",
            where=f"such as {column.dropna().head(3).tolist()}",
            mend="make dates of it in the query, or split by partition",
        )
    try:
        known = column.dtype.kind == "M"
        return pd.to_datetime(column, format=None if known else "ISO8601", utc=True).dt.tz_localize(None)
    except (ValueError, TypeError) as error:
        raise BadInput(
            f"column {column.name!r} holds text that is no moment",
            where=str(error).splitlines()[0][:200],
            mend="write 2026-04-06 or 2026-04-06T14:00",
        ) from None


@dataclass(frozen=True, slots=True)
class TimeRule:
    """Split by time: test is the end, validation the time before it, training all that is older.

    :param time: the column of moments. Rows of one moment are never torn apart.
    :param test: how much is the test part: a span of time up to the newest row, or a share of the rows, 0 to 1.
    :param validation: how much before it is the validation part, in the same way; a share is one of all rows. 0: none.
    :param gap: the time between two parts: each row of a part is older than the first row of the next by more.
    """

    time: str
    test: timedelta | float = 0.25
    validation: timedelta | float = 0.15
    gap: timedelta = timedelta()

    def __post_init__(self) -> None:
        """Refuse amounts that leave nothing to train on."""
        shares = [amount for amount in (self.test, self.validation) if not isinstance(amount, timedelta)]
        if len(shares) == 2:
            Shares(*shares)
        elif shares and not 0 <= shares[0] < 1:
            raise BadInput(f"a share of {shares[0]} is none", mend="give a share from 0 to 1, or a span such as '30d'")
        if not self.test or any(a < timedelta() for a in (self.test, self.validation) if isinstance(a, timedelta)):
            raise BadInput(
                f"test={_told(self.test)}, validation={_told(self.validation)} is no split",
                mend="give spans of time such as '30d', or shares above 0",
            )
        if self.gap < timedelta():
            raise BadInput(f"a gap of {self.gap} is none", mend="give a span of time such as '14d'")

    @property
    def wants_validation(self) -> bool:
        """Whether a validation part was asked for."""
        return bool(self.validation)

    def assign(self, frame: pd.DataFrame) -> Array:
        """Give the part of each row, :data:`~.parts.GAP` where it belongs to none.

        :raises BadInput: when the column is missing, has missing values or holds no moments.
        """
        import numpy as np

        complete(frame, self.time)
        times = moments(frame[self.time]).to_numpy().astype("datetime64[us]")
        parts = np.full(len(frame), GAP, dtype=object)
        older = np.full(len(frame), True)
        for part, amount in (("test", self.test), ("validation", self.validation)):
            taken = older & (times >= _start(times[older], amount, len(frame)))
            parts[taken] = part
            if taken.any():
                older = times < times[taken].min() - np.timedelta64(self.gap)
        parts[older] = "train"
        return parts

    def to_dict(self) -> dict[str, Any]:
        """Give the rule, ready for JSON."""
        return {
            "how": "temporal",
            "time": self.time,
            "test": _told(self.test),
            "validation": _told(self.validation),
            "gap": _told(self.gap),
        }


def _start(times: Array, amount: timedelta | float, rows: int) -> Any:
    """Give the first moment of the last part of some rows; the end of time where it would have none.

    :param times: the rows that are left.
    :param amount: a span up to the newest of them, or a share.
    :param rows: what it is a share of.
    """
    import numpy as np

    wanted = 0 if isinstance(amount, timedelta) else round(amount * rows)
    if not len(times) or not (wanted or (amount and isinstance(amount, timedelta))):
        return np.datetime64("9999-12-31", "us")
    if isinstance(amount, timedelta):
        return times.max() - np.timedelta64(amount) + np.timedelta64(1, "us")
    return np.sort(times)[-min(wanted, len(times))]


def _told(amount: timedelta | float) -> float | str:
    return str(amount) if isinstance(amount, timedelta) else float(amount)
