"""Requests to an MLflow server, each with a deadline, and sent only once if not idempotent.

MLflow's own client retries every method after a lost response, so one ``create_run`` may create two runs. It takes
its login and timeouts from the environment; this takes both from the connection.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import requests

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.tracking.access import Access
from airflow_mlops.core.tracking.request_errors import (
    AMBIGUOUS_STATUSES,
    DeadlineExceeded,
    RequestFailure,
    TrackingUnavailable,
    classify_error,
    classify_status,
)

T = TypeVar("T")
MIN_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 0.1, 5.0
MIN_BYTES_PER_SECOND = 1_000_000  # the slowest upload or download that the deadline allows for
CHUNK_BYTES = 1 << 20


class Transport:
    """Sends requests to one server.

    :param access: the connection settings.
    :param retry: whether failed requests are retried at all, where that is safe.
    """

    def __init__(self, access: Access, *, retry: bool = True) -> None:
        self.access = access
        self.retry = retry
        self.url = access.uri.rstrip("/")
        self._session: tuple[int, requests.Session] | None = None

    def send(
        self,
        method: str,
        endpoint: str,
        *,
        once: bool,
        params: dict[str, Any] | None = None,
        json: Any = None,
        file: Path | None = None,
        destination: Path | None = None,
        size: int = 0,
    ) -> requests.Response:
        """Send a request and return the response, with any status; retry after a lost one where that is safe.

        :param endpoint: the path below the tracking URI.
        :param once: for calls that are not idempotent: retry only when the server cannot have received it.
        :param file: the file to upload.
        :param destination: the file to download to; the deadline allows for its size only through ``size``.
        :param size: the number of bytes to transfer, if known.
        :raises TrackingUnavailable: when there is no response in time.
        :raises BadInput: when the server does not accept the login.
        """
        size = size or (file.stat().st_size if file else 0)
        allowed = self.access.overall_seconds + size / MIN_BYTES_PER_SECOND
        deadline, pause = time.monotonic() + allowed, MIN_PAUSE_SECONDS
        while True:
            remaining = deadline - time.monotonic()
            try:
                response = _run_within(
                    remaining, lambda: self._request(method, endpoint, once, params, json, file, destination)
                )
                if response.status_code not in AMBIGUOUS_STATUSES:
                    return self._check_login(response)
                cause = classify_status(response.status_code)
            except (requests.RequestException, DeadlineExceeded, OSError) as error:
                cause = classify_error(error)
            final = cause.permanent or not self.retry or (once and cause.sent)
            if final or time.monotonic() + pause >= deadline:
                raise self._unavailable(cause, endpoint, once)
            time.sleep(pause)
            pause = min(2 * pause, MAX_PAUSE_SECONDS)

    def _request(
        self,
        method: str,
        endpoint: str,
        once: bool,
        params: dict[str, Any] | None,
        json: Any,
        file: Path | None,
        into: Path | None,
    ) -> requests.Response:
        access = self.access
        session = requests.Session() if once else self._pooled_session()
        body = file.open("rb") if file and file.stat().st_size else None  # an empty one would be sent in chunks
        try:
            response = session.request(
                method,
                self.url + endpoint,
                params=params,
                json=json,
                data=body,
                auth=self._add_login,
                verify=(access.ca_bundle or True) if access.verify else False,
                cert=access.client_cert,
                timeout=(access.connect_seconds, access.read_seconds),
                allow_redirects=method == "GET",  # a redirected POST becomes a GET
                stream=into is not None,
            )
            if into is not None and response.ok:
                with into.open("wb") as target:
                    for chunk in response.iter_content(CHUNK_BYTES):
                        target.write(chunk)
            return response
        finally:
            if body is not None:
                body.close()
            if once:  # never on a reused connection: if that is dead, it is unclear whether the request was sent
                session.close()

    def _pooled_session(self) -> requests.Session:
        """Return the session with reused connections; a forked process gets its own."""
        if self._session is None or self._session[0] != os.getpid():
            self._session = (os.getpid(), requests.Session())
        return self._session[1]

    def _add_login(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the login. An explicit ``auth`` also keeps requests from using a ``.netrc``."""
        access = self.access
        if access.token:
            request.headers["Authorization"] = f"Bearer {access.token}"
        elif access.login and access.password:
            requests.auth.HTTPBasicAuth(access.login.encode(), access.password.encode())(request)
        return request

    def _check_login(self, response: requests.Response) -> requests.Response:
        if response.status_code == 401:
            raise BadInput(
                "MLflow does not accept the login" if self._has_login else "MLflow requires a login",
                where=f"{self.access.where}: {self.access.address}",
                hint="check login and password, or the token, of the connection",
            )
        return response

    @property
    def _has_login(self) -> bool:
        return bool(self.access.login or self.access.token)

    def _unavailable(self, cause: RequestFailure, endpoint: str, once: bool) -> TrackingUnavailable:
        unsure = "; it is unknown whether it was processed: the next attempt checks" if once and cause.sent else ""
        return TrackingUnavailable(
            f"MLflow: {cause.what}{unsure}",
            where=f"{self.access.where}: {self.access.address}, {endpoint}",
            hint=cause.hint,
        )


def _run_within(seconds: float, work: Callable[[], T]) -> T:
    """Call ``work`` in a thread and return its result, or raise when the time is over.

    Unlike socket timeouts this also bounds DNS lookups, and a server that sends a byte now and then.

    :raises DeadlineExceeded: when the time is over.
    """
    results: queue.SimpleQueue[tuple[bool, Any]] = queue.SimpleQueue()

    def run() -> None:
        try:
            results.put((True, work()))
        except BaseException as error:  # raised again in the calling thread
            results.put((False, error))

    threading.Thread(target=run, name="mlflow-call", daemon=True).start()
    try:
        succeeded, result = results.get(timeout=max(seconds, 0.001))
    except queue.Empty:
        raise DeadlineExceeded from None
    if succeeded:
        value: T = result
        return value
    raise result
