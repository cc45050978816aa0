"""The public interface resolves, names what a type checker sees, and costs nothing to import."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_mlops import api


@pytest.mark.parametrize("name", api.__all__)
def test_every_public_name_resolves(name: str) -> None:
    assert getattr(api, name).__name__ == name


def test_a_type_checker_sees_the_same_names_from_the_same_modules() -> None:
    tree = ast.parse(Path(api.__file__).read_text())
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    typed = {name.name: node.module for node in block.body for name in node.names}  # type: ignore[attr-defined]
    assert typed == {name: f"airflow_mlops.{module}" for name, module in api._HOMES.items()}


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        api.nothing  # noqa: B018


def test_importing_it_imports_no_library() -> None:
    heavy = ("numpy", "pandas", "polars", "mlflow", "sklearn", "sqlalchemy", "airflow")
    code = f"import sys, airflow_mlops.api as api; dir(api); print([m for m in {heavy} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
