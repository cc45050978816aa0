"""Who may ask, and how often."""

from __future__ import annotations

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Mapping

from airflow_mlops.core.serving.refusals import BadRequest

MOST_CALLERS = 10_000


class Token:
    """The one token that callers send; what is kept of it is its hash.

    :param token: the token; ``None`` lets everybody ask.
    """

    def __init__(self, token: str | None) -> None:
        self._hash = None if token is None else _hashed(token)

    def check(self, headers: Mapping[str, str]) -> None:
        """Make sure that a request has the token, as ``Authorization: Bearer ...``.

        :raises BadRequest: when it has not.
        """
        if self._hash is None:
            return
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and hmac.compare_digest(_hashed(given.strip()), self._hash):
            return
        what = "the token is not the right one" if given else "the request has no token"
        raise BadRequest(
            401,
            "NO_TOKEN",
            what,
            mend="send the header Authorization: Bearer <token>",
            headers={"WWW-Authenticate": "Bearer"},
        )


def _hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


class Rate:
    """How often one address may ask: a bucket that fills steadily, and holds a burst.

    :param rate: requests a second; ``None`` for no limit.
    :param burst: how many at once; by default two seconds' worth.
    """

    def __init__(self, rate: float | None, burst: int | None = None) -> None:
        self.rate, self.burst = rate, float(burst or max(1, round(2 * (rate or 1))))
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # address -> requests left, and when

    def take(self, address: str, now: float) -> None:
        """Count a request.

        :param now: seconds of a clock that only goes forward.
        :raises BadRequest: when there were too many.
        """
        if self.rate is None:
            return
        left, then = self._left.pop(address, (self.burst, now))
        left = min(self.burst, left + (now - then) * self.rate)
        self._left[address] = (max(0.0, left - 1) if left >= 1 else left, now)
        if len(self._left) > MOST_CALLERS:
            self._left.popitem(last=False)
        if left < 1:
            wait = max(1, round((1 - left) / self.rate + 0.5))
            raise BadRequest(
                429,
                "TOO_MANY_REQUESTS",
                f"more than {self.rate:g} requests a second",
                mend="wait, or send several rows in one request",
                headers={"Retry-After": str(wait)},
            )
