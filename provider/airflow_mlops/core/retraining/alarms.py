"""Alarms: the monitoring windows of a version aggregated into signals that fire or have recovered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from airflow_mlops.core.retraining.calendar import PartitionCalendar
from airflow_mlops.core.retraining.policy import LABELLED_SIGNALS, SIGNALS, EpisodePolicy, Signal

_VERDICT_ORDER = ("inconclusive", "pass", "warn", "fail")


@dataclass(frozen=True, slots=True)
class WindowRow:
    """A monitoring window.

    :param kind: the signal.
    :param partition: the partition.
    :param verdict: ``pass``, ``warn``, ``fail`` or ``inconclusive``.
    :param broken: the columns that are broken upstream.
    :param report: the id of its report.
    """

    kind: str
    partition: str
    verdict: str
    broken: tuple[str, ...] = ()
    report: str | None = None


@dataclass(frozen=True, slots=True)
class Alarm:
    """A signal with enough failing windows.

    :param change: the first partition of the failing run.
    :param report: the report of that window.
    """

    signal: Signal
    change: str
    report: str | None


@dataclass(frozen=True)
class WindowAlarms:
    """The windows of one version, up to a partition.

    Windows that are inconclusive, or whose partition is broken upstream, are not evidence and are left out. Partitions
    without evidence neither count nor interrupt a run. More than ``max_gap`` of them in a row end the run.

    :param partition: the data's clock.
    :param labelled_until: the clock of signals that need labels.
    """

    policy: EpisodePolicy
    calendar: PartitionCalendar
    windows: Sequence[WindowRow]
    partition: str
    labelled_until: str
    broken: frozenset[str] = field(init=False)
    series: dict[Signal, list[WindowRow]] = field(init=False)

    def __post_init__(self) -> None:
        """Sort the windows by signal."""
        # A backfill decides as the live run did: it ignores labels that were not yet available then.
        available = [w for w in self.windows if w.partition <= self._clock(w.kind)]
        object.__setattr__(self, "broken", frozenset(w.partition for w in available if w.broken))
        series = {signal: _worst_per_partition(w for w in available if w.kind == signal) for signal in SIGNALS}
        object.__setattr__(self, "series", series)

    def _clock(self, kind: str) -> str:
        return self.labelled_until if kind in LABELLED_SIGNALS else self.partition

    def conclusive_windows(self, signal: Signal) -> list[WindowRow]:
        """Return the windows of a signal that are evidence, oldest first, without gaps over ``max_gap``."""
        run: list[WindowRow] = []
        for window in reversed(self.series[signal]):
            if window.verdict == "inconclusive" or window.partition in self.broken:
                continue
            later = run[-1].partition if run else self._clock(signal)
            # The current partition may be without evidence; between two windows both ends have it.
            empty = self.calendar.between(window.partition, later) - (1 if run else 0)
            if empty > self.policy.max_gap:
                break
            run.append(window)
        return run[::-1]

    def alarming(self) -> list[Alarm]:
        """List the acting signals that alarm."""
        alarms = [self._alarm(signal, "fail") for signal in self.policy.acting_signals()]
        return [alarm for alarm in alarms if alarm is not None]

    def notifications(self) -> list[Alarm]:
        """List the alarms of signals that only notify."""
        alarms = []
        for signal in SIGNALS:
            rule = self.policy.rule(signal)
            if rule.fail == "notify":
                alarms.append(self._alarm(signal, "fail"))
            if rule.warn == "notify":
                alarms.append(self._alarm(signal, "warn"))
        return [alarm for alarm in alarms if alarm is not None]

    def _alarm(self, signal: Signal, verdict: str) -> Alarm | None:
        run = self.conclusive_windows(signal)
        last = run[-self.policy.window_count :]
        failing = [w for w in last if w.verdict == verdict]
        if len(failing) < self.policy.consecutive or run[-1].verdict != verdict:
            return None
        at = run.index(failing[0])
        while at > 0 and run[at - 1].verdict == verdict:
            at -= 1
        return Alarm(signal, run[at].partition, run[at].report)

    def recovered(self, since: str) -> bool:
        """Check whether all signals that alarmed since a partition have been quiet for long enough."""
        alarmed = [
            signal
            for signal in self.policy.acting_signals()
            if any(
                w.verdict == "fail" and w.partition >= since and w.partition not in self.broken
                for w in self.series[signal]
            )
        ]
        return all(self._is_quiet(signal, since) for signal in alarmed or self._observed_signals(since))

    def _observed_signals(self, since: str) -> list[Signal]:
        """List the acting signals with windows since then, for when late labels have removed every failure."""
        return [s for s in self.policy.acting_signals() if any(w.partition >= since for w in self.series[s])] or [
            "drift"
        ]

    def _is_quiet(self, signal: Signal, since: str) -> bool:
        last = [w for w in self.conclusive_windows(signal) if w.partition >= since][-self.policy.recovery_windows :]
        return len(last) == self.policy.recovery_windows and all(w.verdict != "fail" for w in last)

    def broken_columns(self) -> tuple[str, ...]:
        """Return the columns that are broken upstream in the newest partition."""
        newest = max((w.partition for w in self.series["drift"]), default=None)
        columns = {c for seen in self.series.values() for w in seen if w.partition == newest for c in w.broken}
        return tuple(sorted(columns))

    def partitions_before(self, partition: str) -> int:
        """Count the partitions before one on which the version was monitored."""
        return len({w.partition for w in self.windows if w.partition < partition})

    def missing_partitions(self) -> list[str]:
        """List the partitions without a drift window, since the first one."""
        drift = [w.partition for w in self.series["drift"]]
        return self.calendar.missing(drift[0], self.partition, drift) if drift else []

    def summary(self) -> str:
        """Summarise how close the nearest signal is to an alarm."""
        counts = {}
        for signal in self.policy.acting_signals():
            last = self.conclusive_windows(signal)[-self.policy.window_count :]
            counts[signal] = sum(w.verdict == "fail" for w in last)
        highest = max(counts.values(), default=0)
        suffix = "" if self.policy.out_of else " in a row"
        return f"{highest} of {self.policy.consecutive} failing windows{suffix}"


def _worst_per_partition(windows: Iterable[WindowRow]) -> list[WindowRow]:
    """Return one window for each partition, in order; of several, the worst."""
    worst: dict[str, WindowRow] = {}
    for window in windows:
        other = worst.get(window.partition)
        if other is None or _severity(window) > _severity(other):
            worst[window.partition] = window
    return [worst[partition] for partition in sorted(worst)]


def _severity(window: WindowRow) -> tuple[int, str]:
    return _VERDICT_ORDER.index(window.verdict), window.report or ""
