"""Removal of a guard, to verify that the replay detects it."""

from __future__ import annotations

from typing import Any

WITHOUT = "REPLAY_WITHOUT"
"""Environment variable with the name of the guard to remove."""
GUARDS = ("claim",)


def remove_guard(guard: str) -> None:
    """Remove a guard in this process; no-op for an empty name."""
    if guard == "claim":
        from airflow_mlops.store import episodes

        def claim_always(database: Any, episode: int, *, actor: str) -> bool:
            return True

        episodes.claim = claim_always
