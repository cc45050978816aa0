"""How a step has ended, as JSON: what it gave, what it published, and its error in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from airflow_mlops.core.errors import BadInput, MlopsError
from airflow_mlops.core.errors_as_json import described, ours
from airflow_mlops.core.report import Report


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a step has ended.

    :param given: the reference to what was made; ``None`` when there was nothing to do.
    :param error: why it came to nothing.
    :param published: the reports that it has published.
    """

    given: dict[str, Any] | None = None
    error: MlopsError | None = None
    published: Sequence[Report] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Give it ready for JSON."""
        return {
            "given": self.given,
            "error": None if self.error is None else described(self.error),
            "published": [report.to_dict() for report in self.published],
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Self:
        """Read it back.

        :raises BadInput: when it is none.
        """
        try:
            published = [Report.from_dict(report) for report in value["published"]]
            told = value["error"]
            error = None if told is None else ours(told) or MlopsError(str(told["what"]))
            return cls(value["given"], error, published)
        except (AttributeError, KeyError, TypeError) as wrong:
            raise BadInput("the step's answer is no outcome", where=repr(value)[:300]) from wrong
