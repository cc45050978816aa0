"""The examples of the page on model cards work as described."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from airflow_mlops.core.model_card import CardInputs, OwnerNotes, build_model_card
from airflow_mlops.core.reports.documents.blocks import MAX_ROWS
from airflow_mlops.core.reports.documents.html_writer import MAX_BYTES

PAGE = (Path(__file__).parents[3] / "docs" / "model-card.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def test_the_step_stands_where_the_page_puts_it() -> None:
    names: dict[str, Any] = {}
    (code,) = blocks("python operators")
    exec(compile(code, "docs/model-card.md", "exec"), names)
    assert names["card"].upstream_task_ids == {"promote", "reject"}
    assert names["card"].trigger_rule == "none_failed_min_one_success"


def test_the_owners_text_goes_where_the_page_says() -> None:
    (text,) = blocks("markdown card")
    owners = OwnerNotes.parse(text)
    assert [prose.is_list for prose in owners.prose_for("limits")] == [False, True]
    assert owners.prose_for("use")[0].paragraphs == ["Call the two hundred with the highest score each Monday."]
    assert [title for title, _ in owners.other_sections] == ["Contact"]


def test_every_section_is_in_the_table_in_its_order() -> None:
    titles = re.findall(r"^\| ([A-Z][\w -]+?) \|", PAGE, flags=re.MULTILINE)
    card = build_model_card(CardInputs(model="m", version=1, digest="d", run_id="r", candidate="c"))
    assert titles[1:] == [section.title for section in card.sections]


def test_the_bounds_are_those_of_the_code() -> None:
    assert f"at most {MAX_ROWS}" in " ".join(PAGE.split())
    assert MAX_BYTES + 50_000 < 500_000
