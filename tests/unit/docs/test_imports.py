"""Pages import from the public interface alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPO = Path(__file__).parents[3]
PAGES = [REPO / "README.md", *sorted((REPO / "docs").rglob("*.md"))]
PRIVATE = re.compile(
    r"^\s*(?:>>> )?(?:from|import) +airflow_mlops(?:\.| +import +)(?:core|store|common|execution)\b.*", re.MULTILINE
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_imports_no_private_module(page: Path) -> None:
    assert PRIVATE.findall(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "line",
    [
        "from airflow_mlops.core.data.validation import validate",
        "    import airflow_mlops.store.ledger",
        "from airflow_mlops import core",
        ">>> from airflow_mlops.common.errors import BadInput",
    ],
)
def test_a_private_import_is_noticed(line: str) -> None:
    assert PRIVATE.search(f"text\n{line}\n")


def test_a_public_import_is_none() -> None:
    assert not PRIVATE.search("from airflow_mlops.api import validate\nfrom airflow_mlops.operators.drift import X\n")
