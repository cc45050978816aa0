"""How a step has ended, as JSON: what it gave, what it published, and its error in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from airflow_mlops.core import errors
from airflow_mlops.core.errors import MlopsError
from airflow_mlops.core.report import Report

MOST_TOLD = 16_000


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
            error = None if value["error"] is None else known(value["error"])
            return cls(value["given"], error, published)
        except (KeyError, TypeError) as wrong:
            raise errors.BadInput("the step's answer is no outcome", where=repr(value)[:300]) from wrong


def described(error: BaseException) -> dict[str, Any]:
    """Give an error as JSON; one that is not ours keeps its name in its words."""
    if isinstance(error, MlopsError):
        return {"type": type(error).__name__, "what": error.what, "where": error.where, "mend": error.mend}
    return {"type": "", "what": f"{type(error).__name__}: {error}"[:MOST_TOLD], "where": None, "mend": None}


def known(told: Mapping[str, Any]) -> MlopsError:
    """Give an error as it was: of the same class where it is one of ours, so that what cannot be mended by a retry is
    not retried.
    """
    found = getattr(errors, str(told["type"]), MlopsError)
    kind = found if isinstance(found, type) and issubclass(found, MlopsError) else MlopsError
    return kind(str(told["what"]), where=told["where"], mend=told["mend"])
