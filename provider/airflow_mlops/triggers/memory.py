"""What a watching trigger has told already, across restarts of the triggerer."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from typing import Any

log = logging.getLogger(__name__)

SETTLE_SECONDS = 10.0
"""So long after an event was handed over it is taken for kept: the triggerer writes it down a second or two later."""

AGAIN_SECONDS = 5.0


class Memory:
    """Remembers a value in the watched asset's state, some time after it was set.

    An event that a trigger yields is in Airflow's database only a moment later. Were it remembered at once and the
    triggerer killed in between, it would never be told; remembered later, it is told twice at worst.

    :param accessors: the watched asset's state; ``None`` outside an ``AssetWatcher``: then nothing is remembered.
    :param name: what the value is called.
    :param whose: what tells this trigger from others that watch the same asset.
    """

    def __init__(self, accessors: Any, name: str, whose: object) -> None:
        digest = hashlib.sha256(json.dumps(whose, sort_keys=True).encode()).hexdigest()[:12]
        self.key = f"{name}_{digest}"
        self._accessors = accessors
        self._later: asyncio.Task[None] | None = None
        self._value: Any = None

    async def get(self) -> Any:
        """Give the value; ``None`` when there is none. While Airflow does not answer it is asked again."""
        while self._accessors is not None:
            try:
                return await self._accessors.aget(self.key)
            except ValueError as error:  # one trigger for several assets: Airflow does not say whose state is meant
                log.warning("nothing is remembered across restarts; give each asset its own watcher: %s", error)
                self._accessors = None
            except Exception as error:  # a watcher that ends on it would not be started again
                log.warning("cannot ask what was told already, trying again: %s", error)
                await asyncio.sleep(AGAIN_SECONDS)
        return None

    async def set(self, value: Any) -> None:
        """Remember a value now."""
        if self._accessors is None:
            return
        try:
            await self._accessors.aset(self.key, value)
        except Exception as error:  # told twice rather than a watch that ends
            log.warning("what was told could not be remembered, a restart tells it again: %s", error)

    def set_later(self, value: Any) -> None:
        """Remember a value once the events that were yielded are safe."""
        self._value = value
        if self._accessors is not None and (self._later is None or self._later.done()):
            self._later = asyncio.get_running_loop().create_task(self._settle())

    async def _settle(self) -> None:
        value = None
        while value != self._value:  # told more meanwhile: that has to settle, too
            value = self._value
            await asyncio.sleep(SETTLE_SECONDS)
            await self.set(value)

    def end(self) -> None:
        """Stop; what has not settled is told again after a restart."""
        if self._later is not None:
            self._later.cancel()
