"""Settings of a hyperparameter search."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from itertools import pairwise
from math import prod
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from airflow_mlops.common.settings import Settings
from airflow_mlops.core.data.contracts.durations import parse_duration
from airflow_mlops.core.training.tuning.space import SearchParameter

MAX_TRIALS = 1_000
DEFAULT_TRIALS = 20
SearchMethod = Literal["grid", "random", "optuna"]
SearchBackend = Literal["processes", "dask", "ray"]


class Iterations(Settings):
    """A keyword of ``build`` that sets the training length, so that a trial can be pruned early.

    :param name: the keyword, such as ``max_iter`` or ``n_estimators``.
    :param steps: a trial is fitted from scratch with each in turn; the last one gives its score and is used to refit.
    """

    name: str = Field(min_length=1)
    steps: tuple[int, ...] = Field(min_length=2, max_length=20)

    @field_validator("steps")
    @classmethod
    def _check_rising(cls, steps: tuple[int, ...]) -> tuple[int, ...]:
        if steps[0] < 1 or any(b <= a for a, b in pairwise(steps)):
            raise ValueError("steps must be increasing, starting at 1 or more")
        return steps


class Tuning(Settings):
    """The settings of a search for the best parameters.

    :param space: keyword of ``build`` -> a list of values, or a range: ``{low: 0.01, high: 0.3, log: true}``.
    :param method: ``grid`` (every combination), ``random``, or ``optuna`` (the tree-structured Parzen estimator, TPE,
        which learns from earlier trials).
    :param trials: the number of trials; default: the whole grid, or 20.
    :param seed: the seed of the search and of the folds.
    :param timeout: total seconds for trials over all attempts, after which none is started.
    :param folds: score by cross-validation with this many folds; default: score on the validation rows.
    :param group: the column, or columns, whose equal values must be in one fold.
    :param time: the column of timestamps: each fold is evaluated on rows newer than all it was fitted on.
    :param gap: with ``time``: how much older the rows to fit on must be than those to evaluate on, such as ``14d``.
    :param prune: with ``optuna``: prune a trial that is worse than the median of the others at the same fold or step.
    :param iterations: a keyword that sets the training length, and the steps at which a trial can be pruned.
    :param parts: the number of tasks that share a grid or random search.
    :param part: the number of this task, from 0: it runs the trials with ``number % parts == part``.
    :param backend: runs trials in parallel: ``processes`` of this machine, ``dask`` or ``ray``; default: sequentially.
    :param jobs: the number of parallel trials; default: one per processor of the machine or the cluster.
    :param address: the cluster's scheduler, such as ``tcp://dask:8786`` or ``ray://ray:10001``; default: a local
        cluster, which ends with the search.
    """

    space: dict[str, SearchParameter] = Field(min_length=1)
    method: SearchMethod = "random"
    trials: int | None = Field(default=None, ge=1, le=MAX_TRIALS)
    seed: int = Field(default=0, ge=0, lt=1 << 63)
    timeout: float | None = Field(default=None, gt=0)
    folds: int | None = Field(default=None, ge=2, le=50)
    group: tuple[str, ...] = ()
    time: str | None = None
    gap: str | None = None
    prune: bool = True
    iterations: Iterations | None = None
    parts: int = Field(default=1, ge=1, le=MAX_TRIALS)
    part: int = Field(default=0, ge=0)
    backend: SearchBackend | None = None
    jobs: int | None = Field(default=None, ge=1, le=10_000)
    address: str | None = Field(default=None, min_length=1)

    @field_validator("group", mode="before")
    @classmethod
    def _to_tuple(cls, group: Any) -> Any:
        return (group,) if isinstance(group, str) else group

    @field_validator("gap")
    @classmethod
    def _check_gap(cls, gap: str | None) -> str | None:
        if gap is not None:
            parse_duration(gap)
        return gap

    @model_validator(mode="after")
    def _check_combinations(self) -> Self:
        if self.folds is None and (self.group or self.time):
            raise ValueError("group and time require folds")
        if self.group and self.time:
            raise ValueError("group and time exclude each other")
        if self.gap and not self.time:
            raise ValueError("gap requires time")
        if self.iterations and self.iterations.name in self.space:
            raise ValueError(f"{self.iterations.name!r} is both in space and in iterations")
        if self.part >= self.parts:
            raise ValueError(f"part={self.part} is not valid: parts are numbered 0 to {self.parts - 1}")
        self._check_parallel()
        self._check_grid()
        return self

    def _check_parallel(self) -> None:
        if (self.parts > 1 or self.backend) and self.method == "optuna":
            raise ValueError("optuna learns from earlier trials, so it cannot run in parallel: use random or grid")
        if self.jobs and not self.backend:
            raise ValueError("jobs requires backend")
        if self.address and self.backend not in ("dask", "ray"):
            raise ValueError("address requires backend='dask' or backend='ray'")

    def _check_grid(self) -> None:
        if self.method != "grid":
            return
        sizes = {}
        for name, parameter in self.space.items():
            try:
                sizes[name] = len(parameter.grid())
            except ValueError as error:
                raise ValueError(f"space.{name}: {error}") from None
        if prod(sizes.values()) > (self.trials or MAX_TRIALS):
            sizes_text = " x ".join(f"{name} {size}" for name, size in sizes.items())
            raise ValueError(
                f"the grid has {prod(sizes.values())} points ({sizes_text}), "
                f"more than {self.trials or MAX_TRIALS} trials: reduce it, or use random"
            )

    @property
    def trial_numbers(self) -> range:
        """The numbers of this part's trials."""
        if self.method == "grid":
            count = prod(len(parameter.grid()) for parameter in self.space.values())
        else:
            count = self.trials or DEFAULT_TRIALS
        return range(self.part, count, self.parts)

    @property
    def gap_duration(self) -> timedelta:
        """The gap as a duration."""
        return parse_duration(self.gap) if self.gap else timedelta()

    def digest(self, subject: Mapping[str, Any]) -> str:
        """Return a digest of all settings that affect a trial's result: not the number of trials, the timeout or the
        backend.

        :param subject: identifies the candidate and its rows.
        """
        settings = self.model_dump(
            mode="json", exclude={"trials", "timeout", "parts", "part", "backend", "jobs", "address"}
        )
        text = json.dumps({**settings, "about": subject}, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
