"""What the command line of the benchmarks asks for."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from benchmarks.__main__ import WITHIN, main

Asked = list[dict[str, Any]]


def recorded(monkeypatch: pytest.MonkeyPatch, name: str) -> Asked:
    """Put a recorder in the place of a session; it takes what the session itself would take."""
    asked: Asked = []
    takes = inspect.signature(WITHIN[name])

    def recorder(**said: Any) -> int:
        asked.append(takes.bind(**said).arguments)
        return 3

    monkeypatch.setitem(WITHIN, name, recorder)
    return asked


@pytest.mark.parametrize("name", WITHIN)
def test_what_has_a_session_of_its_own_can_be_asked_for_by_name(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    asked = recorded(monkeypatch, name)
    assert main([name, "--small", "--hold"]) == 3
    assert [(said["small"], said["hold"]) for said in asked] == [(True, True)]


@pytest.mark.parametrize("airflow", [False, True])
def test_sensors_wait_in_a_running_airflow_where_that_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, airflow: bool
) -> None:
    asked = recorded(monkeypatch, "sensors")
    main(["sensors", *(["--airflow"] if airflow else [])])
    assert asked == [{"small": False, "hold": False, "airflow": airflow}]
