"""Work in a fork gives what it gives, says how it failed, and all of its processes count."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import NoReturn

import pytest

from benchmarks.forks import ForkError, StageTimes, run_forked, used_modules

BUSY = "import time\nwhile time.process_time() < 0.3: pass"


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests of this process may have left threads, which do no harm to what is forked here."""
    monkeypatch.setattr(threading, "active_count", lambda: 1)


@pytest.mark.usefixtures("alone")
def test_what_the_work_gives_comes_back() -> None:
    assert run_forked(lambda: {"a": [1, 2]}) == {"a": [1, 2]}


@pytest.mark.usefixtures("alone")
def test_a_failure_is_told_with_its_traceback() -> None:
    def broken() -> NoReturn:
        raise ValueError("no rows")

    with pytest.raises(ForkError, match="ValueError: no rows"):
        run_forked(broken)


def test_a_process_with_threads_is_not_forked() -> None:
    done = threading.Event()
    other = threading.Thread(target=done.wait)
    other.start()
    try:
        with pytest.raises(ForkError, match=r"this process has \d+ threads"):
            run_forked(lambda: 1)
    finally:
        done.set()
        other.join()


@pytest.mark.parametrize("waited_for", [True, False])
def test_processor_time_of_children_counts_also_while_they_live(waited_for: bool) -> None:
    spent = StageTimes()
    with spent.of("work"):
        tail = "" if waited_for else "\nprint(flush=True)\nimport sys; sys.stdin.read()"
        child = subprocess.Popen([sys.executable, "-c", BUSY + tail], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert child.stdin
        assert child.stdout
        child.wait() if waited_for else child.stdout.readline()
    child.communicate()
    assert spent.seconds["work"][0] >= 0.25


@pytest.mark.usefixtures("alone")
def test_only_modules_that_are_new_are_named() -> None:
    def work() -> None:
        import json  # noqa: F401
        import this  # noqa: F401

    assert "this" in (found := used_modules([work]))
    assert "json" not in found
