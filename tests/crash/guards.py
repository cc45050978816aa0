"""Guards of the provider, each taken away in the attempts of a case: the checks have to see it."""

from __future__ import annotations

from typing import Any


def without_claim() -> None:
    """Ignore the results of an earlier attempt."""
    from airflow_mlops.store import claims

    begin = claims.begin

    def first(database: Any, kind: str, key: str) -> None:
        begin(database, kind, key)

    claims.begin = first


def without_fence() -> None:
    """Let a superseded attempt publish."""
    from airflow_mlops.store import attempts

    attempts.lock_current = lambda session, key, token: None


def without_compare_and_set() -> None:
    """Promote any version, whether it was compared with the champion or not."""
    from airflow_mlops.store import ledger

    append = ledger.append

    def anyway(database: Any, *, model: str, expected_revision: int | None, **how: Any) -> Any:
        head = ledger.head(database, model)
        return append(database, model=model, expected_revision=None if head is None else head.revision, **how)

    ledger.append = anyway


GUARDS = {"claim": without_claim, "fence": without_fence, "compare-and-set": without_compare_and_set}
# What a guard is there for: each case is fine with it, and breaks a promise without it.
CASES = {
    "claim": ["train:20", "register:4"],
    "fence": ["evaluate:1stop", "train:9stop"],
    "compare-and-set": ["race:1stop"],
}
