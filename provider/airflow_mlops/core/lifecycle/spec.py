"""Top level of ``lifecycle.yaml``: a model's lifecycle in one file.

It is loaded at DAG parsing, so it imports no heavy library and opens no other file. The files and functions that it
references are checked by :func:`~airflow_mlops.core.lifecycle.validation.check`.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from airflow_mlops.common.settings import Settings
from airflow_mlops.core.lifecycle.sections import (
    LabelSourceSpec,
    MonitoringSpec,
    ScoringSpec,
    SourceSpec,
    TrainingSpec,
    check_schedule,
    is_whole_days,
    parse_delay,
)

NAME_PATTERN = r"^[a-z][a-z0-9_]{0,79}$"


class Lifecycle(Settings):
    """A model's lifecycle: its data, training, scoring and monitoring.

    File paths are relative to the bundle's root; functions are import paths such as ``include.churn.model:boosted``.

    :param model: the registered model's name: lower-case letters, digits and underscores. It prefixes DAGs, datasets
        and assets: ``churn_features``, ``churn_training``.
    :param key: the column that identifies the entity of a row, unique within a partition. The split hashes it, so an
        entity stays in its part.
    :param target: the label column.
    :param start: the date of the first partition.
    :param end: the date of the last partition; default: none.
    :param schedule: when a partition is complete: five cron fields, such as ``0 0 * * 1`` for each Monday.
    :param timezone: the time zone of the schedule.
    :param key_format: the ``strftime`` format of partition keys; their text order has to be chronological.
    :param features: the source of the feature rows, one row per key and partition.
    :param labels: the source of the labels, and their delay.
    :param contract: the contract of the rows; default: ``include/<model>/contract.yaml``.
    :param environment: the contract's environment of unlabelled rows; ``null``: none.
    :param policy: the team's requirements; default: ``include/<model>/policy.yaml``.
    :param training: the training DAG; ``null``: no such DAG.
    :param scoring: the scoring DAG; ``null``: no such DAG.
    :param monitoring: the monitoring DAG; ``null``: no such DAG.
    :param owner: the owner of the DAGs; default: ``<model>-team``.
    :param tags: additional tags of the DAGs.
    :param retries: the number of retries of a task. Invalid input and guard rejections fail without a retry.
    :param retry_seconds: the delay before a retry, in seconds.
    :param trusted_types: project types that the models may contain.
    :param webhook_conn_id: the HTTP connection of a chat webhook that receives decisions and drift.
    :param notify: another notifier of decisions and drift: its name or import path, or ``{kind: name, option: value}``.
    """

    model: str = Field(pattern=NAME_PATTERN)
    key: str = Field(min_length=1)
    target: str = Field(min_length=1)
    start: date
    end: date | None = None
    schedule: str = "0 0 * * 1"
    timezone: str = "UTC"
    key_format: str = "%Y-%m-%d"
    features: SourceSpec
    labels: LabelSourceSpec
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
    notify: str | dict[str, Any] | None = None

    @field_validator("schedule")
    @classmethod
    def _is_cron(cls, schedule: str) -> str:
        return check_schedule(schedule)

    @field_validator("key_format")
    @classmethod
    def _is_chronological(cls, key_format: str) -> str:
        if not key_format.startswith("%Y-%m-%d"):
            raise ValueError("keys have to begin with %Y-%m-%d, so that their text order is chronological")
        return key_format

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.end is not None and self.end < self.start:
            raise ValueError(f"end {self.end} is before start {self.start}")
        if self.notify is not None and self.webhook_conn_id is not None:
            raise ValueError("webhook_conn_id and notify are both set: make webhook_conn_id an option of notify")
        if self.key == self.target:
            raise ValueError(f"key and target are the same column {self.key!r}")
        if not is_whole_days(self.label_delay) and "%H" not in self.key_format:
            raise ValueError(
                f"labels.delay {self.labels.delay} is not a number of days, but keys are days: add %H to key_format"
            )
        if self.monitoring is not None and self.scoring is None and self.monitoring.needs_scores:
            raise ValueError(
                "monitoring requires scores, but scoring is null: set all of its keys but drift and episode to false"
            )
        return self

    @property
    def label_delay(self) -> timedelta:
        """The delay between a partition and its labels."""
        return parse_delay(self.labels.delay)

    @property
    def contract_file(self) -> str:
        """The path of the contract."""
        return self.contract or f"include/{self.model}/contract.yaml"

    @property
    def policy_file(self) -> str:
        """The path of the policy."""
        return self.policy or f"include/{self.model}/policy.yaml"

    def dataset(self, role: str) -> str:
        """Return the name of a dataset, an asset or a DAG of the model.

        :param role: its role, such as ``features``.
        """
        return f"{self.model}_{role}"
