"""The command lists what packages add at each extension point, and what cannot be loaded."""

from __future__ import annotations

import ast
import json
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import pytest

import airflow_mlops
from airflow_mlops.cli import extensions

PACKAGE = Path(airflow_mlops.__file__).parent


def test_every_extension_point_of_the_package_is_listed() -> None:
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.AnnAssign) and "ExtensionPoint[" in ast.unparse(node.annotation):
                module = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
                found.add(f"{module}:{ast.unparse(node.target)}")
    assert found == set(extensions.EXTENSION_POINTS)


def test_groups_and_kinds_are_unique_and_documented() -> None:
    page = (PACKAGE.parents[1] / "docs" / "extending.md").read_text()
    groups = [point.group for point in extensions.extension_points()]
    assert len(set(groups)) == len(groups)
    assert all(f"`airflow_mlops.{group}`" in page for group in groups)


def test_every_built_in_implementation_can_be_loaded() -> None:
    for point in extensions.extension_points():
        for name in point.builtin:
            point.get(name)


def test_nothing_installed_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    extensions.list_extensions(Namespace(all=False, output="table"))
    assert "No package adds anything" in capsys.readouterr().out


def test_all_lists_what_is_built_in(capsys: pytest.CaptureFixture[str]) -> None:
    extensions.list_extensions(Namespace(all=True, output="json"))
    rows = json.loads(capsys.readouterr().out)
    assert {"kind": "metric", "name": "roc_auc", "from": "built in", "problem": ""} in rows


def test_an_entry_point_that_cannot_be_used_is_listed_with_the_reason_and_fails_the_command(
    installed_entry_point: Callable[..., object], capsys: pytest.CaptureFixture[str]
) -> None:
    (metrics,) = [point for point in extensions.extension_points() if point.kind == "metric"]
    path = installed_entry_point(metrics, "roc_auc", "mine", "mine = 1")
    with pytest.raises(SystemExit):
        extensions.list_extensions(Namespace(all=False, output="json"))
    rows = json.loads(capsys.readouterr().out)
    problem = "ignored: 'roc_auc' is a built-in metric"
    assert rows == [{"kind": "metric", "name": "roc_auc", "from": path, "problem": problem}]
