"""Policy of drift episodes: what opens an episode, the action it requests, and how often."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from airflow_mlops.common.settings import Settings
from airflow_mlops.core.data.contracts.durations import parse_duration
from airflow_mlops.core.retraining.candidates import StartFrom

Signal = Literal["drift", "prediction_drift", "concept_drift", "performance", "performance_estimate"]
SignalAction = Literal["ignore", "notify", "retrain", "roll_back"]
SIGNALS: tuple[Signal, ...] = ("drift", "prediction_drift", "concept_drift", "performance", "performance_estimate")
LABELLED_SIGNALS = frozenset({"concept_drift", "performance"})
EPISODE_ACTIONS = frozenset({"retrain", "roll_back"})


class SignalRule(Settings):
    """The action for a kind of window, by severity.

    :param fail: the action for failed windows: ``ignore``, ``notify``, ``retrain`` or ``roll_back``. ``roll_back``
        returns to the previous champion if the alarm began soon after its promotion, and retrains otherwise.
    :param warn: the action for windows that warn: ``ignore`` or ``notify``.
    """

    fail: SignalAction = "retrain"
    warn: Literal["ignore", "notify"] = "ignore"


class RetrainingPolicy(Settings):
    """The data and the candidates of a retraining.

    :param data: ``change``: the rows since the change; ``window``: the newest partitions, regardless of the change.
    :param window: the maximum number of labelled partitions; with ``change``, unlimited by default.
    :param start_from: ``candidates``: those of the training DAG; ``champion``: only the champion's own configuration;
        ``tuning``: a new search over the candidates that have a space. Falls back to ``candidates``.
    """

    data: Literal["change", "window"] = "change"
    window: int | None = Field(default=None, ge=1)
    start_from: StartFrom = "candidates"

    @model_validator(mode="after")
    def _check_window(self) -> Self:
        if self.data == "window" and self.window is None:
            raise ValueError("data: window requires window, the number of partitions")
        return self


class EpisodePolicy(Settings):
    """The episode section of ``policy.yaml``.

    :param consecutive: the number of failing windows that open an episode.
    :param out_of: ... among this many of the last conclusive windows; default: consecutive ones.
    :param period: the time between partitions, such as ``7d``. Required to detect partitions without a window.
    :param max_gap: the number of partitions in a row that may be missing, broken or inconclusive. After a longer gap,
        earlier windows no longer count. Such partitions count neither as failing nor as quiet.
    :param recovery_windows: an open episode without a request closes after this many quiet windows of the signals that
        opened it.
    :param min_labelled_rows: the number of labelled rows since the change that triggers the retraining.
    :param cool_down: the number of partitions after a request before another episode may open.
    :param monthly_budget: the maximum number of requested retrainings within 31 days of the data's clock.
    :param max_attempts: the number of technical failures of a retraining after which a person must act.
    :param lease: a run that has not ended this many partitions after the request counts as lost, and the episode is
        requested again. Should it still be running, the ledger's compare-and-set lets only one promote.
    :param signals: the rule for each kind of window: a :class:`SignalRule`, or as a shorthand the action for failures.
        Kinds that are not listed keep their defaults.
    :param roll_back_within: an alarm within this many partitions of a promotion is attributed to the promotion.
    :param retraining: the data and the candidates of a retraining.
    """

    renamed: ClassVar[Mapping[str, str]] = {"quiet": "recovery_windows"}

    consecutive: int = Field(default=1, ge=1)
    out_of: int | None = Field(default=None, ge=1)
    period: str | None = None
    max_gap: int = Field(default=3, ge=0)
    recovery_windows: int = Field(default=3, ge=1)
    min_labelled_rows: int = Field(default=1000, ge=1)
    cool_down: int = Field(default=4, ge=0)
    monthly_budget: int | None = Field(default=None, ge=1)
    max_attempts: int = Field(default=3, ge=1)
    lease: int = Field(default=4, ge=1)
    signals: Mapping[Signal, SignalRule] = Field(default_factory=dict)
    roll_back_within: int = Field(default=3, ge=1)
    retraining: RetrainingPolicy = RetrainingPolicy()

    @field_validator("signals", mode="before")
    @classmethod
    def _expand_short_rules(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        return {name: {"fail": rule} if isinstance(rule, str) else rule for name, rule in value.items()}

    @field_validator("period")
    @classmethod
    def _check_period(cls, value: str | None) -> str | None:
        if value is not None:
            parse_duration(value)
        return value

    @model_validator(mode="after")
    def _check_out_of(self) -> Self:
        if self.out_of is not None and self.out_of < self.consecutive:
            raise ValueError(f"out_of: {self.consecutive} of {self.out_of} windows can never fail")
        return self

    @property
    def span(self) -> timedelta | None:
        """The period as a timedelta."""
        return None if self.period is None else parse_duration(self.period)

    @property
    def window_count(self) -> int:
        """The number of windows that are considered."""
        return self.out_of or self.consecutive

    def rule(self, signal: Signal) -> SignalRule:
        """Return the rule for a kind of window."""
        return self.signals.get(signal, DEFAULT_RULES[signal])

    def acting_signals(self) -> list[Signal]:
        """List the kinds of windows that may open an episode."""
        return [signal for signal in SIGNALS if self.rule(signal).fail in EPISODE_ACTIONS]


DEFAULT_RULES: dict[Signal, SignalRule] = {
    "drift": SignalRule(),
    "prediction_drift": SignalRule(fail="notify"),
    "concept_drift": SignalRule(),
    "performance": SignalRule(),
    "performance_estimate": SignalRule(fail="notify"),
}
"""Prediction drift follows from data drift, and an estimate is not a measurement: both only notify."""
