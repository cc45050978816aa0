"""Blocks bound what they are given, say what they leave out, and come back from the store as they were."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.pages.documents import Bars, Code, Curve, Document, Grid, Interval, Pairs, Prose, Section
from airflow_mlops.core.pages.documents.blocks import MOST_CELL, MOST_ROWS, Block
from airflow_mlops.core.pages.documents.kept import document_of, kept
from airflow_mlops.core.report import Report

LONG = "word " * 20_000


def document(*sections: Section) -> Document:
    return Document("Card", "m v1", "s", "l", "warn", "p", Pairs.of([("a", 1)]), "2026-01-01T00:00", "f", sections)


def through_the_store(made: Document) -> Document:
    report = Report.of("model_card", "m v1", [], facts=kept(made))
    return document_of(Report.from_dict(json.loads(report.to_json())))


anything = st.none() | st.integers() | st.floats() | st.text(max_size=600) | st.lists(st.integers(), max_size=20)
rows = st.lists(st.lists(anything, min_size=3, max_size=3), max_size=60)


@given(rows, st.lists(st.text(max_size=2000), max_size=60))
def test_whatever_a_document_holds_comes_back_from_the_store_as_it_was(cells: list[Any], texts: list[str]) -> None:
    pairs = Pairs.of((str(name), value) for name, value, _ in cells)
    blocks = (
        Prose.of(*texts, points=True),
        pairs,
        Grid.of(("a", "b", "c"), cells, note="n", texts=True),
        Bars.of(("a", "b"), [[*row, 1.0] for row in cells]),
        Curve.of(("x", "y"), {"one": [[0.5, 0.25, 3]], "two": cells}),
        Interval("g", 1.0, 0.5, 2.0, 0.0, "said"),
        Code.of("\n".join(texts)),
    )
    made = document(Section.of("s", *blocks, lead="l"), Section.without("t", "why"))
    assert through_the_store(made) == made


def test_a_long_text_is_whole_again_after_the_store() -> None:
    text = "Every word of it. " * 100
    (block,) = through_the_store(document(Section.of("s", Prose.of(text)))).sections[0].blocks
    assert isinstance(block, Prose)
    assert block.said == [text.strip()]


def test_what_finds_no_room_is_counted() -> None:
    grid = Grid.of(("a",), [(i,) for i in range(MOST_ROWS + 7)], note="Read it so.")
    assert len(grid.rows) == MOST_ROWS
    assert grid.note == "Read it so. 7 more rows left out."
    assert Grid.of(("a",), [(1,)]).note == ""
    assert Prose.of(*map(str, range(MOST_ROWS + 3))).said[-1] == "… and 3 more."
    assert Bars.of(("a", "b"), [[str(i), 1.0, 0.0, 2.0] for i in range(MOST_ROWS + 1)]).note == "1 more row left out."


def test_cells_and_texts_are_bounded() -> None:
    assert len(Grid.of(("a", LONG), [(LONG, LONG)]).rows[0][1]) == MOST_CELL
    assert sum(map(len, Prose.of(LONG).said)) < 20_000
    assert len(Code.of(LONG).lines[0]) < 400


@pytest.mark.parametrize(
    "row", [None, "x", [], ["a", 1.0], ["a", "nan", 0.0, 1.0], ["a", float("inf"), 0.0, 1.0], ["a", None, 0, 1]]
)
def test_a_bar_without_finite_figures_is_left_out(row: Any) -> None:
    assert Bars.of(("a", "b"), [row, ["good", 1, 0, 2]]).rows == (("good", 1.0, 0.0, 2.0),)


@pytest.mark.parametrize("points", [None, "x", 3, [None], [[0.5]], [[0.5, 2.0, 1]], [[0.5, "nan", 1]], [[-0.1, 0, 1]]])
def test_a_curve_that_is_none_is_left_out(points: Any) -> None:
    assert Curve.of(("x", "y"), {"bad": points, "good": [[0.5, 0.5, 1]]}).series == (("good", ((0.5, 0.5, 1),)),)


def test_a_block_of_a_later_version_is_left_out() -> None:
    assert Block.from_dict({"block": "hologram"}) is None
    data = document(Section.of("s", Prose.of("a"))).to_dict()
    data["sections"][0]["blocks"].append({"block": "hologram"})
    assert len(Document.from_dict(data).sections[0].blocks) == 1


@pytest.mark.parametrize("facts", [{}, {"document": 3}, {"document_format": 1, "document": {}},
                                   {"document_format": 2, "document": {"kind": "Card"}},
                                   {**kept(document()), "document_format": 99}])  # fmt: skip
def test_what_is_no_document_is_refused_in_words(facts: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=r"no document but a gate|is not readable here"):
        document_of(Report.of("gate", "s", [], facts=facts))
