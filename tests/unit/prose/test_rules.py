"""The prose rules find what a reader stumbles over, and leave code alone."""

from __future__ import annotations

import pytest

from tests.prose.rules import check_commit_message, check_docstring, check_markdown

LONG = " ".join(["word"] * 31)


def rules_of(findings: object) -> list[str]:
    return [finding.rule for finding in findings]  # type: ignore[attr-defined]


def test_a_sentence_of_thirty_words_passes_and_one_more_fails() -> None:
    assert rules_of(check_markdown(" ".join(["word"] * 30) + ".\n")) == []
    assert rules_of(check_markdown(LONG + ".\n")) == ["31 words; at most 30"]


def test_a_sentence_over_several_lines_is_counted_as_one_and_named_by_its_first_line() -> None:
    half = " ".join(["word"] * 16)
    findings = list(check_markdown(f"Short.\n\n{half}\n{half}.\n"))
    assert [(f.line, f.rule) for f in findings] == [(3, "32 words; at most 30")]


def test_list_items_and_table_cells_are_sentences_of_their_own() -> None:
    half = " ".join(["word"] * 16)
    assert rules_of(check_markdown(f"- {half}\n- {half}\n\n| {half} | {half} |\n")) == []


@pytest.mark.parametrize("code", ["```\nmend it {0}\n```\n", "Use `mend` here.\n", "    mend {0}\n"])
def test_code_is_not_prose(code: str) -> None:
    assert rules_of(check_markdown(code.format(LONG))) == []


@pytest.mark.parametrize("word", ["mend", "reign", "not_judged", "held against"])
def test_a_word_of_the_old_language_is_found_with_the_word_to_write(word: str) -> None:
    (finding,) = check_markdown(f"This is a {word} of it.\n")
    assert word in finding.rule
    assert "write" in finding.rule


def test_headings_are_in_sentence_case_but_names_keep_their_capitals() -> None:
    assert rules_of(check_markdown("# Roll back in Airflow with PostgreSQL\n")) == []
    assert rules_of(check_markdown("# Roll Back The Champion\n")) == ["title case: Back, The, Champion"]


def test_a_docstring_that_opens_with_give_is_told_to_return() -> None:
    assert rules_of(check_docstring("Give the value.", 1)) == ["opens with 'Give': write Return"]
    assert rules_of(check_docstring("Return the value.\n\n:param x: given by the caller.", 1)) == []


def test_each_parameter_of_a_docstring_is_a_sentence_of_its_own() -> None:
    half = " ".join(["word"] * 16)
    assert rules_of(check_docstring(f"Return it.\n\n:param a: {half}\n:param b: {half}", 1)) == []
    assert rules_of(check_docstring(f"Return it.\n\n:param a: {LONG}", 1)) == ["31 words; at most 30"]


def test_a_commit_subject_has_at_most_72_characters_and_a_blank_line_behind_it() -> None:
    assert rules_of(check_commit_message("Rename the ledger's epoch to revision\n\nWhy.\n")) == []
    assert rules_of(check_commit_message("x" * 73)) == ["the subject has 73 characters; at most 72"]
    assert rules_of(check_commit_message("Rename it.\nno blank line")) == [
        "the subject ends with a full stop",
        "a blank line is missing after the subject",
    ]
    assert rules_of(check_commit_message("\n")) == ["the subject is empty"]
