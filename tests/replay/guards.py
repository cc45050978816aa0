"""A guard taken away, to see that the replay would notice: only ever in the processes of a replay that asks for it."""

from __future__ import annotations

from typing import Any

WITHOUT = "REPLAY_WITHOUT"
"""The environment variable that names the guard that is taken away."""
GUARDS = ("claim",)


def take_away(guard: str) -> None:
    """Take a guard away in this process; nothing for an empty name."""
    if guard == "claim":
        from airflow_mlops.store import episodes

        def everybody_has_it(database: Any, episode: int, *, actor: str) -> bool:
            return True  # and nobody is told that it is taken

        episodes.claim = everybody_has_it
