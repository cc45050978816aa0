"""Blocks bound what they are given, say what they leave out, and come back from the store as they were."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.report import Report
from airflow_mlops.core.reports.documents import (
    BarsBlock,
    CodeBlock,
    CurveBlock,
    DocumentSection,
    IntervalBlock,
    PairsBlock,
    ProseBlock,
    ReportDocument,
    TableBlock,
)
from airflow_mlops.core.reports.documents.blocks import MAX_CELL_LENGTH, MAX_ROWS, DocumentBlock
from airflow_mlops.core.reports.documents.storage import document_facts, load_document

LONG = "word " * 20_000


def document(*sections: DocumentSection) -> ReportDocument:
    return ReportDocument(
        "Card", "m v1", "s", "l", "warn", "p", PairsBlock.of([("a", 1)]), "2026-01-01T00:00", "f", sections
    )


def through_the_store(made: ReportDocument) -> ReportDocument:
    report = Report.from_checks("model_card", "m v1", [], facts=document_facts(made))
    return load_document(Report.from_dict(json.loads(report.to_json())))


anything = st.none() | st.integers() | st.floats() | st.text(max_size=600) | st.lists(st.integers(), max_size=20)
rows = st.lists(st.lists(anything, min_size=3, max_size=3), max_size=60)


@given(rows, st.lists(st.text(max_size=2000), max_size=60))
def test_whatever_a_document_holds_comes_back_from_the_store_as_it_was(cells: list[Any], texts: list[str]) -> None:
    pairs = PairsBlock.of((str(name), value) for name, value, _ in cells)
    blocks = (
        ProseBlock.of(*texts, is_list=True),
        pairs,
        TableBlock.of(("a", "b", "c"), cells, note="n", is_text=True),
        BarsBlock.of(("a", "b"), [[*row, 1.0] for row in cells]),
        CurveBlock.of(("x", "y"), {"one": [[0.5, 0.25, 3]], "two": cells}),
        IntervalBlock("g", 1.0, 0.5, 2.0, 0.0, "said"),
        CodeBlock.of("\n".join(texts)),
    )
    made = document(DocumentSection.of("s", *blocks, lead="l"), DocumentSection.missing_section("t", "why"))
    assert through_the_store(made) == made


def test_a_long_text_is_whole_again_after_the_store() -> None:
    text = "Every word of it. " * 100
    (block,) = through_the_store(document(DocumentSection.of("s", ProseBlock.of(text)))).sections[0].blocks
    assert isinstance(block, ProseBlock)
    assert block.paragraphs == [text.strip()]


def test_what_finds_no_room_is_counted() -> None:
    grid = TableBlock.of(("a",), [(i,) for i in range(MAX_ROWS + 7)], note="Read it so.")
    assert len(grid.rows) == MAX_ROWS
    assert grid.note == "Read it so. 7 more rows omitted."
    assert TableBlock.of(("a",), [(1,)]).note == ""
    assert ProseBlock.of(*map(str, range(MAX_ROWS + 3))).paragraphs[-1] == "… and 3 more."
    assert (
        BarsBlock.of(("a", "b"), [[str(i), 1.0, 0.0, 2.0] for i in range(MAX_ROWS + 1)]).note == "1 more row omitted."
    )


def test_cells_and_texts_are_bounded() -> None:
    assert len(TableBlock.of(("a", LONG), [(LONG, LONG)]).rows[0][1]) == MAX_CELL_LENGTH
    assert sum(map(len, ProseBlock.of(LONG).paragraphs)) < 20_000
    assert len(CodeBlock.of(LONG).lines[0]) < 400


@pytest.mark.parametrize(
    "row", [None, "x", [], ["a", 1.0], ["a", "nan", 0.0, 1.0], ["a", float("inf"), 0.0, 1.0], ["a", None, 0, 1]]
)
def test_a_bar_without_finite_figures_is_left_out(row: Any) -> None:
    assert BarsBlock.of(("a", "b"), [row, ["good", 1, 0, 2]]).rows == (("good", 1.0, 0.0, 2.0),)


@pytest.mark.parametrize("points", [None, "x", 3, [None], [[0.5]], [[0.5, 2.0, 1]], [[0.5, "nan", 1]], [[-0.1, 0, 1]]])
def test_a_curve_that_is_none_is_left_out(points: Any) -> None:
    assert CurveBlock.of(("x", "y"), {"bad": points, "good": [[0.5, 0.5, 1]]}).series == (("good", ((0.5, 0.5, 1),)),)


def test_a_block_of_a_later_version_is_left_out() -> None:
    assert DocumentBlock.from_dict({"block": "hologram"}) is None
    data = document(DocumentSection.of("s", ProseBlock.of("a"))).to_dict()
    data["sections"][0]["blocks"].append({"block": "hologram"})
    assert len(ReportDocument.from_dict(data).sections[0].blocks) == 1


@pytest.mark.parametrize("facts", [{}, {"document": 3}, {"document_format": 1, "document": {}},
                                   {"document_format": 2, "document": {"kind": "Card"}},
                                   {**document_facts(document()), "document_format": 99}])  # fmt: skip
def test_what_is_no_document_is_refused_in_words(facts: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=r"has no document; its kind is gate|cannot read the document"):
        load_document(Report.from_checks("gate", "s", [], facts=facts))
