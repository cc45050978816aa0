"""What the windows of a version say together: which signals alarm, since when, and which have calmed down."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from airflow_mlops.core.monitoring.calendar import Calendar
from airflow_mlops.core.monitoring.episode_policy import SIGNALS, WITH_LABELS, EpisodePolicy, Signal

_SEVERITY = ("not_judged", "pass", "warn", "fail")


@dataclass(frozen=True, slots=True)
class Seen:
    """A window.

    :param kind: which signal.
    :param partition: of which partition.
    :param verdict: ``pass``, ``warn``, ``fail`` or ``not_judged``.
    :param broken: columns that are broken upstream.
    :param report: its report.
    """

    kind: str
    partition: str
    verdict: str
    broken: tuple[str, ...] = ()
    report: str | None = None


@dataclass(frozen=True, slots=True)
class Alarm:
    """A signal that has failed often enough.

    :param change: the first partition of the failing run.
    :param report: the report of that window.
    """

    signal: Signal
    change: str
    report: str | None


@dataclass(frozen=True)
class Signs:
    """The windows of one version, up to a partition.

    A window that was not judged, or whose partition is broken upstream, is left out: it is no evidence. Partitions
    without evidence neither count nor break a run, unless there are more than ``max_gap`` of them in a row: then what
    was before is another story.

    :param partition: the data's clock.
    :param labelled_until: the clock of signals that need labels.
    """

    policy: EpisodePolicy
    calendar: Calendar
    windows: Sequence[Seen]
    partition: str
    labelled_until: str
    broken: frozenset[str] = field(init=False)
    series: dict[Signal, list[Seen]] = field(init=False)

    def __post_init__(self) -> None:
        """Sort the windows by signal."""
        # Labels that are known today were not when an earlier partition was judged: a backfill decides as it was live.
        there = [w for w in self.windows if w.partition <= self._clock(w.kind)]
        object.__setattr__(self, "broken", frozenset(w.partition for w in there if w.broken))
        series = {signal: _one_each(w for w in there if w.kind == signal) for signal in SIGNALS}
        object.__setattr__(self, "series", series)

    def _clock(self, kind: str) -> str:
        return self.labelled_until if kind in WITH_LABELS else self.partition

    def judged(self, signal: Signal) -> list[Seen]:
        """Give the windows of a signal that are evidence, oldest first, as far back as they hang together."""
        run: list[Seen] = []
        for window in reversed(self.series[signal]):
            if window.verdict == "not_judged" or window.partition in self.broken:
                continue
            later = run[-1].partition if run else self._clock(signal)
            # The clock itself is a place that may be empty; between two windows both ends are taken.
            empty = self.calendar.between(window.partition, later) - (1 if run else 0)
            if empty > self.policy.max_gap:
                break
            run.append(window)
        return run[::-1]

    def alarming(self) -> list[Alarm]:
        """List the acting signals that alarm."""
        found = [self._alarm(signal, "fail") for signal in self.policy.acting()]
        return [alarm for alarm in found if alarm is not None]

    def notable(self) -> list[Alarm]:
        """List the signals that alarm and are for people only."""
        found = []
        for signal in SIGNALS:
            rule = self.policy.rule(signal)
            if rule.fail == "notify":
                found.append(self._alarm(signal, "fail"))
            if rule.warn == "notify":
                found.append(self._alarm(signal, "warn"))
        return [alarm for alarm in found if alarm is not None]

    def _alarm(self, signal: Signal, verdict: str) -> Alarm | None:
        run = self.judged(signal)
        last = run[-self.policy.last :]
        failing = [w for w in last if w.verdict == verdict]
        if len(failing) < self.policy.consecutive or run[-1].verdict != verdict:
            return None
        at = run.index(failing[0])
        while at > 0 and run[at - 1].verdict == verdict:
            at -= 1
        return Alarm(signal, run[at].partition, run[at].report)

    def recovered(self, since: str) -> bool:
        """Say whether all that alarmed since a partition has been quiet for long enough."""
        alarmed = [
            signal
            for signal in self.policy.acting()
            if any(
                w.verdict == "fail" and w.partition >= since and w.partition not in self.broken
                for w in self.series[signal]
            )
        ]
        return all(self._is_quiet(signal, since) for signal in alarmed or self._silent(since))

    def _silent(self, since: str) -> list[Signal]:
        """List all that was judged since, where nothing failed that still counts, such as after late labels."""
        return [s for s in self.policy.acting() if any(w.partition >= since for w in self.series[s])] or ["drift"]

    def _is_quiet(self, signal: Signal, since: str) -> bool:
        last = [w for w in self.judged(signal) if w.partition >= since][-self.policy.quiet :]
        return len(last) == self.policy.quiet and all(w.verdict != "fail" for w in last)

    def broken_now(self) -> tuple[str, ...]:
        """Name what is broken upstream in the newest partition that was looked at."""
        newest = max((w.partition for w in self.series["drift"]), default=None)
        columns = {c for seen in self.series.values() for w in seen if w.partition == newest for c in w.broken}
        return tuple(sorted(columns))

    def served_before(self, partition: str) -> int:
        """Count the partitions that the version was watched on before one."""
        return len({w.partition for w in self.windows if w.partition < partition})

    def missing(self) -> list[str]:
        """List the partitions without a window of drift, since the first there is."""
        drift = [w.partition for w in self.series["drift"]]
        return self.calendar.missing(drift[0], self.partition, drift) if drift else []

    def summary(self) -> str:
        """Say how far the nearest signal is from alarming."""
        counts = {}
        for signal in self.policy.acting():
            last = self.judged(signal)[-self.policy.last :]
            counts[signal] = sum(w.verdict == "fail" for w in last)
        most = max(counts.values(), default=0)
        row = "" if self.policy.out_of else " in a row"
        return f"{most} of {self.policy.consecutive} failing windows{row}"


def _one_each(windows: Iterable[Seen]) -> list[Seen]:
    """Give one window a partition, in order; of two that differ, the worse."""
    found: dict[str, Seen] = {}
    for window in windows:
        other = found.get(window.partition)
        if other is None or _badness(window) > _badness(other):
            found[window.partition] = window
    return [found[partition] for partition in sorted(found)]


def _badness(window: Seen) -> tuple[int, str]:
    return _SEVERITY.index(window.verdict), window.report or ""
