"""The sections of ``lifecycle.yaml``."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from airflow_mlops.core.data.contracts.durations import duration
from airflow_mlops.core.settings import Settings

PRESETS = ("@hourly", "@daily", "@weekly", "@monthly", "@quarterly", "@yearly")
IMPORT_PATH = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
DAY = timedelta(days=1)


class Source(Settings):
    """Where rows come from: exactly one of ``sql``, ``path`` and ``rows``.

    :param sql: one SELECT, or the path of a ``.sql`` file; values come in as named binds (``:cutoff``).
    :param conn_id: the connection that ``sql`` runs on.
    :param binds: name -> value, where templates may be used; or a function from the partition to such a mapping.
        Default: the partition's key as ``:cutoff``.
    :param path: a CSV or Parquet file: a path or an fsspec URI, where templates may be used.
    :param rows: a function that gives a frame or frames for ``partition=``.
    :param transform: a function ``(frame, partition) -> frame`` through which each part of the rows goes.
    """

    sql: str | None = None
    conn_id: str | None = None
    binds: dict[str, Any] | str | None = None
    path: str | None = None
    rows: str | None = None
    transform: str | None = None

    @field_validator("rows", "transform")
    @classmethod
    def _names_a_function(cls, path: str | None) -> str | None:
        return None if path is None else a_function(path)

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        given = [name for name in ("sql", "path", "rows") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"exactly one of sql, path and rows says where rows come from; given: {given or 'none'}")
        if (self.sql is None) != (self.conn_id is None):
            raise ValueError("sql and conn_id go together: the query, and the connection that it runs on")
        if self.binds is not None and self.sql is None:
            raise ValueError("binds are the values of sql")
        return self


class Labels(Source):
    """Where labels come from, one a key and partition, and when they are known.

    :param sql: as for features, as are the next five.
    :param conn_id: the connection.
    :param binds: values, or a function.
    :param path: a file.
    :param rows: a function.
    :param transform: a function.
    :param delay: how long after its partition a label is known, such as ``14d``: a whole number of partitions. ``0d``:
        it comes with the features.
    """

    delay: str

    @field_validator("delay")
    @classmethod
    def _is_a_span(cls, delay: str) -> str:
        span(delay)
        return delay


class SplitSpec(Settings):
    """How the rows are divided, by the hash of the key.

    :param test: the share of rows for the gate.
    :param validation: the share of rows to choose candidates on.
    :param seed: another seed gives another split, and another study.
    """

    test: float = Field(default=0.25, gt=0, lt=1)
    validation: float = Field(default=0.15, gt=0, lt=1)
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _leaves_rows(self) -> Self:
        if self.test + self.validation >= 1:
            raise ValueError(f"test {self.test} and validation {self.validation} leave nothing to train on")
        return self


class ApprovalSpec(Settings):
    """Who is asked when the gate holds, and for how long.

    :param days: without an answer it is rejected after so many days.
    """

    days: float = Field(default=3, gt=0)


class CandidateSpec(Settings):
    """A candidate with parameters of its own.

    :param build: the function that returns an unfitted estimator.
    :param name: what to call it; default: the function's name.
    :param params: keywords for the function.
    """

    build: str
    name: str | None = None
    params: dict[str, Any] = Field(default_factory=dict)

    @field_validator("build")
    @classmethod
    def _names_a_function(cls, path: str) -> str:
        return a_function(path)


class TrainingSpec(Settings):
    """How the model is trained and decided on.

    :param candidates: functions that return an unfitted estimator, trained side by side.
    :param schedule: when it is trained whatever happens, as cron; ``null``: only by drift and by hand.
    :param on_drift: whether a drift episode starts a training.
    :param window: at most so many labelled partitions.
    :param metric: the figure that candidates are chosen by; it fixes the task. The gate's is in the policy.
    :param split: how the rows are divided.
    :param tune: a search for each candidate's parameters, with the keywords of ``TuneModelOperator``, such as
        ``{space: {depth: [2, 4, 8]}, trials: 10}``.
    :param slices: columns in whose values the challenger is compared with the champion.
    :param groups: columns with protected attributes.
    :param threshold: the score from which on a row is decided positive.
    :param self_tests: the module with the team's own tests, such as ``include.churn.self_tests``.
    :param about: what the owners say of the model, for its card: a Markdown file.
    :param approval: who is asked when the gate holds; ``null``: nobody, and it is rejected.
    :param side_by_side: how many candidates are trained at once.
    """

    candidates: tuple[str | CandidateSpec, ...] = Field(min_length=1)
    schedule: str | None = "0 0 1 * *"
    on_drift: bool = True
    window: int = Field(default=12, ge=1)
    metric: str = "roc_auc"
    split: SplitSpec = SplitSpec()
    tune: dict[str, Any] | None = None
    slices: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    threshold: float = 0.5
    self_tests: str | None = None
    about: str | None = None
    approval: ApprovalSpec | None = ApprovalSpec()
    side_by_side: int = Field(default=2, ge=1)

    @field_validator("candidates", mode="before")
    @classmethod
    def _one_or_many(cls, candidates: Any) -> Any:
        return (candidates,) if isinstance(candidates, str) else candidates

    @field_validator("candidates")
    @classmethod
    def _name_functions(cls, candidates: tuple[str | CandidateSpec, ...]) -> tuple[str | CandidateSpec, ...]:
        for candidate in candidates:
            if isinstance(candidate, str):
                a_function(candidate)
        return candidates

    @field_validator("schedule")
    @classmethod
    def _is_cron(cls, schedule: str | None) -> str | None:
        return None if schedule is None else a_schedule(schedule)

    @model_validator(mode="after")
    def _search_has_a_space(self) -> Self:
        if self.tune is not None and "space" not in self.tune:
            raise ValueError("tune has no space: say which parameters are searched, and where")
        return self


class ScoringSpec(Settings):
    """How rows are scored: each partition, once it has kept its contract, by the champion of its time.

    :param validate_rows: hold the rows against the contract once more, for rows that others may change meanwhile.
    """

    validate_rows: bool = False


class MonitoringSpec(Settings):
    """What is watched. What counts as drift, and what follows, is in the policy.

    :param drift: the features, against those that the champion was trained on.
    :param predictions: the scores, against those of its evaluation.
    :param estimate: what the scores are probably worth, before any label has come; it tells and decides nothing.
    :param performance: the predictions, against labels that have come.
    :param concept: whether the same scores still mean the same labels.
    :param episode: whether drift opens an episode, which asks for a retraining.
    """

    drift: bool = True
    predictions: bool = True
    estimate: bool = True
    performance: bool = True
    concept: bool = True
    episode: bool = True

    @property
    def needs_scores(self) -> bool:
        """Whether anything that is watched is about scores."""
        return self.predictions or self.estimate or self.performance or self.concept


def a_function(path: str) -> str:
    """Give an import path, if it is one.

    :raises ValueError: when it is none.
    """
    if not IMPORT_PATH.fullmatch(path):
        raise ValueError("is no import path of a function; write for example include.churn.model:boosted")
    return path


def a_schedule(cron: str) -> str:
    """Give a schedule, if it looks like one.

    :raises ValueError: when it is neither five fields nor a preset.
    """
    if cron not in PRESETS and len(cron.split()) != 5:
        raise ValueError(f"is no schedule; write five fields, such as '0 0 * * 1', or one of {', '.join(PRESETS)}")
    return cron


def span(text: str) -> timedelta:
    """Read a span of time, which may be none: ``0d``.

    :raises ValueError: when it is not one.
    """
    return timedelta() if re.fullmatch(r"0[wdhms]?", text.strip()) else duration(text)


def whole_days(delay: timedelta) -> bool:
    """Say whether a span is a number of whole days."""
    return not delay % DAY
