"""How a search goes: what it may choose from, how, how long, and on which rows its trials are judged."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from itertools import pairwise
from math import prod
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from airflow_mlops.core.data.contracts.durations import duration
from airflow_mlops.core.settings import Settings
from airflow_mlops.core.training.tuning.space import Parameter

MOST_TRIALS = 1_000
TRIALS = 20
Method = Literal["grid", "random", "optuna"]
Backend = Literal["processes", "dask", "ray"]


class Iterations(Settings):
    """A keyword of ``build`` that says how long it fits, so that a trial can be given up early.

    :param name: the keyword, such as ``max_iter`` or ``n_estimators``.
    :param steps: a trial is fitted with each in turn, from new; the last one is its score, and what the winner gets.
    """

    name: str = Field(min_length=1)
    steps: tuple[int, ...] = Field(min_length=2, max_length=20)

    @field_validator("steps")
    @classmethod
    def _rising(cls, steps: tuple[int, ...]) -> tuple[int, ...]:
        if steps[0] < 1 or any(b <= a for a, b in pairwise(steps)):
            raise ValueError("the steps have to rise, from 1 or more")
        return steps


class Tuning(Settings):
    """A search for the best parameters.

    :param space: keyword of ``build`` -> a list of values, or a range: ``{low: 0.01, high: 0.3, log: true}``.
    :param method: ``grid`` (every combination), ``random``, or ``optuna`` (a tree of Parzen estimators, TPE, that
        learns from the trials before).
    :param trials: how many; default: all of a grid, 20 otherwise.
    :param seed: of the search and of the folds.
    :param timeout: seconds that trials may take in all attempts together, after which none is begun.
    :param folds: judge by cross-validation within the training rows; default: on the validation rows.
    :param group: the column, or columns, whose equal values have to be in one fold.
    :param time: the column of moments: each fold is judged on what came after all that it was fitted on.
    :param gap: with ``time``: how much older the rows to fit on are than those to judge on, such as ``14d``.
    :param prune: with ``optuna``: give up a trial that is worse than the median of the others at the same fold or step.
    :param iterations: a keyword that says how long a fit takes, and the steps to give up at.
    :param parts: over how many tasks a grid or random search is spread.
    :param part: which of them this is: it takes the trials whose number gives this rest when divided by ``parts``.
    :param backend: runs trials side by side: ``processes`` of this machine, ``dask`` or ``ray``; default: one by one.
    :param jobs: how many at a time; default: one for each processor of the machine or the cluster.
    :param address: of the cluster's scheduler, such as ``tcp://dask:8786`` or ``ray://ray:10001``; default: a cluster
        on this machine, which ends with the search.
    """

    space: dict[str, Parameter] = Field(min_length=1)
    method: Method = "random"
    trials: int | None = Field(default=None, ge=1, le=MOST_TRIALS)
    seed: int = Field(default=0, ge=0, lt=1 << 63)
    timeout: float | None = Field(default=None, gt=0)
    folds: int | None = Field(default=None, ge=2, le=50)
    group: tuple[str, ...] = ()
    time: str | None = None
    gap: str | None = None
    prune: bool = True
    iterations: Iterations | None = None
    parts: int = Field(default=1, ge=1, le=MOST_TRIALS)
    part: int = Field(default=0, ge=0)
    backend: Backend | None = None
    jobs: int | None = Field(default=None, ge=1, le=10_000)
    address: str | None = Field(default=None, min_length=1)

    @field_validator("group", mode="before")
    @classmethod
    def _one_group(cls, group: Any) -> Any:
        return (group,) if isinstance(group, str) else group

    @field_validator("gap")
    @classmethod
    def _span(cls, gap: str | None) -> str | None:
        if gap is not None:
            duration(gap)
        return gap

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if self.folds is None and (self.group or self.time):
            raise ValueError("group and time say how folds are made: give folds, too")
        if self.group and self.time:
            raise ValueError("give group or time, not both")
        if self.gap and not self.time:
            raise ValueError("gap is a distance in time: give time, too")
        if self.iterations and self.iterations.name in self.space:
            raise ValueError(f"{self.iterations.name!r} is in the space and in iterations")
        if self.part >= self.parts:
            raise ValueError(f"part={self.part} is none of {self.parts}: they are numbered from 0")
        self._check_spread()
        self._check_grid()
        return self

    def _check_spread(self) -> None:
        if (self.parts > 1 or self.backend) and self.method == "optuna":
            raise ValueError("optuna learns from all trials before, so it cannot be spread: use random or grid")
        if self.jobs and not self.backend:
            raise ValueError("jobs says how many trials run side by side: give backend, too")
        if self.address and self.backend not in ("dask", "ray"):
            raise ValueError("address is that of a cluster: give backend='dask' or backend='ray', too")

    def _check_grid(self) -> None:
        if self.method != "grid":
            return
        sizes = {}
        for name, parameter in self.space.items():
            try:
                sizes[name] = len(parameter.grid())
            except ValueError as error:
                raise ValueError(f"space.{name}: {error}") from None
        if prod(sizes.values()) > (self.trials or MOST_TRIALS):
            said = " x ".join(f"{name} {size}" for name, size in sizes.items())
            raise ValueError(
                f"the grid has {prod(sizes.values())} points ({said}), more than {self.trials or MOST_TRIALS} trials: "
                "make it smaller, or use random"
            )

    @property
    def numbers(self) -> range:
        """The numbers of the trials that are this part's."""
        if self.method == "grid":
            count = prod(len(parameter.grid()) for parameter in self.space.values())
        else:
            count = self.trials or TRIALS
        return range(self.part, count, self.parts)

    @property
    def distance(self) -> timedelta:
        """The gap as a span of time."""
        return duration(self.gap) if self.gap else timedelta()

    def digest(self, about: Mapping[str, Any]) -> str:
        """Name what makes two trials of one number the same: not how many there are, nor how long they
        may take, nor where they run.

        :param about: what is tuned on which rows.
        """
        own = self.model_dump(mode="json", exclude={"trials", "timeout", "parts", "part", "backend", "jobs", "address"})
        text = json.dumps({**own, "about": about}, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
