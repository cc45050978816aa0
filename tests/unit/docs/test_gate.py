"""What the page on the gate shows works as it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from airflow_mlops.core.evaluation import GatePolicy
from airflow_mlops.core.evaluation.gate.policy import FACTS
from airflow_mlops.core.policy import load_section

PAGE = (Path(__file__).parents[3] / "docs" / "gate.md").read_text(encoding="utf-8")


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


def test_every_budget_that_there_is_is_named() -> None:
    assert all(f"`{name}`" in PAGE for name in FACTS)


def test_the_operators_can_be_put_together_as_shown() -> None:
    names: dict[str, Any] = {}
    exec(compile(blocks("python operators")[0], "docs/gate.md", "exec"), names)
    assert "decision_table" in names["hold"].body
    assert names["hold"].defaults == ["Reject"]
