"""What the page on drift shows works as it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from airflow_mlops.core.data.contracts import Contract
from airflow_mlops.core.drift.concept import ConceptPolicy
from airflow_mlops.core.drift.data import DriftPolicy

PAGE = (Path(__file__).parents[3] / "docs" / "drift.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def test_the_code_runs_and_finds_what_it_is_about(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    for code in blocks("python"):
        exec(compile(code, "docs/drift.md", "exec"), names)
    printed = capsys.readouterr().out
    assert "drift of current against reference: fail" in printed
    assert "age: drift: mean 31.83 -> 38.5" in printed
    assert "concept_drift of current against reference: fail" in printed


def test_the_policies_are_valid() -> None:
    assert DriftPolicy.load(yaml.safe_load(blocks("yaml drift")[0])).columns["age"].numeric_threshold == 0.2
    assert Contract.load(yaml.safe_load(blocks("yaml contract")[0])).label == "left"
    assert ConceptPolicy.load(yaml.safe_load(blocks("yaml concept")[0])).effect_threshold == 0.1


def test_the_defaults_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([0-9.]+) \|", PAGE, flags=re.MULTILINE)
    assert len(rows) == 7
    policy = DriftPolicy()
    assert {name: float(value) for name, value in rows} == {name: getattr(policy, name) for name, _ in rows}
