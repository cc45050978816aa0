"""Trials: what was tried, and what came of it. They are kept where a killed task does not lose them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.metrics import Metric
from airflow_mlops.store import claims
from airflow_mlops.store.database import Database

State = Literal["complete", "pruned", "failed"]
_KIND = "trial"


@dataclass(frozen=True, slots=True)
class Trial:
    """One set of parameters, tried.

    :param number: from 0 on.
    :param params: keyword of ``build`` -> value, of those that are searched.
    :param state: ``complete``; ``pruned``: given up as worse than others; ``failed``: it raised, or its score is not
        finite.
    :param steps: the score after each fold or step that it came to.
    :param seconds: that it took.
    :param error: why it failed.
    """

    number: int
    params: dict[str, Any]
    state: State
    steps: list[float] = field(default_factory=list)
    seconds: float = 0.0
    error: str | None = None

    @property
    def score(self) -> float | None:
        """The score, or the last one before it was given up."""
        return self.steps[-1] if self.steps and self.state != "failed" else None

    def to_dict(self) -> dict[str, Any]:
        """Give it ready for JSON."""
        return {**asdict(self), "score": self.score}

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Trial:
        """Read what :meth:`to_dict` gave."""
        return cls(**{f.name: value[f.name] for f in fields(cls) if f.name in value})


class Kept:
    """The trials of one study, each once, in the lifecycle store.

    A trial is written when it is over, in one transaction, under the study and its number. What was running when its
    task was killed has left nothing but its number, and is run again; what was over is never run again. Of two
    attempts that come to the same number (a zombie beside its retry) the first has the say, and the other takes it.

    :param database: the lifecycle store.
    :param study: what the study is known by: the task's key, and a digest of all that its trials depend on.
    """

    def __init__(self, database: Database, study: str) -> None:
        self.database, self.study = database, study

    def begin(self, number: int) -> Trial | None:
        """Give a trial of an earlier attempt; ``None`` when it is still to be run. What failed is tried again."""
        found = claims.begin(self.database, _KIND, self._key(number))
        if found is None or not found["finished"]:
            return None
        trial = Trial.from_dict(found)
        return None if trial.state == "failed" else trial

    def keep(self, trial: Trial) -> Trial:
        """Write down a trial that is over; gives what is kept: another attempt's, where that was first."""
        earlier = self.begin(trial.number)
        if earlier is not None:
            return earlier
        claims.note(self.database, _KIND, self._key(trial.number), trial.to_dict(), finished=True)
        return trial

    def _key(self, number: int) -> str:
        return f"{self.study}/{number}"


def best_of(trials: Iterable[Trial], metric: Metric) -> Trial | None:
    """Give the best trial that is complete; of equals the first; ``None`` when there is none."""
    complete = [(trial, trial.score) for trial in trials if trial.state == "complete" and trial.score is not None]
    sign = 1 if metric.direction == "higher" else -1
    return max(complete, key=lambda pair: (sign * pair[1], -pair[0].number), default=(None, 0.0))[0]


def winner(trials: Iterable[Trial], metric: Metric) -> Trial:
    """Give the best trial.

    :raises BadInput: when none is complete.
    """
    tried = list(trials)
    best = best_of(tried, metric)
    if best is None:
        errors = [f"trial {trial.number}: {trial.error}" for trial in tried if trial.error]
        raise BadInput(
            f"none of {len(tried)} trials gave a finite {metric.name}",
            where="; ".join(errors[:3]) or None,
            mend="look at the errors, and at the rows that the trials are judged on",
        )
    return best
