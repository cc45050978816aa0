"""Requests end in time, say what went wrong, and are repeated only where that makes nothing twice."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.tracking import Access, TrackingUnavailable
from airflow_mlops.core.tracking.transport import Transport


def transport(uri: str, **how: Any) -> Transport:
    given = {"connect_seconds": 2.0, "read_seconds": 2.0, "overall_seconds": 3.0, **how}
    return Transport(Access(uri, **given))


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
def test_an_unsure_answer_is_asked_again_only_where_that_is_safe(stub: Any, answer: Any, status: int) -> None:
    stub.answers = [answer(status), answer(status), answer(200, "good")]
    assert transport(stub.url).send("POST", "/x", once=False).text == "good"
    assert len(stub.asked) == 3
    stub.answers = [answer(status), answer(200)]
    with pytest.raises(TrackingUnavailable, match=f"it responded with status {status}; it is unknown"):
        transport(stub.url).send("POST", "/x", once=True)
    assert len(stub.asked) == 4


@pytest.mark.parametrize("status", [200, 400, 403, 404, 500])
def test_a_sure_answer_is_given_as_it_is(stub: Any, answer: Any, status: int) -> None:
    stub.answers = [answer(status, "said")]
    assert transport(stub.url).send("POST", "/x", once=False).status_code == status
    assert len(stub.asked) == 1


def test_a_server_that_stays_busy_is_given_up(stub: Any, answer: Any) -> None:
    stub.answers = [answer(503)]
    with pytest.raises(TrackingUnavailable, match="it responded with status 503\n"):
        transport(stub.url, overall_seconds=0.5).send("GET", "/x", once=False)
    assert len(stub.asked) > 1


def test_a_call_that_cannot_have_come_through_is_repeated_even_if_it_makes_something(
    stub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, connect = [], socket.create_connection
    real = Transport._request

    def refused_once(self: Transport, *args: Any) -> Any:
        made.append(args)
        if len(made) == 1:
            self.url = "http://127.0.0.1:1"
        try:
            return real(self, *args)
        finally:
            self.url = stub.url

    monkeypatch.setattr(Transport, "_request", refused_once)
    assert transport(stub.url).send("POST", "/runs/create", once=True).status_code == 200
    assert (len(made), len(stub.asked)) == (2, 1)
    assert connect is socket.create_connection


@pytest.fixture
def trickle() -> Iterator[str]:
    """A server that gives a byte of its answer now and then, for ever: no single read takes long."""
    over = threading.Event()
    listening = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        with listening.accept()[0] as connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while not over.wait(0.05):
                connection.sendall(b"x")

    threading.Thread(target=drip, daemon=True).start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    over.set()
    listening.close()


def test_a_server_that_never_comes_to_an_end_is_given_up(trickle: str) -> None:
    with pytest.raises(TrackingUnavailable, match="did not respond completely in time"):
        transport(trickle, overall_seconds=0.5).send("POST", "/x", once=True)


def test_a_server_that_is_silent_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        uri = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(
            TrackingUnavailable,
            match="did not respond completely in time; it is unknown",
        ):
            transport(uri, read_seconds=0.2).send("POST", "/x", once=True)


def test_a_closed_port_and_an_unknown_host_are_told_apart() -> None:
    with pytest.raises(TrackingUnavailable, match="nothing listens at its port\n"):
        transport("http://127.0.0.1:1", overall_seconds=1).send("POST", "/x", once=True)
    with pytest.raises(TrackingUnavailable, match="its host is unknown"):
        transport("http://no-such-host.invalid", overall_seconds=1).send("GET", "/x", once=False)


def test_login_and_token_are_sent_and_a_netrc_adds_none(
    stub: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login other password other\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "of the environment")
    for how in ({"login": "ann", "password": "pä:ss"}, {"token": "t-1"}, {}):
        transport(stub.url, **how).send("GET", "/x", once=False)
    sent = [headers.get("Authorization") for _, _, headers in stub.asked]
    assert sent == ["Basic YW5uOnDDpDpzcw==", "Bearer t-1", None]


def test_a_refused_login_is_bad_input_so_that_no_retry_is_wasted(stub: Any, answer: Any) -> None:
    stub.answers = [answer(401)]
    with pytest.raises(BadInput, match="MLflow requires a login"):
        transport(stub.url).send("GET", "/x", once=False)
    with pytest.raises(BadInput, match="does not accept the login") as raised:
        transport(stub.url, login="ann", password="canary-7").send("GET", "/x", once=False)
    assert "canary-7" not in str(raised.value)


def test_a_post_is_not_redirected_into_a_get(stub: Any, answer: Any) -> None:
    stub.answers = [answer(301, Location="/elsewhere"), answer(200)]
    assert transport(stub.url).send("POST", "/x", once=True).status_code == 301
    assert len(stub.asked) == 1


def test_the_path_of_the_tracking_uri_is_kept(stub: Any) -> None:
    transport(f"{stub.url}/team/a/").send("GET", "/api/x", once=False, params={"q": "1"})
    assert stub.asked[0][:2] == ("GET", "/team/a/api/x?q=1")


def test_a_certificate_that_is_not_trusted_is_named(tls_stub: Any, certificate: Path) -> None:
    with pytest.raises(TrackingUnavailable, match=r"TLS: its certificate is not trusted \(self.signed"):
        transport(tls_stub.url).send("GET", "/x", once=False)
    assert transport(tls_stub.url, ca_bundle=str(certificate)).send("GET", "/x", once=False).ok
    assert transport(tls_stub.url, verify=False).send("GET", "/x", once=False).ok


@pytest.mark.parametrize("tls_stub", [True], indirect=True)
def test_a_client_certificate_is_shown_where_it_is_asked_for(tls_stub: Any, certificate: Path) -> None:
    pem = str(certificate)
    assert transport(tls_stub.url, ca_bundle=pem, client_cert=pem).send("GET", "/x", once=False).ok
    with pytest.raises(TrackingUnavailable):
        transport(tls_stub.url, ca_bundle=pem).send("GET", "/x", once=False)


def test_tls_asked_of_a_server_without_it_is_named(stub: Any) -> None:
    with pytest.raises(TrackingUnavailable, match="it does not use TLS"):
        transport(stub.url.replace("http:", "https:")).send("GET", "/x", once=False)


def test_a_missing_bundle_is_named(stub: Any) -> None:
    uri = stub.url.replace("http:", "https:")
    with pytest.raises(TrackingUnavailable, match="/no/such.pem"):
        transport(uri, ca_bundle="/no/such.pem").send("GET", "/x", once=False)
