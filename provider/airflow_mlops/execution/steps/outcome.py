"""Outcome of a step as JSON: its result, its error and its published reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from airflow_mlops.common.error_codec import decode_mlops_error, encode_error
from airflow_mlops.common.errors import BadInput, MlopsError
from airflow_mlops.common.report import Report


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """Outcome of a step.

    :param result: the reference to the result; ``None`` when there was nothing to do.
    :param error: the reason of a failure.
    :param published: the published reports.
    """

    result: dict[str, Any] | None = None
    error: MlopsError | None = None
    published: Sequence[Report] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON-serialisable form."""
        return {
            "result": self.result,
            "error": None if self.error is None else encode_error(self.error),
            "published": [report.to_dict() for report in self.published],
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Self:
        """Parse an outcome.

        :raises BadInput: when the value is not an outcome.
        """
        try:
            published = [Report.from_dict(report) for report in value["published"]]
            encoded = value["error"]
            error = None if encoded is None else decode_mlops_error(encoded) or MlopsError(str(encoded["what"]))
            return cls(value["result"], error, published)
        except (AttributeError, KeyError, TypeError) as cause:
            raise BadInput("the step's output is not a valid outcome", where=repr(value)[:300]) from cause
