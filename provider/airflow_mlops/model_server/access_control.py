"""Access control: the token and the rate limit of callers."""

from __future__ import annotations

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Mapping

from airflow_mlops.core.serving.errors import RequestError

MAX_CALLERS = 10_000


class TokenAuth:
    """The bearer token that callers send, stored as a hash.

    :param token: the token; ``None`` disables authentication.
    """

    def __init__(self, token: str | None) -> None:
        self._hash = None if token is None else _hash_token(token)

    def check(self, headers: Mapping[str, str]) -> None:
        """Check that a request has the token, as ``Authorization: Bearer ...``.

        :raises RequestError: when the token is missing or wrong.
        """
        if self._hash is None:
            return
        scheme, _, credentials = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and hmac.compare_digest(_hash_token(credentials.strip()), self._hash):
            return
        what = "the token is not valid" if credentials else "the request has no token"
        raise RequestError(
            401,
            "UNAUTHORIZED",
            what,
            hint="send the header Authorization: Bearer <token>",
            headers={"WWW-Authenticate": "Bearer"},
        )


def _hash_token(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


class RateLimiter:
    """A token-bucket rate limit for each address.

    :param rate: requests a second; ``None`` for no limit.
    :param burst: the number of requests at once; default: two seconds' worth.
    """

    def __init__(self, rate: float | None, burst: int | None = None) -> None:
        self.rate, self.burst = rate, float(burst or max(1, round(2 * (rate or 1))))
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # address -> remaining requests, time

    def acquire(self, address: str, now: float) -> None:
        """Count a request.

        :param now: seconds of a monotonic clock.
        :raises RequestError: when the limit is exceeded.
        """
        if self.rate is None:
            return
        remaining, last_time = self._buckets.pop(address, (self.burst, now))
        remaining = min(self.burst, remaining + (now - last_time) * self.rate)
        self._buckets[address] = (max(0.0, remaining - 1) if remaining >= 1 else remaining, now)
        if len(self._buckets) > MAX_CALLERS:
            self._buckets.popitem(last=False)
        if remaining < 1:
            wait = max(1, round((1 - remaining) / self.rate + 0.5))
            raise RequestError(
                429,
                "TOO_MANY_REQUESTS",
                f"more than {self.rate:g} requests a second",
                hint="wait, or send several rows in one request",
                headers={"Retry-After": str(wait)},
            )
