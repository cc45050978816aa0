from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from include.demo import airflow, processes
from include.demo.airflow import OWNED, AirflowStack, StackError
from include.demo.locks import FolderInUseError, FolderLock
from include.demo.processes import MARKER
from include.demo.signals import deferred_signals, interrupted_by_signals


def child(home: Path, code: str) -> subprocess.Popen[str]:
    """A process with the marker of a home, in a session of its own, that has said that it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, MARKER: str(home)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


def test_a_migration_that_fails_shows_the_end_of_the_log_and_leaves_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(airflow.sys, "executable", "/bin/false")
    stack = AirflowStack(tmp_path / "airflow", tmp_path, port=18080)
    with pytest.raises(StackError) as caught:
        stack.start()
    assert "`airflow db migrate` failed" in str(caught.value)
    assert str(tmp_path / "airflow" / "standalone.log") in str(caught.value)
    FolderLock(tmp_path / "airflow").acquire()


def test_a_home_in_use_is_refused(tmp_path: Path) -> None:
    holder = FolderLock(tmp_path / "airflow")
    holder.acquire()
    with pytest.raises(FolderInUseError):
        AirflowStack(tmp_path / "airflow", tmp_path, fresh=True).start()
    holder.release()


def test_a_folder_of_somebody_else_is_never_wiped(tmp_path: Path) -> None:
    home = tmp_path / "precious"
    home.mkdir()
    (home / "thesis.txt").write_text("years of work")
    with pytest.raises(StackError, match="not created by this demo"):
        AirflowStack(home, tmp_path, fresh=True).start()
    assert (home / "thesis.txt").exists()


def test_a_home_of_ours_is_wiped_when_fresh_is_asked_for(tmp_path: Path) -> None:
    home = tmp_path / "airflow"
    home.mkdir()
    (home / OWNED).touch()
    (home / "old.log").touch()
    AirflowStack(home, tmp_path, fresh=True)._wipe()
    assert not home.exists()


def test_stopping_what_never_started_is_harmless(tmp_path: Path) -> None:
    stack = AirflowStack(tmp_path / "airflow", tmp_path)
    stack.stop()
    stack.stop()
    assert not stack.alive()


def test_a_dead_component_is_named(tmp_path: Path) -> None:
    stack = AirflowStack(tmp_path / "airflow", tmp_path)
    dead = subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"])
    dead.wait()
    stack._children["scheduler"] = dead
    with pytest.raises(StackError, match=r"scheduler \(exit 3\) of Airflow ended unexpectedly"):
        stack.check()


def test_a_password_before_the_start_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="not been started"):
        _ = AirflowStack(tmp_path / "airflow", tmp_path).password


def test_only_processes_of_this_home_are_ended_even_stubborn_ones(tmp_path: Path) -> None:
    willing = "import time; print(1, flush=True); time.sleep(99)"
    stubborn = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {willing}"
    ours = [child(tmp_path / "a", stubborn), child(tmp_path / "a", willing)]
    other = child(tmp_path / "b", willing)
    try:
        assert sorted(p.pid for p in processes.members(tmp_path / "a")) == sorted(p.pid for p in ours)
        assert processes.end_all(tmp_path / "a", term_seconds=0.2) == []
        assert ours[0].wait() == -signal.SIGKILL
        assert ours[1].wait() == -signal.SIGTERM
        assert other.poll() is None
    finally:
        for process in (*ours, other):
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_stop_signal_interrupts_even_when_it_was_ignored(number: signal.Signals) -> None:
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with pytest.raises(KeyboardInterrupt, match=number.name), interrupted_by_signals():
            signal.raise_signal(number)
        assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)


def test_a_signal_waits_for_the_end_of_a_protected_block() -> None:
    reached = []

    def protected() -> None:
        with interrupted_by_signals(), deferred_signals():
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGINT)
            reached.append("end")

    with pytest.raises(KeyboardInterrupt):
        protected()
    assert reached == ["end"]
