"""What an evaluation is asked for beyond the metrics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.yes_no import yes_or_no


@dataclass(frozen=True, slots=True)
class Asked:
    """What to look at.

    :param slices: columns of the gate rows, looked at slice by slice.
    :param groups: columns with protected attributes; they need not be features.
    :param threshold: the score from which on a row is decided positive, for fairness; 0 to 1.
    :param importance: whether to permute each feature.
    :param cost: whether to measure latency, memory and loading.
    :param train_sample: how many training rows overfitting is looked for on; 0: it is not.
    """

    slices: Sequence[str] = ()
    groups: Sequence[str] = ()
    threshold: float = 0.5
    importance: bool = False
    cost: bool = False
    train_sample: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if not 0 < self.threshold < 1:
            raise BadInput(f"a threshold of {self.threshold:g} decides nothing", mend="give one between 0 and 1")
        if self.train_sample < 0:
            raise BadInput(f"{self.train_sample} training rows cannot be drawn", mend="give 0 for none")

    @classmethod
    def read(cls, **given: Any) -> Self:
        """Read what a task was given: rendered templates are text, and one name stands for a list of one.

        :raises BadInput: when a value is not of its kind.
        """
        read: dict[str, Any] = {}
        for name, value in given.items():
            try:
                read[name] = _KINDS[name][0](value)
            except (TypeError, ValueError, BadInput):
                raise BadInput(f"{name}={value!r} cannot be read", mend=f"give {_KINDS[name][1]}") from None
        return cls(**read)


def _names(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [str(name) for name in value or ()]


_KINDS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "slices": (_names, "a list of columns"),
    "groups": (_names, "a list of columns"),
    "threshold": (float, "a number between 0 and 1"),
    "importance": (partial(yes_or_no, name="importance"), "true or false"),
    "cost": (partial(yes_or_no, name="cost"), "true or false"),
    "train_sample": (int, "a number of rows"),
}
