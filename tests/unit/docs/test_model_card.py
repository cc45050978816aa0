"""What the page on model cards shows works as it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from airflow_mlops.core.evaluation.card import Known, Owners, model_card
from airflow_mlops.core.pages.documents.blocks import MOST_ROWS
from airflow_mlops.core.pages.documents.html import MOST_BYTES

PAGE = (Path(__file__).parents[3] / "docs" / "model-card.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def test_the_code_writes_a_card_that_names_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    (code,) = blocks("python")
    exec(compile(code, "docs/model-card.md", "exec"), names)
    printed = capsys.readouterr().out
    assert printed.startswith("# Model card: churn v3\n")
    assert "Not for prices." in printed
    assert "missing: Slices: no evaluation was given." in printed
    assert names["page"].startswith("<!doctype html>")


def test_the_step_stands_where_the_page_puts_it() -> None:
    names: dict[str, Any] = {}
    (code,) = blocks("python operators")
    exec(compile(code, "docs/model-card.md", "exec"), names)
    assert names["card"].upstream_task_ids == {"promote", "reject"}
    assert names["card"].trigger_rule == "none_failed_min_one_success"


def test_the_owners_text_goes_where_the_page_says() -> None:
    (text,) = blocks("markdown card")
    owners = Owners.read(text)
    assert [prose.points for prose in owners.of("limits")] == [False, True]
    assert owners.of("use")[0].said == ["Call the two hundred with the highest score each Monday."]
    assert [title for title, _ in owners.others] == ["Contact"]


def test_every_section_is_in_the_table_in_its_order() -> None:
    told = re.findall(r"^\| ([A-Z][\w -]+?) \|", PAGE, flags=re.MULTILINE)
    card = model_card(Known(model="m", version=1, digest="d", run_id="r", candidate="c"))
    assert told == [section.title for section in card.sections]


def test_the_bounds_are_those_of_the_code() -> None:
    assert f"at most {MOST_ROWS}" in " ".join(PAGE.split())
    assert MOST_BYTES + 50_000 < 500_000
