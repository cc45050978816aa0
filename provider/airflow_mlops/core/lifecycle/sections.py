"""Sections of ``lifecycle.yaml``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar, Self

from pydantic import Field, field_validator, model_validator

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.settings import Settings
from airflow_mlops.core.data.contracts.durations import parse_duration
from airflow_mlops.core.data.sources import choose_source

PRESETS = ("@hourly", "@daily", "@weekly", "@monthly", "@quarterly", "@yearly")
IMPORT_PATH = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
DAY = timedelta(days=1)


class SourceSpec(Settings):
    """Source of rows: exactly one of ``source``, ``sql``, ``path`` and ``rows``.

    :param source: a row source of another package: its name or import path, or ``{kind: name, option: value}``.
    :param sql: one SELECT, or the path of a ``.sql`` file, with named bind parameters (``:cutoff``).
    :param conn_id: the connection for ``sql``.
    :param binds: name -> value, with templates; or a function that maps the partition to such a mapping. Default: the
        partition's key as ``:cutoff``.
    :param path: the path or fsspec URI of a CSV or Parquet file, with templates.
    :param rows: a function that takes ``partition=`` and returns one or more frames.
    :param transform: a function ``(frame, partition) -> frame`` that is applied to each chunk of rows.
    """

    source: str | dict[str, Any] | None = None
    sql: str | None = None
    conn_id: str | None = None
    binds: dict[str, Any] | str | None = None
    path: str | None = None
    rows: str | None = None
    transform: str | None = None

    @field_validator("rows", "transform")
    @classmethod
    def _is_import_path(cls, path: str | None) -> str | None:
        return None if path is None else check_import_path(path)

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        try:
            choose_source(self.arguments)
        except BadInput as error:
            raise ValueError(error.what) from None
        return self

    @property
    def arguments(self) -> dict[str, Any]:
        """The parameters of ``IngestDatasetOperator`` that are set."""
        values = {name: getattr(self, name) for name in SourceSpec.model_fields}
        return {name: value for name, value in values.items() if value is not None}


class LabelSourceSpec(SourceSpec):
    """Source of labels, one per key and partition, and their delay.

    :param source: a row source of another package.
    :param sql: one SELECT, or the path of a ``.sql`` file.
    :param conn_id: the connection for ``sql``.
    :param binds: the values of the bind parameters, or a function.
    :param path: the path or URI of a file.
    :param rows: a function that returns the labels of a partition.
    :param transform: a function that is applied to each chunk of rows.
    :param delay: the time between a partition and its labels, such as ``14d``: a multiple of the partition interval.
        ``0d``: labels arrive with the features.
    """

    delay: str

    @field_validator("delay")
    @classmethod
    def _is_duration(cls, delay: str) -> str:
        parse_delay(delay)
        return delay


class SplitSpec(Settings):
    """Split of the rows by the hash of the key.

    :param test: the fraction of rows for the gate.
    :param validation: the fraction of rows for candidate selection.
    :param seed: the seed of the split and of the tuning study.
    """

    test: float = Field(default=0.25, gt=0, lt=1)
    validation: float = Field(default=0.15, gt=0, lt=1)
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _has_training_rows(self) -> Self:
        if self.test + self.validation >= 1:
            raise ValueError(f"test {self.test} and validation {self.validation} leave no training rows")
        return self


class ApprovalSpec(Settings):
    """Manual approval when the gate holds.

    :param days: the timeout in days, after which the challenger is rejected.
    """

    days: float = Field(default=3, gt=0)


class CandidateSpec(Settings):
    """A candidate with its own parameters.

    :param build: the function that returns an unfitted estimator.
    :param name: the candidate's name; default: the function's name.
    :param params: keyword arguments of the function.
    """

    build: str
    name: str | None = None
    params: dict[str, Any] = Field(default_factory=dict)

    @field_validator("build")
    @classmethod
    def _is_import_path(cls, path: str) -> str:
        return check_import_path(path)


class TrainingSpec(Settings):
    """Training, candidate selection and gate.

    :param candidates: functions that return an unfitted estimator.
    :param schedule: the cron schedule of the training; ``null``: only by drift and manual trigger.
    :param on_drift: whether a drift episode triggers a training.
    :param window: the maximum number of labelled partitions.
    :param metric: the selection metric of candidates; it determines the task type. The gate's metric is in the policy.
    :param split: the split of the rows.
    :param tune: the hyperparameter search of each candidate, with arguments of ``TuneModelOperator``, such as
        ``{space: {depth: [2, 4, 8]}, trials: 10}``.
    :param slices: columns whose values define slices for comparing challenger and champion.
    :param groups: columns with protected attributes.
    :param threshold: the score at and above which a row is classified as positive.
    :param self_tests: the module with the team's model tests, such as ``include.churn.self_tests``.
    :param about: the Markdown file with the owners' text for the model card.
    :param approval: the manual approval when the gate holds; ``null``: no approval, the challenger is rejected.
    :param max_parallel_candidates: the maximum number of candidates trained in parallel.
    """

    renamed: ClassVar[Mapping[str, str]] = {"side_by_side": "max_parallel_candidates"}

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
    max_parallel_candidates: int = Field(default=2, ge=1)

    @field_validator("candidates", mode="before")
    @classmethod
    def _to_tuple(cls, candidates: Any) -> Any:
        return (candidates,) if isinstance(candidates, str) else candidates

    @field_validator("candidates")
    @classmethod
    def _are_import_paths(cls, candidates: tuple[str | CandidateSpec, ...]) -> tuple[str | CandidateSpec, ...]:
        for candidate in candidates:
            if isinstance(candidate, str):
                check_import_path(candidate)
        return candidates

    @field_validator("schedule")
    @classmethod
    def _is_cron(cls, schedule: str | None) -> str | None:
        return None if schedule is None else check_schedule(schedule)

    @model_validator(mode="after")
    def _has_search_space(self) -> Self:
        if self.tune is not None and "space" not in self.tune:
            raise ValueError("tune has no space: add the parameters to search and their values")
        return self


class ScoringSpec(Settings):
    """Scoring of each valid partition by the champion at that time.

    :param validate_rows: whether to validate the rows again before scoring, if they may change after the ingest.
    """

    validate_rows: bool = False


class MonitoringSpec(Settings):
    """Monitoring checks. The policy defines drift and the actions.

    :param drift: compare the features with the champion's training data.
    :param predictions: compare the scores with those of the champion's evaluation.
    :param estimate: estimate the performance from the scores, without labels; informative only.
    :param performance: compare the predictions with the labels.
    :param concept: check for concept drift: whether the relation of scores and labels has changed.
    :param episode: let drift open an episode, which requests a retraining.
    """

    drift: bool = True
    predictions: bool = True
    estimate: bool = True
    performance: bool = True
    concept: bool = True
    episode: bool = True

    @property
    def needs_scores(self) -> bool:
        """Whether any enabled check requires scores."""
        return self.predictions or self.estimate or self.performance or self.concept


def check_import_path(path: str) -> str:
    """Check an import path, and return it.

    :raises ValueError: when it is not valid.
    """
    if not IMPORT_PATH.fullmatch(path):
        raise ValueError("is not a valid import path; use, for example, include.churn.model:boosted")
    return path


def check_schedule(cron: str) -> str:
    """Check the form of a cron schedule, and return it.

    :raises ValueError: when it is neither five fields nor a preset.
    """
    if cron not in PRESETS and len(cron.split()) != 5:
        raise ValueError(f"is not a valid schedule; use five fields such as '0 0 * * 1' or one of {', '.join(PRESETS)}")
    return cron


def parse_delay(text: str) -> timedelta:
    """Parse a duration, which may be zero: ``0d``.

    :raises ValueError: when it is not valid.
    """
    return timedelta() if re.fullmatch(r"0[wdhms]?", text.strip()) else parse_duration(text)


def is_whole_days(delay: timedelta) -> bool:
    """Check whether a duration is a multiple of one day."""
    return not delay % DAY
