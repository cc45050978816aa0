"""Container configuration: mounts, user and labels."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from airflow_mlops.common.errors import BadInput
from airflow_mlops.execution.runtimes import Docker
from airflow_mlops.execution.runtimes.container import STORE_LABEL, TASK_LABEL, ContainerConfig, parse_mount


def config(folders: list[str], project: str | None = None, **settings: Any) -> ContainerConfig:
    return ContainerConfig(Docker(image="i", **settings), "d/r/t/-1", "postgresql://db/mlops", folders, project)


def test_by_default_local_folders_are_writable_and_the_code_is_read_only(tmp_path: Path) -> None:
    container = config(["/data"], str(tmp_path))
    assert container.mounts == [(str(tmp_path), str(tmp_path), True), ("/data", "/data", False)]
    assert container.user == f"{os.getuid()}:{os.getgid()}"


def test_code_inside_a_mounted_folder_is_not_mounted_twice(tmp_path: Path) -> None:
    inside = tmp_path / "project"
    inside.mkdir()
    assert config([str(tmp_path)], str(inside)).mounts == [(str(tmp_path), str(tmp_path), False)]


def test_code_of_the_image_is_not_mounted(tmp_path: Path) -> None:
    assert config([], str(tmp_path / "not-here")).mounts == []
    assert config([]).mounts == []


def test_explicit_mounts_replace_the_defaults_and_keep_the_image_s_user() -> None:
    container = config(["/data"], "/", mounts=("snapshots:/data", "/code:/project:ro"))
    assert container.mounts == [("snapshots", "/data", False), ("/code", "/project", True)]
    assert container.user is None


@pytest.mark.parametrize("text", ["", "volume", "volume:target", ":/target", "a:/b:rx"])
def test_an_invalid_mount_is_rejected(text: str) -> None:
    with pytest.raises(BadInput, match="is not a valid mount"):
        parse_mount(text)


def test_labels_identify_the_task_and_the_installation() -> None:
    first, other = config([]), ContainerConfig(Docker(image="i"), "d/r/t/-1", "postgresql://other/mlops")
    assert first.labels[TASK_LABEL] == other.labels[TASK_LABEL] == "d/r/t/-1"
    assert first.labels[STORE_LABEL] != other.labels[STORE_LABEL]
    assert "postgresql" not in str(first.labels)
