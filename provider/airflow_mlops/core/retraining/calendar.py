"""Order of and distance between the partitions of a dataset."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from airflow_mlops.common.errors import BadInput
from airflow_mlops.store.clock import from_iso


def parse_partition_timestamp(partition: str) -> datetime | None:
    """Return the timestamp that a partition key encodes; ``None`` when the key is not a date."""
    try:
        return from_iso(partition)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class PartitionCalendar:
    """The partitions of a dataset, ordered by their keys as text: ISO dates and timestamps sort chronologically.

    :param period: the time from one partition to the next; ``None`` when unknown: only the partitions in ``known``
        are counted, and none can be missing.
    :param partitions: the registered partitions.
    """

    period: timedelta | None = None
    partitions: frozenset[str] = frozenset()

    def between(self, first: str, last: str) -> int:
        """Count the partitions after ``first`` up to ``last``; 0 when it is not later.

        :raises BadInput: when there is a period and a key is not a date.
        """
        if last <= first:
            return 0
        if self.period is None:
            return sum(first < p <= last for p in {*self.partitions, last})
        return max(0, round((self._timestamp(last) - self._timestamp(first)) / self.period))

    def missing(self, first: str, last: str, recorded: Iterable[str]) -> list[str]:
        """List the partitions from ``first`` to ``last``, both included, that have no record.

        :param recorded: the partitions that have a record.
        :raises BadInput: when there is a period and a key is not a date.
        """
        if last < first:
            return []
        if self.period is None:
            return sorted({p for p in self.partitions if first <= p <= last} - set(recorded))
        first_timestamp, half = self._timestamp(first), self.period / 2
        present = [self._timestamp(partition) for partition in recorded]
        expected = [first_timestamp + number * self.period for number in range(self.between(first, last) + 1)]
        return [_partition_key(t, like=last) for t in expected if not any(abs(t - other) < half for other in present)]

    def _timestamp(self, partition: str) -> datetime:
        timestamp = parse_partition_timestamp(partition)
        if timestamp is None:
            raise BadInput(
                f"partition key {partition!r} is not an ISO date; cannot compute the distance between partitions",
                hint="key partitions by ISO dates or timestamps, or leave period and monthly_budget out of the policy",
            )
        return timestamp


def _partition_key(timestamp: datetime, *, like: str) -> str:
    """Format a timestamp with the precision of another partition's key, such as a day."""
    text = timestamp.strftime("%Y-%m-%dT%H:%M:%S")
    return text[: min(len(like), len(text))]
