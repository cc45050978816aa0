"""Trials and their storage in the lifecycle store, which survives killed tasks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.metrics import Metric
from airflow_mlops.store import claims
from airflow_mlops.store.database import Database

TrialState = Literal["complete", "pruned", "failed"]
_CLAIM_KIND = "trial"


@dataclass(frozen=True, slots=True)
class Trial:
    """One evaluated set of parameters.

    :param number: the trial number, from 0.
    :param params: the searched keywords of ``build`` and their values.
    :param state: ``complete``, ``pruned``, or ``failed`` (it raised, or its score is not finite).
    :param steps: the score after each fold or step that was run.
    :param seconds: the duration.
    :param error: the reason of a failure.
    """

    number: int
    params: dict[str, Any]
    state: TrialState
    steps: list[float] = field(default_factory=list)
    seconds: float = 0.0
    error: str | None = None

    @property
    def score(self) -> float | None:
        """The final score, or the last one before pruning."""
        return self.steps[-1] if self.steps and self.state != "failed" else None

    def to_dict(self) -> dict[str, Any]:
        """Return the trial as a JSON-serialisable dict."""
        return {**asdict(self), "score": self.score}

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Trial:
        """Create a trial from the output of :meth:`to_dict`."""
        return cls(**{f.name: value[f.name] for f in fields(cls) if f.name in value})


class TrialStore:
    """The trials of one study in the lifecycle store.

    A finished trial is written in one transaction, under the study and its number, and is not run again. A trial that
    was running when its task was killed is run again. When two attempts (a zombie and its retry) finish the same
    trial, the first result is used by both.

    :param database: the lifecycle store.
    :param study: identifies the study: the task's key, and a digest of everything its trials depend on.
    """

    def __init__(self, database: Database, study: str) -> None:
        self.database, self.study = database, study

    def find_finished(self, number: int) -> Trial | None:
        """Return the trial of an earlier attempt; ``None`` when it must be run. Failed trials are run again."""
        record = claims.begin(self.database, _CLAIM_KIND, self._key(number))
        if record is None or not record["finished"]:
            return None
        trial = Trial.from_dict(record)
        return None if trial.state == "failed" else trial

    def save(self, trial: Trial) -> Trial:
        """Store a finished trial; return the stored one, which is another attempt's if that was first."""
        earlier = self.find_finished(trial.number)
        if earlier is not None:
            return earlier
        claims.record(self.database, _CLAIM_KIND, self._key(trial.number), trial.to_dict(), finished=True)
        return trial

    def _key(self, number: int) -> str:
        return f"{self.study}/{number}"


def find_best_trial(trials: Iterable[Trial], metric: Metric) -> Trial | None:
    """Return the best complete trial; the first among equals; ``None`` when there is none."""
    complete = [(trial, trial.score) for trial in trials if trial.state == "complete" and trial.score is not None]
    sign = 1 if metric.direction == "higher" else -1
    return max(complete, key=lambda pair: (sign * pair[1], -pair[0].number), default=(None, 0.0))[0]


def select_best_trial(trials: Iterable[Trial], metric: Metric) -> Trial:
    """Return the best trial.

    :raises BadInput: when no trial is complete.
    """
    all_trials = list(trials)
    best = find_best_trial(all_trials, metric)
    if best is None:
        errors = [f"trial {trial.number}: {trial.error}" for trial in all_trials if trial.error]
        raise BadInput(
            f"none of {len(all_trials)} trials gave a finite {metric.name}",
            where="; ".join(errors[:3]) or None,
            hint="check the errors, and the rows that the trials are evaluated on",
        )
    return best
