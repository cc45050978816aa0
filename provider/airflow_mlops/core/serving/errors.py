"""Request errors: what is wrong, where, and a hint for the caller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

_MAX_PROBLEMS, _MAX_SHOWN = 20, 120


@dataclass(frozen=True, slots=True)
class RequestProblem:
    """A contract rule that rows of a request break.

    :param column: the column, or several separated by commas; ``None`` for a rule about rows.
    :param rule: the rule's name in the contract.
    :param rows: the zero-based indices of the first rows that break it; empty when it concerns all rows.
    :param count: the number of rows that break it.
    :param expected: the value that the rule requires.
    :param observed: the actual value, shortened.
    :param hint: a hint for the caller.
    """

    column: str | None
    rule: str
    rows: tuple[int, ...]
    count: int
    expected: Any
    observed: str
    hint: str

    def __str__(self) -> str:
        position = f" in row {self.rows[0]}" if self.rows else ""
        return f"{self.column or 'rows'}: {self.rule}{position}: {self.observed}"


class RequestError(Exception):
    """A request error, with its HTTP status.

    :param status: the HTTP status.
    :param code: the machine-readable error code.
    :param what: what is wrong, in a sentence.
    :param hint: a hint for the caller.
    :param problems: the contract rules that its rows break.
    :param headers: HTTP headers of the response.
    """

    def __init__(
        self,
        status: int,
        code: str,
        what: str,
        *,
        hint: str,
        problems: Sequence[RequestProblem] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(what)
        self.status, self.code, self.what, self.hint = status, code, what, hint
        self.problems, self.headers = tuple(problems), headers or {}

    def to_dict(self) -> dict[str, Any]:
        """Return the response body; ``error_code`` and ``message`` are MLflow's names."""
        body: dict[str, Any] = {"error_code": self.code, "message": self.what, "hint": self.hint}
        if self.problems:
            body["problems"] = [asdict(problem) for problem in self.problems[:_MAX_PROBLEMS]]
        if len(self.problems) > _MAX_PROBLEMS:
            body["omitted_problems"] = len(self.problems) - _MAX_PROBLEMS
        return body


def contract_error(problems: Sequence[RequestProblem]) -> RequestError:
    """Return the error for rows that break rules."""
    first, others = problems[0], len(problems) - 1
    suffix = f"; and {others} more" if others else ""
    return RequestError(422, "CONTRACT_VIOLATION", f"{first}{suffix}", hint=first.hint, problems=problems)


def preview(value: Any) -> str:
    """Format a value for a response: short, and always valid text."""
    text = repr(value[: _MAX_SHOWN + 1]) if isinstance(value, str) else repr(value)
    text = text.encode("utf-8", "backslashreplace").decode()  # lone surrogates cannot be encoded
    return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 1]}…"
