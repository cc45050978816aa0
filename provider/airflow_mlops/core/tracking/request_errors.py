"""Classification of failed requests to an MLflow server: cause, hint, and whether the server may have received it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from requests import exceptions
from urllib3 import exceptions as below

from airflow_mlops.common.errors import MlopsError

AMBIGUOUS_STATUSES = (408, 429, 502, 503, 504)  # from a proxy or a starting server: the request may have been processed


class TrackingUnavailable(MlopsError):
    """MLflow cannot be reached, or its response was lost. A retry may help, and finds out what was done."""


class DeadlineExceeded(Exception):
    """A call exceeded its overall timeout."""


@dataclass(frozen=True, slots=True)
class RequestFailure:
    """Cause of a failed request.

    :param what: a description.
    :param sent: whether the server may have received and processed the request.
    :param permanent: whether a retry cannot help.
    :param hint: how to fix it.
    """

    what: str
    sent: bool = True
    permanent: bool = False
    hint: str = "check that the server is up, and the connection's host, port and path"


def classify_error(error: BaseException) -> RequestFailure:
    """Classify the error of a failed request."""
    causes = list(_chain(error))
    text = " ".join(str(cause) for cause in causes)
    if _has_type(causes, below.NameResolutionError) or "Name or service not known" in text:
        return RequestFailure("its host is unknown", sent=False, hint="check the host's name in the tracking URI")
    if tls := _classify_tls(causes, text):
        return tls
    if _has_type(causes, below.NewConnectionError, ConnectionRefusedError):  # before its base, ConnectTimeoutError
        return RequestFailure("nothing listens at its port", sent=False)
    if _has_type(causes, exceptions.ConnectTimeout, below.ConnectTimeoutError):
        return RequestFailure("its host does not respond", sent=False, hint="check host, port and firewall")
    if _has_type(causes, exceptions.Timeout, below.ReadTimeoutError, TimeoutError, DeadlineExceeded):
        return RequestFailure("it received the request, but did not respond completely in time")
    if isinstance(error, (exceptions.InvalidURL, exceptions.MissingSchema, exceptions.InvalidSchema)):
        return RequestFailure(
            f"its address is malformed: {error}", sent=False, permanent=True, hint="check the tracking URI"
        )
    return RequestFailure("it closed the connection", hint="if it uses TLS, write https:// in the tracking URI")


def classify_status(status: int) -> RequestFailure:
    """Classify a status code that does not say whether the request was processed."""
    return RequestFailure(f"it responded with status {status}")


def _classify_tls(causes: list[BaseException], text: str) -> RequestFailure | None:
    file_errors = [c for c in causes if isinstance(c, OSError) and "TLS" in str(c) and "invalid path" in str(c)]
    if file_errors:
        return RequestFailure(
            str(file_errors[0]),
            sent=False,
            permanent=True,
            hint="check the CA bundle and client certificate",
        )
    if not _has_type(causes, exceptions.SSLError, below.SSLError):
        return None
    if "WRONG_VERSION_NUMBER" in text or "RECORD_LAYER" in text:
        return RequestFailure(
            "it does not use TLS", sent=False, permanent=True, hint="write http:// in the tracking URI"
        )
    if "CERTIFICATE_REQUIRED" in text or "HANDSHAKE_FAILURE" in text:
        return RequestFailure(
            "TLS: it requires a client certificate", sent=False, permanent=True, hint="set one in the connection"
        )
    reason = text.partition("certificate verify failed:")[2].partition("(")[0].strip()
    return RequestFailure(
        f"TLS: its certificate is not trusted ({reason or 'handshake failed'})",
        sent=False,
        permanent=True,
        hint="set its CA bundle in the connection, or use the host name of the certificate",
    )


def _has_type(causes: list[BaseException], *kinds: type[BaseException]) -> bool:
    return any(isinstance(cause, kinds) for cause in causes)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and all errors that it wraps; requests and urllib3 also wrap in ``args`` and ``reason``."""
    visited: set[int] = set()
    pending = [error]
    while pending:
        current = pending.pop()
        if not isinstance(current, BaseException) or id(current) in visited:
            continue
        visited.add(id(current))
        yield current
        pending += [current.__cause__, current.__context__, getattr(current, "reason", None), *current.args]
