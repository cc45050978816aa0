"""Waiting for a drift episode that asks for a retraining."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

from airflow.sdk import BaseHook
from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from airflow_mlops.hooks.store import LifecycleStoreHook

_SEEN = "mlops_drift_seen"
_REMEMBERED = 200


class DriftTrigger(BaseEventTrigger):
    """Fires once for each request of a retraining: for an ``AssetWatcher``, or deferred to by ``DriftSensor``.

    A request stands in the lifecycle store until a training run claims it. What was told already is kept in the
    watched asset's state, so that a triggerer that restarts does not tell it again; and were it told twice, only one
    run could claim the episode.

    :param models: the models that are watched; ``None`` for all.
    :param store_conn_id: the connection to the lifecycle store.
    :param poll_seconds: how often the store is asked.
    """

    def __init__(
        self,
        models: Sequence[str] | None = None,
        store_conn_id: str = LifecycleStoreHook.default_conn_name,
        poll_seconds: float = 5.0,
    ) -> None:
        super().__init__()
        self.models = None if models is None else sorted(models)
        self.store_conn_id = store_conn_id
        self.poll_seconds = poll_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give what the triggerer needs to make it again."""
        arguments = {"models": self.models, "store_conn_id": self.store_conn_id, "poll_seconds": self.poll_seconds}
        return f"{type(self).__module__}.{type(self).__qualname__}", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Ask the store, tell what is new, wait, ask again. A store that is down is asked again later."""
        connection = await BaseHook.aget_connection(self.store_conn_id)
        seen = await self._remembered()
        while True:
            try:
                requests = await asyncio.to_thread(self._requests, connection)
            except Exception as error:  # whatever the store's trouble is, the watch must go on
                self.log.warning("cannot ask the lifecycle store, trying again: %s", error)
                requests = []
            for request in requests:
                if request["id"] not in seen:
                    yield TriggerEvent(request)
                    # Remembered after it was told: killed in between, it is told twice rather than never.
                    seen.append(request["id"])
                    await self._remember(seen)
            await asyncio.sleep(self.poll_seconds)

    def _requests(self, connection: Any) -> list[dict[str, Any]]:
        from airflow_mlops.store import episodes

        database = LifecycleStoreHook(self.store_conn_id, connection).database
        return [
            {
                "id": f"{e.model}/{e.number}/{e.attempts}",
                "model": e.model,
                "episode": e.number,
                "change_partition": e.change_partition,
                "cutoff": e.cutoff,
            }
            for e in episodes.requested(database, self.models)
        ]

    async def _remembered(self) -> list[str]:
        if self.asset_state_store is None:
            return []
        seen = await self.asset_state_store.aget(_SEEN)
        return [str(name) for name in seen] if isinstance(seen, list) else []

    async def _remember(self, seen: list[str]) -> None:
        if self.asset_state_store is not None:
            await self.asset_state_store.aset(_SEEN, [*seen[-_REMEMBERED:]])
