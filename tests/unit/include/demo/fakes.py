"""A fake Airflow API: configured responses and recorded requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

FakeResponse = tuple[int, Any]
RUNS = "/api/v2/dags/d/dagRuns"
RUN = {"dag_id": "d", "dag_run_id": "r", "state": "queued"}


@dataclass
class FakeAirflow:
    """Responses of a fake Airflow, and the requests that it received."""

    responses: dict[tuple[str, str], list[FakeResponse]] = field(default_factory=dict)
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    tokens: int = 0
    valid: str = ""

    def set_responses(self, method: str, path: str, *answers: FakeResponse) -> None:
        """Set the responses to a request; the last one is repeated."""
        self.responses[method, path] = list(answers)

    def count_requests(self, method: str, path: str) -> int:
        return sum((m, p) == (method, path) for m, p, _ in self.requests)

    def respond(self, method: str, path: str, body: Any, token: str) -> FakeResponse:
        self.requests.append((method, path, body))
        if path == "/auth/token":
            if body["password"] != "right":
                return 401, {"detail": "no"}
            self.tokens += 1
            self.valid = f"token{self.tokens}"
            return 201, {"access_token": self.valid}
        if token != f"Bearer {self.valid}" and not path.endswith("/monitor/health"):
            return 401, {"detail": "expired"}
        waiting = self.responses.get((method, path), [(404, {"detail": "unknown"})])
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]


def page(key: str, *entries: Any) -> FakeResponse:
    """The only page of a list."""
    return 200, {key: list(entries), "total_entries": len(entries)}
