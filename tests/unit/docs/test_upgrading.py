"""The page on upgrading names every key that is refused under its old name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from airflow_mlops.common.settings import Settings
from airflow_mlops.core.data.contracts import Contract
from airflow_mlops.core.drift.concept import ConceptPolicy
from airflow_mlops.core.drift.data import DriftPolicy
from airflow_mlops.core.gate import GatePolicy
from airflow_mlops.core.lifecycle import Lifecycle
from airflow_mlops.core.monitoring.performance import PerformancePolicy
from airflow_mlops.core.retraining.policy import EpisodePolicy
from airflow_mlops.core.serving.settings import RequestLimits

PAGE = (Path(__file__).parents[3] / "docs" / "upgrading.md").read_text(encoding="utf-8")
DATA = PAGE.partition("## Keys, tables and words that are data")[2].partition("\n## ")[0]
ROOTS = (
    Contract, ConceptPolicy, DriftPolicy, GatePolicy, Lifecycle, PerformancePolicy, EpisodePolicy, RequestLimits,
)  # fmt: skip


def all_settings(base: type[Settings]) -> list[type[Settings]]:
    ours = [child for child in base.__subclasses__() if child.__module__.startswith("airflow_mlops.")]
    return [base, *(found for child in ours for found in all_settings(child))]


RENAMED = sorted({pair for settings in all_settings(Settings) for pair in settings.renamed.items()})


def test_there_are_renamed_keys() -> None:
    assert all(issubclass(root, Settings) for root in ROOTS)
    assert {("quiet", "recovery_windows"), ("max_share", "max_fraction"), ("rows", "max_rows")} <= set(RENAMED)


@pytest.mark.parametrize(("old", "new"), RENAMED)
def test_a_renamed_key_is_on_the_page(old: str, new: str) -> None:
    rows = [row.split(" | ") for row in DATA.splitlines() if row.startswith("| ")]
    pairs = [(re.findall(r"\w+", row[1]), re.findall(r"\w+", row[2])) for row in rows if len(row) == 3]
    assert any(old in olds and (new in news or f"{old}_threshold" == new) for olds, news in pairs)


def test_the_commands_on_the_page_exist() -> None:
    assert "airflow mlops db upgrade" in PAGE
    assert "db migrate" not in PAGE
