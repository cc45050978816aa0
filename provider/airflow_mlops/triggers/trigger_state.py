"""State of an event trigger that survives restarts of the triggerer."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from typing import Any

log = logging.getLogger(__name__)

SAVE_DELAY_SECONDS = 10.0
"""Delay before the state is saved. The triggerer writes a yielded event to the database a second or two later."""

RETRY_SECONDS = 5.0


class TriggerState:
    """A value in the watched asset's state, saved with a delay.

    Airflow stores a yielded event a little later. If the value were saved at once and the triggerer killed in between,
    the event would be lost. With the delay, it is emitted twice at worst.

    :param accessors: state of the watched asset; ``None`` outside an ``AssetWatcher``: then nothing is saved.
    :param name: name of the value.
    :param identity: JSON-serialisable identity of this trigger among others that watch the same asset.
    """

    def __init__(self, accessors: Any, name: str, identity: object) -> None:
        digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:12]
        self.key = f"{name}_{digest}"
        self._accessors = accessors
        self._save_task: asyncio.Task[None] | None = None
        self._value: Any = None

    async def get(self) -> Any:
        """Return the value, or ``None`` when there is none. Retries while Airflow is unavailable."""
        while self._accessors is not None:
            try:
                return await self._accessors.aget(self.key)
            except ValueError as error:  # one trigger for several assets: the asset is ambiguous
                log.warning("State is not saved across restarts; use one watcher per asset: %s", error)
                self._accessors = None
            except Exception as error:  # a watcher that ends is not restarted
                log.warning("Cannot read the trigger's state, retrying: %s", error)
                await asyncio.sleep(RETRY_SECONDS)
        return None

    async def set(self, value: Any) -> None:
        """Save a value now."""
        if self._accessors is None:
            return
        try:
            await self._accessors.aset(self.key, value)
        except Exception as error:  # repeated events are better than a watcher that ends
            log.warning("Cannot save the trigger's state, events may repeat after a restart: %s", error)

    def set_delayed(self, value: Any) -> None:
        """Save a value once the yielded events are stored."""
        self._value = value
        if self._accessors is not None and (self._save_task is None or self._save_task.done()):
            self._save_task = asyncio.get_running_loop().create_task(self._save_delayed())

    async def _save_delayed(self) -> None:
        value = None
        while value != self._value:  # newer events need the delay, too
            value = self._value
            await asyncio.sleep(SAVE_DELAY_SECONDS)
            await self.set(value)

    def close(self) -> None:
        """Cancel a pending save; its events repeat after a restart."""
        if self._save_task is not None:
            self._save_task.cancel()
