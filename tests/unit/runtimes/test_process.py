"""What a step's process says becomes lines of the task's log, and an answer or an error in words."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_mlops.core.errors import MlopsError
from airflow_mlops.run.outcome import Outcome
from airflow_mlops.runtimes.process import LONGEST_LINE, Hearing

ANSWER = json.dumps(Outcome({"kind": "run"}).to_dict()).encode() + b"\n"


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n\r")), min_size=1), st.integers(1, 7))
def test_lines_come_whole_however_the_pieces_are_cut(lines: list[str], size: int) -> None:
    heard: list[str] = []
    hearing, said = Hearing(heard.append), "\n".join([*lines, "last"]).encode()
    for at in range(0, len(said), size):
        hearing.said(said[at : at + size])
    hearing.answer(ANSWER)
    hearing.outcome("here")
    assert heard == [*lines, "last"]


def test_the_answer_is_the_first_line_however_it_comes() -> None:
    hearing = Hearing(lambda line: None)
    for at in range(len(ANSWER)):
        hearing.answer(ANSWER[at : at + 1])
    hearing.answer(b"{}\n")
    assert hearing.outcome("here").given == {"kind": "run"}


@pytest.mark.parametrize("answer", [b"", ANSWER[:-1], b"no json\n", b"[1]\n"])
def test_without_a_whole_answer_the_last_lines_are_told(answer: bytes) -> None:
    hearing = Hearing(lambda line: None)
    hearing.said(b"\n".join(b"line %d" % n for n in range(100)))
    hearing.answer(answer)
    with pytest.raises(MlopsError, match="(?s)without an answer.*line 99\n  where: container of i") as told:
        hearing.outcome("container of i")
    assert "line 80" not in str(told.value)


def test_a_line_without_end_does_not_fill_the_memory_and_bytes_that_are_no_text_are_shown() -> None:
    heard: list[str] = []
    hearing = Hearing(heard.append)
    for _ in range(100):
        hearing.said(b"x" * 1000)
    assert all(len(line) <= LONGEST_LINE for line in heard)
    assert heard
    hearing.said(b"\n\xff\xfe\n")
    assert heard[-1] == "\ufffd\ufffd"
