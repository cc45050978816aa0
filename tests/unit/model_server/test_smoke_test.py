"""A served version is the same when each prediction is, to a part in 10^9."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_mlops.core.serving.container_paths import PORT
from airflow_mlops.model_server import smoke_test


@pytest.mark.parametrize(
    ("expected", "given", "says"),
    [
        ([0.5, None], [0.5, None], None),
        ([0.5], [0.5 + 1e-12], None),
        ([0.5], [0.5001], "row 0: got 0.5001, batch scoring returned 0.5"),
        ([0.5, 0.1], [0.5], "1 predictions for 2 rows"),
        ([0.5], [None], "row 0"),
        ([{"score": "a", "score_0": 0.5}], [{"score": "a", "score_0": 0.5}], None),
        ([{"score": "a"}], [{"score": "b"}], "row 0"),
        ([{"score": "a"}], [0.5], "row 0"),
    ],
)
def test_what_differs_is_told(expected: list[Any], given: list[Any], says: str | None) -> None:
    found = smoke_test.first_difference(expected, given)
    assert found is None if says is None else says in str(found)


def test_it_asks_the_port_that_the_server_has() -> None:
    assert smoke_test.PORT == PORT


def test_it_says_that_it_is_a_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[dict[str, str]] = []
    monkeypatch.setattr(smoke_test, "_request", lambda method, path, body, headers: told.append(headers))
    smoke_test.send_request({}, None)
    smoke_test.send_request({}, "hush")
    assert [one[smoke_test.SMOKE_TEST_HEADER] for one in told] == ["1", "1"]
    assert [one.get("Authorization") for one in told] == [None, "Bearer hush"]
