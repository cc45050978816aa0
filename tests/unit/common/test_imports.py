"""Import paths and files are resolved, or an error says why not."""

from __future__ import annotations

import os.path
from pathlib import Path

import pytest

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.imports import find_file, resolve_callable


@pytest.mark.parametrize("target", ["os.path:join", "os.path.join", os.path.join])
def test_a_function_is_found_by_colon_by_dot_or_is_itself(target: object) -> None:
    assert resolve_callable(target) is os.path.join  # type: ignore[arg-type]


def test_an_attribute_of_a_class_is_found() -> None:
    assert resolve_callable("pathlib:Path.home")() == Path.home()


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("join", "is not an import path"),
        (":join", "is not an import path"),
        ("os.path:", "is not an import path"),
        ("no_such_package.module:f", "cannot import 'no_such_package.module'"),
        ("os.path:jion", "'os.path' has no 'jion'"),
        ("os:sep", "is a str, not a function"),
    ],
)
def test_an_error_names_the_invalid_part_of_a_path(target: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        resolve_callable(target)


def test_a_file_is_found_from_the_entries_of_sys_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "include").mkdir()
    (tmp_path / "include" / "policy.yaml").write_text("gate: {}")
    with pytest.raises(BadInput, match="there is no file include/policy.yaml"):
        find_file("include/policy.yaml")
    monkeypatch.syspath_prepend(tmp_path)
    assert find_file("include/policy.yaml").read_text() == "gate: {}"
    assert find_file(tmp_path / "include" / "policy.yaml").is_absolute()


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no file"):
        find_file(tmp_path)
