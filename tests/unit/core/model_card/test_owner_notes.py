"""The owners' text: headings, paragraphs and points, from a file or as it is given."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.model_card import OwnerNotes
from airflow_mlops.core.model_card.owner_notes import MAX_CHARACTERS, MAX_SECTIONS

TEXT = """Only for adults,
in one country.

- Not for insurance
- nor for credit

## Use:
Rank them.

# Who made it
The team of churn.
"""


def told(owners: OwnerNotes, name: str) -> list[tuple[bool, list[str]]]:
    return [(prose.is_list, prose.paragraphs) for prose in owners.prose_for(name)]


def test_paragraphs_and_points_keep_their_order_and_what_has_no_heading_are_limits() -> None:
    owners = OwnerNotes.parse(TEXT)
    assert told(owners, "limits") == [
        (False, ["Only for adults, in one country."]),
        (True, ["Not for insurance", "nor for credit"]),
    ]
    assert told(owners, "use") == [(False, ["Rank them."])]
    assert [(title, prose[0].paragraphs) for title, prose in owners.other_sections] == [
        ("Who made it", ["The team of churn."])
    ]


@pytest.mark.parametrize("text", ["limits: for adults", "# Limits\nfor adults", "LIMITS:\nfor adults"])
def test_limits_may_be_named(text: str) -> None:
    assert told(OwnerNotes.parse(text), "limits") == [(False, ["for adults"])]


def test_it_is_read_from_a_file_found_as_imports_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "include").mkdir()
    (tmp_path / "include" / "card.md").write_text(TEXT, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert OwnerNotes.parse("include/card.md") == OwnerNotes.parse(TEXT)
    with pytest.raises(BadInput, match=r"there is no file include/other\.md"):
        OwnerNotes.parse("include/other.md")


@pytest.mark.parametrize("text", [None, "", "  \n "])
def test_nothing_said_is_nothing_told(text: str | None) -> None:
    assert OwnerNotes.parse(text) == OwnerNotes()


def test_a_text_without_end_is_cut_and_says_so() -> None:
    long = OwnerNotes.parse("word " * MAX_CHARACTERS)
    assert long.truncated
    assert sum(len(said) for _, prose in told(long, "limits") for said in prose) < MAX_CHARACTERS
    many = OwnerNotes.parse("\n".join(f"# H{i}\ntext" for i in range(100)))
    assert len(many.sections) == MAX_SECTIONS
