"""What docs/contracts.md shows can be read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from airflow_mlops.core.data.contracts import Contract
from airflow_mlops.core.data.contracts.column_rules import RULE_NAMES
from airflow_mlops.core.data.contracts.rule_functions import RULE_FUNCTIONS

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "contracts.md").read_text(encoding="utf-8")
CONTRACTS = re.findall(r"```yaml contract\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("text", CONTRACTS, ids=range(len(CONTRACTS)))
def test_each_contract_is_valid(text: str, tmp_path: Path) -> None:
    file = tmp_path / "contract.yaml"
    file.write_text(text, encoding="utf-8")
    contract = Contract.load(file)
    assert set(contract.to_dict()) == set(yaml.safe_load(text))


def test_there_are_contracts_to_try() -> None:
    assert len(CONTRACTS) == TEXT.count("```yaml") >= 6


def test_all_rules_and_functions_are_named() -> None:
    assert [name for name in RULE_NAMES if f"`{name}`" not in TEXT] == []
    assert [name for name in RULE_FUNCTIONS if not re.search(rf"\b{name}\b", TEXT)] == []


def test_its_python_compiles() -> None:
    for code in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL):
        compile(code, "contracts.md", "exec")
