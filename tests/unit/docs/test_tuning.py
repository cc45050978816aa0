"""The examples of the page on tuning work as described."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.training.tuning import Tuning
from airflow_mlops.core.training.tuning.settings import DEFAULT_TRIALS, MAX_TRIALS
from airflow_mlops.core.training.tuning.tune import TRIALS_FILE as TABLE

PAGE = (Path(__file__).parents[3] / "docs" / "tuning.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.mark.parametrize("number", [0, 1])
def test_the_dags_can_be_parsed(number: int) -> None:
    names: dict[str, Any] = {}
    exec(compile(blocks("python dag")[number], "docs/tuning.md", "exec"), names)
    assert list(names["dag"].task_ids) == ["split", "tune", "select"]
    assert names["dag"].get_task("tune").is_mapped


def test_the_files_are_valid() -> None:
    first, second = (Tuning.load(yaml.safe_load(block)) for block in blocks("yaml tuning"))
    assert (first.method, len(first.trial_numbers), first.folds) == ("optuna", 40, 3)
    assert first.space["kind"].values == ("standard", "balanced", None)
    assert second.iterations is not None
    assert sum(second.iterations.steps) / second.iterations.steps[-1] == pytest.approx(1.4, abs=0.03)


def test_an_invalid_space_has_the_message_of_the_page() -> None:
    (message,) = re.findall(r"`(space\.learning_rate: .*?)`", PAGE)
    with pytest.raises(BadInput, match=re.escape(message)):
        Tuning.load({"space": {"learning_rate": {"low": 0, "high": 0.3, "log": True}}})


def test_every_setting_is_on_the_page_with_its_default() -> None:
    rows = re.findall(r"^\| (`.*?) \| (.*?) \|", PAGE, flags=re.MULTILINE)
    names = [name for cell, _ in rows for name in re.findall(r"`(\w+)`", cell)]
    assert set(names) == set(Tuning.model_fields) - {"space"}
    defaults = {name: default for cell, default in rows for name in re.findall(r"`(\w+)`", cell)}
    assert (defaults["method"], defaults["trials"], defaults["prune"]) == ("`random`", str(DEFAULT_TRIALS), "`true`")
    assert f"at most {MAX_TRIALS:,}" in PAGE
    assert f"`{TABLE}`" in PAGE
