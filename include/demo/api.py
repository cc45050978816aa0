"""HTTP client for Airflow's public REST API: authentication, retries and pagination."""

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

    :param status: HTTP status, 0 when there was no response
    :param message: method, path and the server's message
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Api:
    """
    HTTP client of one Airflow.

    A request is retried with exponential backoff after a connection error or a 5xx response: with SQLite the
    server responds 500 under load without changing anything. A POST carries an id that makes it safe to retry
    (a 409 then means that the first one arrived). A 401 renews the token once.

    :param base_url: for example ``http://127.0.0.1:8080``
    :param username: user of the simple auth manager
    :param password: that user's password
    :param check: called before a retry; raises when the processes behind the API have died
    :param retries: maximum number of retries
    :param pause: seconds before the first retry, doubled each time
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

        :raises RestError: when the credentials are wrong, or the server does not respond
        """
        response = self.send("POST", "/auth/token", json=self._credentials)
        if response.status_code != 201:
            raise to_error(response)
        self._token = response.json()["access_token"]

    def request(self, method: str, path: str, **options: Any) -> Json:
        """
        Send an authenticated request to the public API, with retries.

        :param method: HTTP method
        :param path: path below ``/api/v2``
        :param options: passed on to httpx: ``json``, ``params``
        :return: the decoded response, empty for an empty body
        :raises RestError: for status 400 and above
        """
        if self._token is None:
            self.login()
        response = self.send(method, API + path, headers=self._headers(), **options)
        if response.status_code == 401:
            self.login()
            response = self.send(method, API + path, headers=self._headers(), **options)
        if response.status_code >= 400:
            raise to_error(response)
        return dict(response.json() or {}) if response.content else {}  # some PUTs respond with `null`

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """
        Send a request without a token, with retries.

        :param method: HTTP method
        :param path: the full path
        :param options: passed on to httpx
        :return: the response, of any status
        :raises RestError: status 0, when there is no response
        """
        pause = self._pause
        for attempt in range(self._retries + 1):
            last = attempt == self._retries
            try:
                response = self._http.request(method, path, **options)
            except httpx.TransportError as error:
                if last:
                    message = f"{method} {self.base_url}{path}: no response ({type(error).__name__}: {error})"
                    raise RestError(0, message) from error
            else:
                if response.status_code < 500 or last:
                    return response
            if self.check is not None:
                self.check()  # fail early when the server has died
            time.sleep(pause)
            pause *= 2
        raise AssertionError("unreachable")

    def pages(self, path: str, key: str, **filters: Any) -> list[Json]:
        """
        Return all entries of a paginated list.

        :param path: path below ``/api/v2``
        :param key: key of the entries in a page
        :param filters: query parameters
        """
        entries: list[Json] = []
        while True:
            page = self.request("GET", path, params={**filters, "limit": PAGE, "offset": len(entries)})
            entries.extend(page[key])
            if not page[key] or len(entries) >= page["total_entries"]:
                return entries


def to_error(answer: httpx.Response) -> RestError:
    """
    Return the error for a response of status 400 or above.

    :param answer: the response
    """
    request = answer.request
    return RestError(
        answer.status_code, f"{request.method} {request.url}: HTTP {answer.status_code}: {answer.text[:600]}"
    )
