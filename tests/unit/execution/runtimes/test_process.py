"""Output of a step becomes log lines, and an outcome or an error."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_mlops.common.errors import MlopsError
from airflow_mlops.execution.runtimes.process import MAX_LINE_LENGTH, StepOutput
from airflow_mlops.execution.steps.outcome import StepOutcome

RESULT = json.dumps(StepOutcome({"kind": "run"}).to_dict()).encode() + b"\n"


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n\r")), min_size=1), st.integers(1, 7))
def test_lines_are_complete_for_any_chunk_size(lines: list[str], size: int) -> None:
    lines_logged: list[str] = []
    output, stderr = StepOutput(lines_logged.append), "\n".join([*lines, "last"]).encode()
    for start in range(0, len(stderr), size):
        output.feed_stderr(stderr[start : start + size])
    output.feed_stdout(RESULT)
    output.outcome("here")
    assert lines_logged == [*lines, "last"]


def test_the_result_is_the_first_line() -> None:
    output = StepOutput(lambda line: None)
    for start in range(len(RESULT)):
        output.feed_stdout(RESULT[start : start + 1])
    output.feed_stdout(b"{}\n")
    assert output.outcome("here").result == {"kind": "run"}


@pytest.mark.parametrize("stdout", [b"", RESULT[:-1], b"no json\n", b"[1]\n"])
def test_without_a_complete_result_the_error_has_the_last_lines(stdout: bytes) -> None:
    output = StepOutput(lambda line: None)
    output.feed_stderr(b"\n".join(b"line %d" % n for n in range(100)))
    output.feed_stdout(stdout)
    with pytest.raises(MlopsError, match="(?s)without a result.*line 99\n  where: container of i") as caught:
        output.outcome("container of i")
    assert "line 80" not in str(caught.value)


def test_long_lines_are_split_and_invalid_bytes_are_replaced() -> None:
    lines_logged: list[str] = []
    output = StepOutput(lines_logged.append)
    for _ in range(100):
        output.feed_stderr(b"x" * 1000)
    assert all(len(line) <= MAX_LINE_LENGTH for line in lines_logged)
    assert lines_logged
    output.feed_stderr(b"\n\xff\xfe\n")
    assert lines_logged[-1] == "\ufffd\ufffd"
