"""How far apart partitions are, and which are missing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from airflow_mlops.core.errors import BadInput
from airflow_mlops.store.clock import from_iso


def moment_of(partition: str) -> datetime | None:
    """Give the moment that a partition's key names; ``None`` when it names none."""
    try:
        return from_iso(partition)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Calendar:
    """The partitions of a dataset in their order, which is that of their keys as text: ISO dates and moments sort.

    :param period: from one partition to the next; ``None`` when it is not known: then only those that are known count,
        and none can be missed.
    :param known: the partitions that are known.
    """

    period: timedelta | None = None
    known: frozenset[str] = frozenset()

    def between(self, first: str, last: str) -> int:
        """Count the partitions after ``first`` up to ``last``; 0 when it is not later.

        :raises BadInput: when there is a period and a key is no date.
        """
        if last <= first:
            return 0
        if self.period is None:
            return sum(first < p <= last for p in {*self.known, last})
        return max(0, round((self._moment(last) - self._moment(first)) / self.period))

    def missing(self, first: str, last: str, seen: Iterable[str]) -> list[str]:
        """List the partitions from ``first`` to ``last``, both included, that nothing is known of.

        :param seen: the partitions of which something is known.
        :raises BadInput: when there is a period and a key is no date.
        """
        if last < first:
            return []
        if self.period is None:
            return sorted({p for p in self.known if first <= p <= last} - set(seen))
        start, half = self._moment(first), self.period / 2
        there = [self._moment(partition) for partition in seen]
        expected = [start + number * self.period for number in range(self.between(first, last) + 1)]
        return [_named(e, like=last) for e in expected if not any(abs(e - t) < half for t in there)]

    def _moment(self, partition: str) -> datetime:
        found = moment_of(partition)
        if found is None:
            raise BadInput(
                f"partition {partition!r} is no date, so nobody can say how far it is from another",
                mend="key partitions by ISO dates or moments, or leave period and monthly_budget out of the policy",
            )
        return found


def _named(moment: datetime, *, like: str) -> str:
    """Write a moment as another partition's key is written: a day, or as far as it goes into the day."""
    text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    return text[: min(len(like), len(text))]
