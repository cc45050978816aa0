"""Result all, as metrics."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.crash.invariants import NAMES
from tests.crash.machine import END, CaseResult
from tests.crash.schedule import Case

MAX_REPORTED = 25


@dataclass
class Tally:
    """All cases together."""

    cases: dict[str, int] = field(default_factory=dict)
    attempts: int = 0
    kills: dict[str, int] = field(default_factory=dict)
    zombies: int = 0
    races: int = 0
    epochs: int = 0
    winners: int = 0
    lost_replies: int = 0
    cpu: float = 0.0
    violations: dict[str, int] = field(default_factory=lambda: dict.fromkeys((*NAMES, END), 0))
    failing: list[str] = field(default_factory=list)
    guards: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, case: Case, played: CaseResult) -> None:
        """Count one case in."""
        self.cases[case.kind] = self.cases.get(case.kind, 0) + 1
        self.kills[case.kind] = self.kills.get(case.kind, 0) + played.kills
        self.attempts += played.attempts
        self.cpu += played.cpu
        if case.kind == "races":
            self.races += 1
            self.epochs += 1
            self.winners += played.winners or 0
        self.zombies += played.zombies if case.kind == "zombies" else 0
        self.add_violations(f"--replay '{case}'", played.wrong)

    def add_violations(self, how: str, found: list[tuple[str, str]]) -> None:
        """Record and count violations: each invariant once per case."""
        for name, said in found:
            print(f"{name} broken by {how}: {said}", flush=True)
        for name in sorted({name for name, _ in found}):
            self.violations[name] += 1
        if found:
            self.failing.append(how)

    def merge(self, other: dict[str, Any]) -> None:
        """Count in what another process has counted."""
        self.cpu += other.pop("cpu")
        for name, value in other.items():
            mine = getattr(self, name)
            if isinstance(value, dict):
                mine.update({key: mine.get(key, 0) + more for key, more in value.items()})
            else:
                setattr(self, name, mine + value)

    def to_dict(self) -> dict[str, Any]:
        """Return the metrics."""
        return {
            "crash_points": self.kills.get("points", 0),
            "random_kills": self.kills.get("random", 0),
            "violations": self.violations,
            "races": self.races,
            "winners_per_epoch": self.winners / self.epochs if self.epochs else None,
            "zombies": self.zombies,
            "lost_replies": self.lost_replies,
            "cases": self.cases,
            "attempts": self.attempts,
            "cpu_seconds_per_attempt": round(self.cpu / self.attempts, 3) if self.attempts else None,
            "failing": self.failing[:MAX_REPORTED],
            **({"guards": self.guards} if self.guards else {}),
            "notes": self.notes,
        }

    def write(self, path: Path) -> None:
        """Write them."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.to_dict(), indent=1) + "\n")
