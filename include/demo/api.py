"""Requests to Airflow's public REST API for one user: the token, repetition where it may help, lists page by page."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx

Json = dict[str, Any]

API = "/api/v2"
PAGE = 100


class RestError(RuntimeError):
    """
    Airflow's API answered with an error.

    :param status: HTTP status, 0 when there was no answer
    :param message: method, path and what the server said
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Api:
    """
    Requests to one Airflow.

    A request is repeated, a few times with growing pauses, after a connection error or a 5xx answer: SQLite
    answers 500 under load, having changed nothing. So a POST carries an id that makes it safe to repeat (a
    409 then says that the first one arrived). A 401 renews the token once.

    :param base_url: for example ``http://127.0.0.1:8080``
    :param username: user of the simple auth manager
    :param password: that user's password
    :param check: called before a repetition; raises when the processes behind the API have died
    :param retries: how often a request is repeated
    :param pause: seconds before the first repetition, doubled each time
    """

    def __init__(
        self,
        base_url: str,
        username: str,
        password: str,
        check: Callable[[], None] | None = None,
        retries: int = 5,
        pause: float = 0.5,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._credentials = {"username": username, "password": password}
        self.check = check
        self._retries = retries
        self._pause = pause
        self._token: str | None = None
        # trust_env=False: a proxy from the environment must not see requests to loopback.
        # 30 s: SQLite makes the API server wait 5 s for its lock, several times in a row.
        self._http = httpx.Client(base_url=self.base_url, timeout=httpx.Timeout(30, connect=5), trust_env=False)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def login(self) -> None:
        """
        Get a token.

        :raises RestError: when name or password are wrong, or the server does not answer
        """
        answer = self.send("POST", "/auth/token", json=self._credentials)
        if answer.status_code != 201:
            raise error_of(answer)
        self._token = answer.json()["access_token"]

    def request(self, method: str, path: str, **options: Any) -> Json:
        """
        One authenticated request to the public API, repeated when that may help.

        :param method: HTTP method
        :param path: path below ``/api/v2``
        :param options: passed on to httpx: ``json``, ``params``
        :return: the decoded answer, empty for an empty one
        :raises RestError: for any answer from 400 on
        """
        if self._token is None:
            self.login()
        answer = self.send(method, API + path, headers=self._headers(), **options)
        if answer.status_code == 401:
            self.login()
            answer = self.send(method, API + path, headers=self._headers(), **options)
        if answer.status_code >= 400:
            raise error_of(answer)
        return dict(answer.json() or {}) if answer.content else {}  # some PUTs answer `null`

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """
        One request without a token, repeated when that may help.

        :param method: HTTP method
        :param path: the whole path
        :param options: passed on to httpx
        :return: the answer, whatever its status
        :raises RestError: status 0, when there is none
        """
        pause = self._pause
        for attempt in range(self._retries + 1):
            last = attempt == self._retries
            try:
                answer = self._http.request(method, path, **options)
            except httpx.TransportError as error:
                if last:
                    message = f"{method} {self.base_url}{path}: no answer ({type(error).__name__}: {error})"
                    raise RestError(0, message) from error
            else:
                if answer.status_code < 500 or last:
                    return answer
            if self.check is not None:
                self.check()  # no use in knocking at a dead server's door
            time.sleep(pause)
            pause *= 2
        raise AssertionError("unreachable")

    def pages(self, path: str, key: str, **filters: Any) -> list[Json]:
        """
        All entries of a paged list.

        :param path: path below ``/api/v2``
        :param key: under which a page has its entries
        :param filters: query parameters
        """
        found: list[Json] = []
        while True:
            page = self.request("GET", path, params={**filters, "limit": PAGE, "offset": len(found)})
            found.extend(page[key])
            if not page[key] or len(found) >= page["total_entries"]:
                return found


def error_of(answer: httpx.Response) -> RestError:
    """
    What an answer from 400 on says.

    :param answer: it
    """
    request = answer.request
    return RestError(
        answer.status_code, f"{request.method} {request.url}: HTTP {answer.status_code}: {answer.text[:600]}"
    )
