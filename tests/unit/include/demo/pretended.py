"""A pretended Airflow: answers as they are told, and what it was asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Answer = tuple[int, Any]
RUNS = "/api/v2/dags/d/dagRuns"
RUN = {"dag_id": "d", "dag_run_id": "r", "state": "queued"}


@dataclass
class Script:
    """Answers of a pretended Airflow, and what it was asked."""

    answers: dict[tuple[str, str], list[Answer]] = field(default_factory=dict)
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    tokens: int = 0
    valid: str = ""

    def on(self, method: str, path: str, *answers: Answer) -> None:
        """The last answer is given for ever."""
        self.answers[method, path] = list(answers)

    def times(self, method: str, path: str) -> int:
        return sum((m, p) == (method, path) for m, p, _ in self.asked)

    def answer(self, method: str, path: str, body: Any, token: str) -> Answer:
        self.asked.append((method, path, body))
        if path == "/auth/token":
            if body["password"] != "right":
                return 401, {"detail": "no"}
            self.tokens += 1
            self.valid = f"token{self.tokens}"
            return 201, {"access_token": self.valid}
        if token != f"Bearer {self.valid}" and not path.endswith("/monitor/health"):
            return 401, {"detail": "expired"}
        waiting = self.answers.get((method, path), [(404, {"detail": "unknown"})])
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]


def page(key: str, *entries: Any) -> Answer:
    """The only page of a list."""
    return 200, {key: list(entries), "total_entries": len(entries)}
