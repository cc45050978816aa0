"""The configuration of a container: its mounts, its user, its labels."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from airflow_mlops.core.errors import BadInput
from airflow_mlops.runtimes.container import STORE, TASK, Wanted, parsed_mount
from airflow_mlops.runtimes.settings import Docker


def wanted(folders: list[str], project: str | None = None, **settings: Any) -> Wanted:
    return Wanted(Docker(image="i", **settings), "d/r/t/-1", "postgresql://db/mlops", folders, project)


def test_without_mounts_it_gets_what_is_kept_here_to_write_and_the_code_to_read(tmp_path: Path) -> None:
    found = wanted(["/kept"], str(tmp_path))
    assert found.mounts == [(str(tmp_path), str(tmp_path), True), ("/kept", "/kept", False)]
    assert found.user == f"{os.getuid()}:{os.getgid()}"


def test_code_inside_a_folder_that_it_gets_is_not_mounted_twice(tmp_path: Path) -> None:
    inside = tmp_path / "project"
    inside.mkdir()
    assert wanted([str(tmp_path)], str(inside)).mounts == [(str(tmp_path), str(tmp_path), False)]


def test_code_that_is_in_the_image_alone_is_not_mounted(tmp_path: Path) -> None:
    assert wanted([], str(tmp_path / "not-here")).mounts == []
    assert wanted([]).mounts == []


def test_mounts_that_are_named_are_all_that_it_gets_and_the_image_says_who_it_is() -> None:
    found = wanted(["/kept"], "/", mounts=("snapshots:/data", "/code:/project:ro"))
    assert found.mounts == [("snapshots", "/data", False), ("/code", "/project", True)]
    assert found.user is None


@pytest.mark.parametrize("text", ["", "volume", "volume:target", ":/target", "a:/b:rx"])
def test_what_is_no_mount_is_told(text: str) -> None:
    with pytest.raises(BadInput, match="is no mount"):
        parsed_mount(text)


def test_labels_tell_the_task_and_the_installation() -> None:
    one, other = wanted([]), Wanted(Docker(image="i"), "d/r/t/-1", "postgresql://elsewhere/mlops")
    assert one.labels[TASK] == other.labels[TASK] == "d/r/t/-1"
    assert one.labels[STORE] != other.labels[STORE]
    assert "postgresql" not in str(one.labels)
