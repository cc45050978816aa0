"""What went wrong on the way to an MLflow server, in words, and whether the server can have got the call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from requests import exceptions
from urllib3 import exceptions as below

from airflow_mlops.core.errors import MlopsError

UNSURE = (408, 429, 502, 503, 504)  # of a proxy, or a server on its way up or down: it may have done what was asked


class TrackingUnavailable(MlopsError):
    """MLflow cannot be reached, or its answer was lost: a retry may mend it, and finds out what was done."""


class LateError(Exception):
    """A call took longer than it may in all."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong.

    :param what: in words.
    :param sent: whether the server can have got the call, and done it.
    :param lasting: whether asking again could not change it.
    :param mend: what a person can do about it.
    """

    what: str
    sent: bool = True
    lasting: bool = False
    mend: str = "look whether the server is up, and at the connection's host, port and path"


def told(error: BaseException) -> Trouble:
    """Say in words what a failed request means."""
    causes = list(_causes(error))
    text = " ".join(str(cause) for cause in causes)
    if _any(causes, below.NameResolutionError) or "Name or service not known" in text:
        return Trouble("its host is unknown", sent=False, mend="check the host's name in the tracking URI")
    if tls := _tls(causes, text):
        return tls
    if _any(causes, below.NewConnectionError, ConnectionRefusedError):  # before its base, ConnectTimeoutError
        return Trouble("nothing listens at its port", sent=False)
    if _any(causes, exceptions.ConnectTimeout, below.ConnectTimeoutError):
        return Trouble("its host does not answer at all", sent=False, mend="check host, port and firewall")
    if _any(causes, exceptions.Timeout, below.ReadTimeoutError, TimeoutError, LateError):
        return Trouble("it took the call and gave no whole answer in time")
    if isinstance(error, (exceptions.InvalidURL, exceptions.MissingSchema, exceptions.InvalidSchema)):
        return Trouble(f"its address is malformed: {error}", sent=False, lasting=True, mend="check the tracking URI")
    return Trouble("it broke the connection off", mend="if it speaks TLS, write https:// in the tracking URI")


def answered(status: int) -> Trouble:
    """Say what an answer means that says nothing about what was done."""
    return Trouble(f"it answered {status}")


def _tls(causes: list[BaseException], text: str) -> Trouble | None:
    files = [c for c in causes if isinstance(c, OSError) and "TLS" in str(c) and "invalid path" in str(c)]
    if files:
        return Trouble(
            str(files[0]), sent=False, lasting=True, mend="check the connection's CA bundle and client certificate"
        )
    if not _any(causes, exceptions.SSLError, below.SSLError):
        return None
    if "WRONG_VERSION_NUMBER" in text or "RECORD_LAYER" in text:
        return Trouble("it speaks no TLS", sent=False, lasting=True, mend="write http:// in the tracking URI")
    if "CERTIFICATE_REQUIRED" in text or "HANDSHAKE_FAILURE" in text:
        return Trouble(
            "TLS: it asks for a client certificate", sent=False, lasting=True, mend="name one in the connection"
        )
    reason = text.partition("certificate verify failed:")[2].partition("(")[0].strip()
    return Trouble(
        f"TLS: its certificate is not trusted ({reason or 'handshake failed'})",
        sent=False,
        lasting=True,
        mend="name its CA bundle in the connection, or the host as the certificate has it",
    )


def _any(causes: list[BaseException], *kinds: type[BaseException]) -> bool:
    return any(isinstance(cause, kinds) for cause in causes)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Give an error and all that it wraps: requests and urllib3 keep them in ``args`` and ``reason``."""
    seen: set[int] = set()
    left = [error]
    while left:
        one = left.pop()
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        left += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
