"""The provider info lists every module of operators, sensors, triggers, hooks, notifiers and links."""

from __future__ import annotations

import inspect
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import BaseHook, BaseNotifier, BaseOperator, BaseOperatorLink
from airflow.triggers.base import BaseTrigger

import airflow_mlops
from airflow_mlops.get_provider_info import get_provider_info

ROOT = Path(airflow_mlops.__file__).parent
INFO = get_provider_info()


def classes_in(folder: str, base: type) -> set[str]:
    """Return the import paths of the public subclasses of a base class in a folder."""
    modules = [import_module(f"airflow_mlops.{folder}.{file.stem}") for file in (ROOT / folder).glob("*.py")]
    return {
        f"{module.__name__}.{name}"
        for module in modules
        for name, value in inspect.getmembers(module, inspect.isclass)
        if issubclass(value, base) and value.__module__ == module.__name__ and not name.startswith("_")
    }


@pytest.mark.parametrize(
    ("kind", "base"),
    [("operators", BaseOperator), ("sensors", BaseOperator), ("triggers", BaseTrigger), ("hooks", BaseHook)],
)
def test_every_module_with_such_a_class_is_listed(kind: str, base: type) -> None:
    (entry,) = INFO[kind]
    listed = entry["python-modules"]
    assert set(listed) == {path.rpartition(".")[0] for path in classes_in(kind, base)}
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize(
    ("kind", "folder", "base", "abstract"),
    [
        ("notifications", "notifications", BaseNotifier, {"airflow_mlops.notifications.base.ReportNotifier"}),
        ("extra-links", "links", BaseOperatorLink, set()),
    ],
)
def test_every_such_class_is_listed(kind: str, folder: str, base: type, abstract: set[str]) -> None:
    assert set(INFO[kind]) == classes_in(folder, base) - abstract


def test_every_import_path_exists() -> None:
    paths = [*INFO["cli"], *(c["hook-class-name"] for c in INFO["connection-types"])]
    for path in [*paths, *(decorator["class-name"] for decorator in INFO["task-decorators"])]:
        module, _, name = path.rpartition(".")
        assert callable(getattr(import_module(module), name)), path


def test_the_documentation_is_the_project_s_and_names_match_the_package() -> None:
    repository = ROOT.parents[1]
    project: dict[str, Any] = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert INFO["package-name"] == project["name"]
    (integration,) = INFO["integrations"]
    assert (repository / integration["external-doc-url"]).is_file()
