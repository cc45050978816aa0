"""What the page on the gate shows works as it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from airflow_mlops.common.policy import load_section
from airflow_mlops.core.gate import GatePolicy
from airflow_mlops.core.gate.policy import BUDGET_FACTS

REPO = Path(__file__).parents[3]
PAGE = (REPO / "docs" / "gate.md").read_text(encoding="utf-8")
CAPITALS = {"ASCII", "IBAN", "FAILED", "HTML", "HTTP", "HTTPS", "JSON", "POST", "README", "REST", "YAML"}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def test_the_code_runs_and_decides_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = blocks("python")
    exec(compile(code, "docs/gate.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "gate of churn v2: promote" in printed
    assert "gate of churn v2: reject\n  - churn v2: budget bytes: bytes 9e+06 is over the budget of 1e+06" in printed


def test_the_policy_is_valid() -> None:
    policy = load_section(GatePolicy, yaml.safe_load(blocks("yaml policy")[0]), "gate")
    assert policy.slices is not None
    assert policy.slices.columns == ("region", "plan")
    assert policy.self_tests == "required"


def test_every_budget_is_named() -> None:
    assert all(f"`{name}`" in PAGE for name in BUDGET_FACTS)


def test_the_operators_can_be_put_together_as_shown() -> None:
    names: dict[str, Any] = {}
    exec(compile(blocks("python operators")[0], "docs/gate.md", "exec"), names)
    assert "decision_table" in names["hold"].body
    assert names["hold"].defaults == ["Reject"]


@pytest.mark.parametrize(
    "path", sorted((*REPO.glob("*.md"), *(REPO / "docs").rglob("*.md"))), ids=lambda path: str(path.relative_to(REPO))
)
def test_no_page_has_a_placeholder(path: Path) -> None:
    prose = re.sub(r"```.*?```|`[^`]*`|\b[A-Z]+\.md\b", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    words = {word for word in re.findall(r"\b[A-Z][A-Z_]{3,}\b", prose) if not word.startswith("SIG")}
    assert words <= CAPITALS, "a placeholder, or an abbreviation that is missing in CAPITALS"


def test_the_power_table_has_a_row_for_each_gain_of_the_study() -> None:
    rows = re.findall(r"^\| \+?(0[.\d]*) \| \d+ % \(.*?\) \| \d+ % \(.*?\) \|$", PAGE, flags=re.MULTILINE)
    assert rows == ["0", "0.01", "0.02", "0.04"]
