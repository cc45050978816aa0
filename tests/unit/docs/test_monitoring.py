"""What the page on monitoring shows works as it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import yaml

from airflow_mlops.core.retraining.candidates import StartFrom
from airflow_mlops.core.retraining.policy import DEFAULT_RULES, EpisodePolicy

PAGE = (Path(__file__).parents[3] / "docs" / "monitoring.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def test_the_operators_can_be_made_as_shown() -> None:
    names: dict[str, Any] = {}
    for code in blocks("python"):
        exec(compile(code, "docs/monitoring.md", "exec"), names)
    assert names["performance"].reevaluate_stale is True
    assert names["step"].against == "previous"


def test_the_training_is_mapped_over_what_it_starts_from_as_shown() -> None:
    names: dict[str, Any] = {}
    (code,) = blocks("python start")
    exec(compile(code, "docs/monitoring.md", "exec"), names)
    assert names["candidates"].start_from == "champion"
    assert names["train"].expand_input.value.operator is names["candidates"]


def test_every_start_of_a_retraining_is_explained() -> None:
    table = PAGE.partition("| `start_from` | what is fitted |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)`", table, flags=re.MULTILINE)) == set(get_args(StartFrom))


def test_the_policy_is_valid() -> None:
    policy = EpisodePolicy.load(yaml.safe_load(blocks("yaml episode")[0]))
    assert (policy.rule("performance").fail, policy.rule("performance").warn) == ("roll_back", "notify")
    assert policy.retraining.start_from == "champion"


def test_the_defaults_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([0-9]+|none) \|", PAGE, flags=re.MULTILINE)
    assert len(rows) == 9
    policy = EpisodePolicy()
    told = {name: None if value == "none" else int(value) for name, value in rows}
    assert told == {name: getattr(policy, name) for name, _ in rows}
    assert {kind: rule.fail for kind, rule in DEFAULT_RULES.items()} == {
        "drift": "retrain",
        "concept_drift": "retrain",
        "performance": "retrain",
        "prediction_drift": "notify",
        "performance_estimate": "notify",
    }
