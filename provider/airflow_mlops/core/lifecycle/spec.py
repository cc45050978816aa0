"""``lifecycle.yaml``: a model's lifecycle in one file.

Read while DAG files are parsed: nothing that is heavy is imported here, and no other file is opened. Whether what the
file names is there is :func:`~airflow_mlops.core.lifecycle.check.check`'s to say.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Self

from pydantic import Field, field_validator, model_validator

from airflow_mlops.core.lifecycle.steps import (
    Labels,
    MonitoringSpec,
    ScoringSpec,
    Source,
    TrainingSpec,
    a_schedule,
    span,
    whole_days,
)
from airflow_mlops.core.settings import Settings

NAME = r"^[a-z][a-z0-9_]{0,79}$"


class Lifecycle(Settings):
    """A model's lifecycle: its data, and how it is trained, used and watched.

    Files are named from the bundle's root, functions as ``include.churn.model:boosted``.

    :param model: the registered model's name: small letters, digits and underscores. DAGs, datasets and assets are
        named after it: ``churn_features``, ``churn_training``.
    :param key: the column that says whom or what a row is about, unique within a partition. The split goes by it: who
        is in the test part stays there.
    :param target: the label's column.
    :param start: the day of the first partition.
    :param end: the day of the last one; none: it goes on.
    :param schedule: when a partition is complete: five fields of cron, such as ``0 0 * * 1`` for each Monday.
    :param timezone: in which the schedule is meant.
    :param key_format: how a partition's moment is written as its key; sorted as text, keys have to be in order of time.
    :param features: where the rows that are scored come from, one a key and partition.
    :param labels: where labels come from, and when.
    :param contract: what the rows promise; default: ``include/<model>/contract.yaml``.
    :param environment: the contract's environment of rows that have no label yet; ``null``: there is none.
    :param policy: what the team demands; default: ``include/<model>/policy.yaml``.
    :param training: how it is trained; ``null``: elsewhere.
    :param scoring: how it is used; ``null``: elsewhere.
    :param monitoring: how it is watched; ``null``: elsewhere.
    :param owner: who is asked about the DAGs; default: ``<model>-team``.
    :param tags: tags of the DAGs beside the model's name.
    :param retries: how often a task is tried again. Bad input and refusals are not: they fail at once.
    :param retry_seconds: how long to wait before that.
    :param trusted_types: the project's own types that the models may contain.
    :param webhook_conn_id: an HTTP connection that decisions and drift are told to, as chat tools take it.
    """

    model: str = Field(pattern=NAME)
    key: str = Field(min_length=1)
    target: str = Field(min_length=1)
    start: date
    end: date | None = None
    schedule: str = "0 0 * * 1"
    timezone: str = "UTC"
    key_format: str = "%Y-%m-%d"
    features: Source
    labels: Labels
    contract: str | None = None
    environment: str | None = "serving"
    policy: str | None = None
    training: TrainingSpec | None
    scoring: ScoringSpec | None = ScoringSpec()
    monitoring: MonitoringSpec | None = MonitoringSpec()
    owner: str | None = None
    tags: tuple[str, ...] = ()
    retries: int = Field(default=2, ge=0, le=100)
    retry_seconds: int = Field(default=10, ge=0)
    trusted_types: tuple[str, ...] = ()
    webhook_conn_id: str | None = None

    @field_validator("schedule")
    @classmethod
    def _is_cron(cls, schedule: str) -> str:
        return a_schedule(schedule)

    @field_validator("key_format")
    @classmethod
    def _sorts(cls, key_format: str) -> str:
        if not key_format.startswith("%Y-%m-%d"):
            raise ValueError("keys have to begin with %Y-%m-%d, so that they sort in order of time and can be read")
        return key_format

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.end is not None and self.end < self.start:
            raise ValueError(f"end {self.end} is before start {self.start}")
        if self.key == self.target:
            raise ValueError(f"key and target are the same column {self.key!r}")
        if not whole_days(self.label_delay) and "%H" not in self.key_format:
            raise ValueError(
                f"labels.delay {self.labels.delay} is no number of days, and keys are days: name the hour in key_format"
            )
        if self.monitoring is not None and self.scoring is None and self.monitoring.needs_scores:
            raise ValueError(
                "monitoring looks at scores, and scoring is null: set all of it but drift and episode to false"
            )
        return self

    @property
    def label_delay(self) -> timedelta:
        """How long after its partition a label is known."""
        return span(self.labels.delay)

    @property
    def contract_file(self) -> str:
        """Where the contract is."""
        return self.contract or f"include/{self.model}/contract.yaml"

    @property
    def policy_file(self) -> str:
        """Where the policy is."""
        return self.policy or f"include/{self.model}/policy.yaml"

    def dataset(self, of: str) -> str:
        """Name a dataset, an asset or a DAG of the model.

        :param of: such as ``features``.
        """
        return f"{self.model}_{of}"
