"""One token, and a bucket for each address."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_mlops.core.serving.errors import RequestError
from airflow_mlops.model_server import access_control
from airflow_mlops.model_server.access_control import RateLimiter, TokenAuth


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Bearer hus"},
        {"authorization": "Bearer hushh"},
        {"authorization": "Basic hush"},
        {"authorization": "hush"},
        {"authorization": "Bearer h\udce9"},
    ],
)
def test_whoever_has_not_the_token_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(RequestError) as told:
        TokenAuth("hush").check(headers)
    assert (told.value.status, told.value.headers) == (401, {"WWW-Authenticate": "Bearer"})
    assert "hush" not in str(told.value.to_dict())


def test_whoever_has_it_may_ask_and_nobody_can_read_it_back() -> None:
    token = TokenAuth("hush")
    token.check({"authorization": "Bearer hush"})
    token.check({"authorization": "bearer  hush "})
    assert "hush" not in repr(vars(token))
    TokenAuth(None).check({})


@given(
    st.lists(st.floats(0, 0.3), min_size=1, max_size=200),
    st.floats(0.5, 20),
    st.integers(1, 10),
)
def test_an_address_never_gets_more_than_its_burst_and_what_has_filled_up(
    pauses: list[float], rate: float, burst: int
) -> None:
    bucket, now, let = RateLimiter(rate, burst), 100.0, 0
    waits: list[tuple[int, bool]] = []
    for pause in pauses:
        now += pause
        try:
            bucket.acquire("a", now)
            let += 1
        except RequestError as error:
            waits.append((error.status, int(error.headers["Retry-After"]) >= 1))
    assert let <= burst + rate * (now - 100.0) + 1e-6
    assert let >= min(len(pauses), burst)
    assert set(waits) <= {(429, True)}


def test_addresses_do_not_pay_for_each_other_and_are_not_kept_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_control, "MAX_CALLERS", 3)
    bucket = RateLimiter(1, 1)
    for address in "abcde":
        bucket.acquire(address, 1.0)
    assert len(bucket._buckets) == 3
    with pytest.raises(RequestError):
        bucket.acquire("e", 1.0)
    RateLimiter(None).acquire("a", 1.0)
