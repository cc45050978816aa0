"""What a caller is told whose request cannot be answered: what is wrong, where, and how to mend it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

MOST_PROBLEMS, MOST_SHOWN = 20, 120


@dataclass(frozen=True, slots=True)
class Problem:
    """One rule that rows of a request break.

    :param column: the column, or the columns with commas; ``None`` for a whole row.
    :param rule: the rule's name, as the contract has it.
    :param rows: the numbers of the first rows that break it, from 0; none where it is about all rows.
    :param count: how many rows break it.
    :param expected: what the rule asks for.
    :param observed: what was there instead, shortened.
    :param mend: what the caller can do about it.
    """

    column: str | None
    rule: str
    rows: tuple[int, ...]
    count: int
    expected: Any
    observed: str
    mend: str

    def __str__(self) -> str:
        place = f" in row {self.rows[0]}" if self.rows else ""
        return f"{self.column or 'rows'}: {self.rule}{place}: {self.observed}"


class BadRequest(Exception):
    """A request that cannot be answered as it is.

    :param status: the HTTP status.
    :param code: one word for programs.
    :param what: what is wrong, in a sentence.
    :param mend: what the caller can do about it.
    :param problems: the rules that its rows break.
    :param headers: HTTP headers that belong to the answer.
    """

    def __init__(
        self,
        status: int,
        code: str,
        what: str,
        *,
        mend: str,
        problems: Sequence[Problem] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(what)
        self.status, self.code, self.what, self.mend = status, code, what, mend
        self.problems, self.headers = tuple(problems), headers or {}

    def to_dict(self) -> dict[str, Any]:
        """Give the body of the answer; ``error_code`` and ``message`` are MLflow's names."""
        told: dict[str, Any] = {"error_code": self.code, "message": self.what, "mend": self.mend}
        if self.problems:
            told["problems"] = [asdict(problem) for problem in self.problems[:MOST_PROBLEMS]]
        if len(self.problems) > MOST_PROBLEMS:
            told["more_problems"] = len(self.problems) - MOST_PROBLEMS
        return told


def broken(problems: Sequence[Problem]) -> BadRequest:
    """Give the refusal of rows that break rules."""
    first, more = problems[0], len(problems) - 1
    tail = f"; and {more} more" if more else ""
    return BadRequest(422, "CONTRACT_BROKEN", f"{first}{tail}", mend=first.mend, problems=problems)


def shown(value: Any) -> str:
    """Give a value as an answer may show it: short, and text whatever it is."""
    text = repr(value[: MOST_SHOWN + 1]) if isinstance(value, str) else repr(value)
    text = text.encode("utf-8", "backslashreplace").decode()  # half a surrogate pair is no text that can be sent
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 1]}…"
