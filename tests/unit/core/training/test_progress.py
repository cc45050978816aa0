"""Long work gives signs of life, short work none, and none comes after its end."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from airflow_mlops.core.training.progress import heartbeat


class Clockwork(threading.Event):
    """An event whose waiting is done at once, so often as told; then it waits for the work's end."""

    def __init__(self, beats: int) -> None:
        super().__init__()
        self.beats, self.seconds, self.done = beats, 0.0, threading.Event()

    def wait(self, timeout: float | None = None) -> bool:
        if self.beats == 0:
            self.done.set()
            return super().wait(30)  # the end of the work, with a deadline
        assert timeout is not None
        self.beats -= 1
        self.seconds += timeout
        return False


def said(beats: int) -> Iterator[str]:
    lines: list[str] = []
    over = Clockwork(beats)
    with heartbeat(
        "fitting c", interval=60, log_line=lambda *a: lines.append(a[0] % a[1:]), clock=lambda: over.seconds, done=over
    ):
        assert over.done.wait(30)
    assert not any(t.name == "heartbeat" and t.is_alive() for t in threading.enumerate())
    return iter(lines)


def test_each_sign_says_how_long_it_has_taken() -> None:
    first, second = said(2)
    assert first.startswith("fitting c: 60 s so far")
    assert second.startswith("fitting c: 120 s so far")


def test_short_work_says_nothing() -> None:
    assert list(said(0)) == []


def test_work_that_fails_ends_the_signs_too() -> None:
    over = Clockwork(0)
    with pytest.raises(ZeroDivisionError), heartbeat("c", done=over):
        1 / 0  # noqa: B018
    assert over.is_set()
