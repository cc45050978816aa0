"""Requests to an MLflow server: each has a deadline, and what must not be done twice is sent once.

MLflow's own client repeats every method on a lost answer, so one ``create_run`` may make two runs, and takes its
login and its deadlines from the environment. This takes both from the connection.
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

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.tracking.access import Access
from airflow_mlops.core.tracking.trouble import UNSURE, LateError, TrackingUnavailable, Trouble, answered, told

T = TypeVar("T")
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
SLOWEST = 1_000_000  # bytes a second that a file's upload or download may fall to before it is too late
CHUNK = 1 << 20


class Transport:
    """Sends requests to one server.

    :param access: where it is and who asks.
    :param patient: whether a call that failed is repeated at all, where that is safe.
    """

    def __init__(self, access: Access, *, patient: bool = True) -> None:
        self.access = access
        self.patient = patient
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
        into: Path | None = None,
        size: int = 0,
    ) -> requests.Response:
        """Send a request and give the answer, whatever it says; a lost one is asked for again where that is safe.

        :param endpoint: the path below the tracking URI.
        :param once: whether doing it twice would make two of something: then it is repeated only when the server
            cannot have got it.
        :param file: what to upload.
        :param into: where to write what is downloaded; its size adds to the time it may take only through ``size``.
        :param size: the bytes to be moved, if known.
        :raises TrackingUnavailable: when there is no answer in time.
        :raises BadInput: when the server does not know the login.
        """
        size = size or (file.stat().st_size if file else 0)
        allowed = self.access.overall_seconds + size / SLOWEST
        deadline, pause = time.monotonic() + allowed, FIRST_PAUSE
        while True:
            left = deadline - time.monotonic()
            try:
                answer = within(left, lambda: self._request(method, endpoint, once, params, json, file, into))
                if answer.status_code not in UNSURE:
                    return self._let_in(answer)
                trouble = answered(answer.status_code)
            except (requests.RequestException, LateError, OSError) as error:
                trouble = told(error)
            final = trouble.lasting or not self.patient or (once and trouble.sent)
            if final or time.monotonic() + pause >= deadline:
                raise self._lost(trouble, endpoint, once)
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

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
        session = requests.Session() if once else self._kept_session()
        opened = file.open("rb") if file and file.stat().st_size else None  # an empty one would be sent in chunks
        try:
            answer = session.request(
                method,
                self.url + endpoint,
                params=params,
                json=json,
                data=opened,
                auth=self._signed,
                verify=(access.ca_bundle or True) if access.verify else False,
                cert=access.client_cert,
                timeout=(access.connect_seconds, access.read_seconds),
                allow_redirects=method == "GET",  # a redirected POST becomes a GET
                stream=into is not None,
            )
            if into is not None and answer.ok:
                with into.open("wb") as target:
                    for chunk in answer.iter_content(CHUNK):
                        target.write(chunk)
            return answer
        finally:
            if opened is not None:
                opened.close()
            if once:  # never on a kept connection, which may be dead already: then nobody knew whether it was sent
                session.close()

    def _kept_session(self) -> requests.Session:
        """Give the session whose connections are kept; a forked process has its own."""
        if self._session is None or self._session[0] != os.getpid():
            self._session = (os.getpid(), requests.Session())
        return self._session[1]

    def _signed(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the login. That this is there at all also keeps a ``.netrc`` from adding another one."""
        access = self.access
        if access.token:
            request.headers["Authorization"] = f"Bearer {access.token}"
        elif access.login and access.password:
            requests.auth.HTTPBasicAuth(access.login.encode(), access.password.encode())(request)
        return request

    def _let_in(self, answer: requests.Response) -> requests.Response:
        if answer.status_code == 401:
            raise BadInput(
                "MLflow does not accept the login" if self._has_login else "MLflow asks for a login",
                where=f"{self.access.where}: {self.access.address}",
                mend="check login and password, or the token, of the connection",
            )
        return answer

    @property
    def _has_login(self) -> bool:
        return bool(self.access.login or self.access.token)

    def _lost(self, trouble: Trouble, endpoint: str, once: bool) -> TrackingUnavailable:
        unsure = "; whether it was done is not known: the next attempt finds out" if once and trouble.sent else ""
        return TrackingUnavailable(
            f"MLflow: {trouble.what}{unsure}",
            where=f"{self.access.where}: {self.access.address}, {endpoint}",
            mend=trouble.mend,
        )


def within(seconds: float, work: Callable[[], T]) -> T:
    """Do something in a thread, and give up on it when its time is over; only this also bounds a name's look-up and a
    server that sends a byte now and then.

    :raises LateError: when the time is over.
    """
    box: queue.SimpleQueue[tuple[bool, Any]] = queue.SimpleQueue()

    def run() -> None:
        try:
            box.put((True, work()))
        except BaseException as error:  # whatever it is, it is raised where it is waited for
            box.put((False, error))

    threading.Thread(target=run, name="mlflow-call", daemon=True).start()
    try:
        good, result = box.get(timeout=max(seconds, 0.001))
    except queue.Empty:
        raise LateError from None
    if good:
        found: T = result
        return found
    raise result
