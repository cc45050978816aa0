"""The code on the pages about checks, drift methods and dialects works."""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl
import pytest
import yaml

from airflow_mlops.core.data.contracts import Contract
from airflow_mlops.core.data.contracts.contract_check import CONTRACT_CHECKS
from airflow_mlops.core.data.database import DIALECTS
from airflow_mlops.core.data.profiles import profile
from airflow_mlops.core.data.validation import validate
from airflow_mlops.core.drift.data import DriftPolicy, check_drift
from airflow_mlops.core.drift.data.drift_methods import DRIFT_METHODS

DOCS = Path(__file__).parents[3] / "docs"


def block(page: str, label: str) -> str:
    """Return the first code block with a label, which is indented below a step."""
    text = (DOCS / page).read_text(encoding="utf-8")
    match = re.search(rf"^( *)```{label}\n(.*?)^\1```", text, flags=re.DOTALL | re.MULTILINE)
    assert match is not None
    return textwrap.dedent(match[2])


@pytest.fixture
def acme(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A function that makes the first code block of a page a module of the package ``acme``."""
    monkeypatch.setitem(sys.modules, "acme", ModuleType("acme"))

    def install(page: str, name: str) -> ModuleType:
        module = ModuleType(name)
        exec(compile(block(page, "python"), page, "exec"), module.__dict__)
        monkeypatch.setitem(sys.modules, name, module)
        return module

    yield install
    for point in (CONTRACT_CHECKS, DRIFT_METHODS, DIALECTS):
        for name in [name for name in point._loaded if name.startswith("acme.")]:
            del point._loaded[name]


def test_the_check_on_the_page_counts_violations(acme: Any) -> None:
    module = acme("extending-checks.md", "acme.checks")
    contract = Contract.load(yaml.safe_load(block("extending-checks.md", "yaml contract")))
    rows = pl.DataFrame({"account": ["DE89370400440532013000", "DE12", "FR7630006000011234567890189", None]})
    (check,) = [check for check in validate(rows, contract).checks if check.name == "acme.checks:iban"]
    assert (check.status, check.severity, check.observed["count"]) == ("fail", "warn", 2)
    assert "'DE'" in module.iban.violates_sql("account", None, "DE")


def test_the_drift_method_on_the_page_measures_a_category(acme: Any) -> None:
    acme("extending-drift.md", "acme.drift")
    policy = DriftPolicy.load(yaml.safe_load(block("extending-drift.md", "yaml drift")))
    reference = profile(pl.DataFrame({"plan": ["a", "b"] * 200}))
    current = profile(pl.DataFrame({"plan": ["a", "a", "a", "b"] * 100}), like=reference)
    (check,) = [check for check in check_drift(reference, current, policy).checks if check.where == "plan"]
    assert check.observed["signals"]["acme.drift:hellinger"]["effect"] == pytest.approx(0.1846, abs=1e-3)


def test_the_dialect_on_the_page_is_one(acme: Any) -> None:
    acme("extending-dialects.md", "acme.sql")
    assert DIALECTS.get("acme.sql:CockroachDialect")().pattern("a|b") == "^(a|b)$"
