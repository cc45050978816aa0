"""The model's columns, and the binds of the two queries that produce them.

Imported while DAG files are parsed: the standard library only at module level.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from include.churn.calendar import LABEL_HORIZON, WEEK

if TYPE_CHECKING:
    import pandas as pd

KEY = "customer_id"
TARGET = "churned"
NUMERIC = [
    "weekly_price",
    "sessions_7d",
    "minutes_7d",
    "active_days_7d",
    "sessions_previous_7d",
    "support_calls_7d",
    "failed_payments_14d",
    "age",
    "tenure_weeks",
]
CATEGORICAL = ["plan", "segment", "region", "acquisition_channel"]
FEATURES = [*NUMERIC, *CATEGORICAL]
SLICES = ["plan", "segment", "region"]  # a new champion must not be worse in any of them
GROUPS = ["region"]  # fairness: similar proportions of called customers
CALL_THRESHOLD = 0.3  # customers with at least this score are called

SQL = Path(__file__).parent / "sql"
FEATURES_SQL = SQL / "features.sql"
LABELS_SQL = SQL / "labels.sql"


def query_binds(partition: str) -> dict[str, str]:
    """Return the binds of ``features.sql``: the week up to the cut-off and the week before it.

    :param partition: the partition's key, its cut-off as ``YYYY-MM-DD``
    """
    cutoff = date.fromisoformat(partition)
    return {
        "previous_week_start": (cutoff - 2 * WEEK).isoformat(),
        "week_start": (cutoff - WEEK).isoformat(),
        "cutoff": cutoff.isoformat(),
    }


def label_binds(partition: str) -> dict[str, str]:
    """Return the binds of ``labels.sql``: the cut-off and the end (excluded) of the label's horizon.

    :param partition: the partition's key, its cut-off as ``YYYY-MM-DD``
    """
    cutoff = date.fromisoformat(partition)
    return {"cutoff": cutoff.isoformat(), "horizon_end": (cutoff + LABEL_HORIZON).isoformat()}


def with_tenure(frame: pd.DataFrame, partition: str) -> pd.DataFrame:
    """Replace ``subscribed_on`` by ``tenure_weeks``: date subtraction is not portable in SQL.

    :param frame: rows of ``features.sql``; ``subscribed_on`` has dates or ISO strings
    :param partition: the partition's key, its cut-off as ``YYYY-MM-DD``
    :return: a new frame; ``tenure_weeks`` is a float, in weeks from subscription to cut-off
    """
    import pandas as pd

    subscribed_on = pd.to_datetime(frame["subscribed_on"])
    tenure_weeks = (pd.Timestamp(partition) - subscribed_on) / pd.Timedelta(weeks=1)
    return frame.drop(columns="subscribed_on").assign(tenure_weeks=tenure_weeks.astype("float64"))
