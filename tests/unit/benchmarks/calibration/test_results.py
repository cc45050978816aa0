from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks.calibration.results import Log, fingerprint, summary, table, tallied


def outcome(study: str = "aa", fired: bool = False, by: tuple[str, ...] = ()) -> dict[str, Any]:
    sizes = {"rows": 100, "reference_rows": 1_000, "columns": 10}
    return {"study": study, **sizes, "fired": fired, "by": list(by)}


def test_outcomes_add_up_by_study_and_size():
    streams = [outcome(fired=i < 3, by=("ks on normal",) if i < 3 else ()) for i in range(200)]
    (row,) = summary(tallied(streams), small=False)
    assert (row["study"], row["streams"], row["fired"], row["rate"]) == ("aa", 200, 3, 0.015)
    assert row["low"] < 0.015 < row["high"] < 0.05
    assert row["holds"] is True
    assert row["by"] == {"ks on normal": 3}
    assert {"study", "rows", "reference_rows", "columns", "streams", "fired", "rate", "low", "high"} <= {*row}


def test_a_bound_that_fails_is_seen_in_the_table():
    rows = summary(tallied([outcome(fired=True, by=("psi on names",))] * 100), small=False)
    assert "FAILS psi on names 100" in table(rows)


def test_what_was_done_is_gone_on_with(tmp_path):
    log = Log(tmp_path / "log" / "drift.jsonl", {"seed": 0})
    log.begin()
    log.add("aa", 0, [outcome()])
    log.add("aa", 1, [outcome(fired=True)])
    found = Log(log.path, {"seed": 0}).read()
    assert {key: [o["fired"] for o in outcomes] for key, outcomes in found.items()} == {
        ("aa", 0): [False],
        ("aa", 1): [True],
    }


def test_a_line_that_was_cut_short_is_done_again(tmp_path):
    log = Log(tmp_path / "drift.jsonl", {"seed": 0})
    log.begin()
    log.add("aa", 0, [outcome()])
    with log.path.open("a") as file:
        file.write('{"family": "aa", "str')
    assert [*log.read()] == [("aa", 0)]
    log.add("aa", 1, [outcome()])
    assert [*log.read()] == [("aa", 0), ("aa", 1)]


def test_outcomes_of_other_code_are_not_gone_on_with(tmp_path):
    log = Log(tmp_path / "drift.jsonl", {"code": "a"})
    log.begin()
    with pytest.raises(SystemExit, match="other code"):
        Log(log.path, {"code": "b"}).read()


def test_code_that_changed_has_another_fingerprint(tmp_path):
    (tmp_path / "a.py").write_text("x = 1")
    before = fingerprint([tmp_path])
    (tmp_path / "a.py").write_text("x = 2")
    assert before != fingerprint([tmp_path])
    assert json.dumps(before)
