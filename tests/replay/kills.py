"""When what is killed: drawn from the seed before the replay begins, carried out while it runs."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

LATEST_PROGRESS = 0.85
"""Of the windows: what has not been aimed at anything by then is killed at once."""
AIMED_SECONDS = 20.0
"""An aimed kill comes within so many seconds after a request: the time from an event to a trained model."""
SOON_SECONDS = 3.0
MAX_PENDING_KILLS = 2
"""With so many kills waiting, weeks wait, too: else the replay would be over before them."""


@dataclass(frozen=True)
class Kill:
    """One kill.

    :param component: ``triggerer`` or ``scheduler``.
    :param at: when so much of all windows has been lived through.
    :param aimed: when a retraining is asked for, in place of that: an event, a run, a claim are on their way then.
    :param delay: seconds after that moment.
    :param family: with all its processes.
    """

    component: str
    at: float
    aimed: bool
    delay: float
    family: bool


def plan_kills(seed: int, triggerer: int, scheduler: int) -> list[Kill]:
    """Draw the kills: their times spread over the replay, every other one aimed."""
    rng = random.Random(f"kills {seed}")
    found = []
    for component, number in (("triggerer", triggerer), ("scheduler", scheduler)):
        for place in range(number):
            aimed = place % 2 == 0
            at, delay = (
                LATEST_PROGRESS * (place + rng.random()) / number,
                rng.uniform(0, AIMED_SECONDS if aimed else SOON_SECONDS),
            )
            found.append(Kill(component, at, aimed, delay, rng.random() < 0.5))
    return sorted(found, key=lambda kill: kill.at)


class Killer:
    """Carries the plan out.

    :param plan: what is to be killed.
    :param kill: kills a component, with its family or without, and starts it again.
    :param recovered: says whether a component is at work again that was killed at a moment.
    """

    def __init__(
        self,
        plan: list[Kill],
        kill: Callable[[str, bool], None],
        recovered: Callable[[str, datetime], bool],
        tell: Callable[[str], None],
    ) -> None:
        self.kill_counts: Counter[str] = Counter()
        self._kill, self._recovered, self._tell = kill, recovered, tell
        self._plain = [kill for kill in plan if not kill.aimed]
        self._aimed = [kill for kill in plan if kill.aimed]
        self._due: list[tuple[float, Kill]] = []
        self._requests = 0
        self._progress = 0.0
        self._last: dict[str, datetime] = {}

    def kill_due(self, progress: float, requests: int) -> None:
        """Kill what is due.

        :param progress: how much of all windows has been lived through.
        :param requests: how many retrainings have been asked for.
        """
        self._progress = progress
        while self._plain and self._plain[0].at <= progress:
            self._put(self._plain.pop(0))
        for _ in range(2 * (requests - self._requests) if progress < LATEST_PROGRESS else len(self._aimed)):
            if self._aimed:
                self._put(self._aimed.pop(0))
        self._requests = requests
        for entry in sorted(self._due, key=lambda entry: entry[0]):
            moment, kill = entry
            if moment <= time.monotonic() and self._is_up(kill.component):
                self._due.remove(entry)
                self._carry_out(kill)
                return

    def must_wait(self) -> bool:
        """Check whether weeks have to wait for kills."""
        return len(self._due) >= MAX_PENDING_KILLS or (self._progress >= LATEST_PROGRESS and bool(self._due))

    def _put(self, kill: Kill) -> None:
        self._due.append((time.monotonic() + kill.delay, kill))

    def _is_up(self, component: str) -> bool:
        since = self._last.get(component)
        return since is None or self._recovered(component, since)

    def _carry_out(self, kill: Kill) -> None:
        self._kill(kill.component, kill.family)
        self._last[kill.component] = datetime.now(UTC)
        self.kill_counts[kill.component] += 1
        whole = " with all its processes" if kill.family else ""
        self._tell(f"killed the {kill.component}{whole} ({self.kill_counts[kill.component]})")
