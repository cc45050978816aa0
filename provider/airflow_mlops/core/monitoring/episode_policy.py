"""What a team writes under ``episode`` in its policy: what opens an episode, what it leads to, and how often."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from airflow_mlops.core.data.contracts.durations import duration
from airflow_mlops.core.monitoring.starting import StartFrom
from airflow_mlops.core.settings import Settings

Signal = Literal["drift", "prediction_drift", "concept_drift", "performance", "performance_estimate"]
Action = Literal["ignore", "notify", "retrain", "roll_back"]
SIGNALS: tuple[Signal, ...] = ("drift", "prediction_drift", "concept_drift", "performance", "performance_estimate")
WITH_LABELS = frozenset({"concept_drift", "performance"})
ACTING = frozenset({"retrain", "roll_back"})


class SignalRule(Settings):
    """What a kind of window leads to, by how severe it is.

    :param fail: what windows that failed lead to: ``ignore``, ``notify``, ``retrain``, or ``roll_back``: back to the
        champion before, where the trouble began soon after a promotion; a retraining where it did not.
    :param warn: what windows that warned lead to: ``ignore`` or ``notify``.
    """

    fail: Action = "retrain"
    warn: Literal["ignore", "notify"] = "ignore"


class RetrainingPolicy(Settings):
    """What a retraining starts from.

    :param data: ``change``: the rows from the change on; ``window``: the newest partitions, whatever they are from.
    :param window: at most so many labelled partitions; with ``change`` no limit when left out.
    :param start_from: ``candidates``: those that the training DAG names; ``champion``: the champion's own
        configuration and nothing else; ``tuning``: a new search, of the candidates that have a space. What is not to
        be had is the candidates instead.
    """

    data: Literal["change", "window"] = "change"
    window: int | None = Field(default=None, ge=1)
    start_from: StartFrom = "candidates"

    @model_validator(mode="after")
    def _window_is_given(self) -> Self:
        if self.data == "window" and self.window is None:
            raise ValueError("data: window needs to know how many partitions that is: give window")
        return self


class EpisodePolicy(Settings):
    """The episode section of ``policy.yaml``.

    :param consecutive: so many failing windows open an episode ...
    :param out_of: ... among so many of the last that were judged; default: in a row.
    :param period: from one partition to the next, such as ``7d``. With it a partition without a window is missed.
    :param max_gap: so many partitions in a row may be missing, broken or not judged; past that, what was before them no
        longer counts. They never count themselves, neither as failing nor as quiet.
    :param quiet: an open episode that has asked for nothing closes after so many quiet windows of whatever opened it.
    :param min_labelled_rows: so many labelled rows since the change ask for the retraining.
    :param cool_down: after an episode has asked, so many partitions pass before another opens.
    :param monthly_budget: at most so many retrainings are asked for within 31 days of the data's clock.
    :param max_attempts: so many retrainings that fail technically, then a person has to look.
    :param lease: so many partitions after the request a run that still has not ended is taken for lost, and the
        episode is asked for again. Were it alive, the ledger's compare-and-set would still let only one promote.
    :param signals: which kinds of windows count, and what they lead to: a :class:`SignalRule`, or in short what a
        failure leads to. Kinds that are not named keep their defaults.
    :param roll_back_within: trouble in the first so many partitions that a champion serves is the promotion's.
    :param retraining: what a retraining starts from.
    """

    consecutive: int = Field(default=1, ge=1)
    out_of: int | None = Field(default=None, ge=1)
    period: str | None = None
    max_gap: int = Field(default=3, ge=0)
    quiet: int = Field(default=3, ge=1)
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
    def _in_short(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        return {name: {"fail": rule} if isinstance(rule, str) else rule for name, rule in value.items()}

    @field_validator("period")
    @classmethod
    def _is_a_span(cls, value: str | None) -> str | None:
        if value is not None:
            duration(value)
        return value

    @model_validator(mode="after")
    def _k_of_n(self) -> Self:
        if self.out_of is not None and self.out_of < self.consecutive:
            raise ValueError(f"out_of: {self.consecutive} of {self.out_of} windows can never fail")
        return self

    @property
    def span(self) -> timedelta | None:
        """The period as a span of time."""
        return None if self.period is None else duration(self.period)

    @property
    def last(self) -> int:
        """How many windows are looked at."""
        return self.out_of or self.consecutive

    def rule(self, signal: Signal) -> SignalRule:
        """Give what a kind of window leads to."""
        return self.signals.get(signal, DEFAULTS[signal])

    def acting(self) -> list[Signal]:
        """List the kinds of windows that may open an episode."""
        return [signal for signal in SIGNALS if self.rule(signal).fail in ACTING]


DEFAULTS: dict[Signal, SignalRule] = {
    "drift": SignalRule(),
    "prediction_drift": SignalRule(fail="notify"),
    "concept_drift": SignalRule(),
    "performance": SignalRule(),
    "performance_estimate": SignalRule(fail="notify"),
}
"""Scores that moved follow from rows that moved, and an estimate is none: both tell people, and retrain nothing."""
