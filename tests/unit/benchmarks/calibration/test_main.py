from __future__ import annotations

import json

import pytest

from benchmarks.calibration import __main__ as program
from benchmarks.calibration.concept_studies import APART, LabelledSize
from benchmarks.calibration.studies import FAMILIES, Outcome, Size
from benchmarks.calibration.work import judged

DONE: list[int] = []


def quiet(seed, stream, size):
    DONE.append(stream)
    yield Outcome("aa", 100, 100, 5, False)


def loud(seed, stream, size):
    yield Outcome("aa", 100, 100, 5, True, ("ks on normal",))


@pytest.fixture
def build(tmp_path, monkeypatch):
    DONE.clear()
    monkeypatch.setattr(program, "BUILD", tmp_path)
    monkeypatch.setattr(program, "use_one_thread", lambda: None)
    monkeypatch.setattr(program, "chosen_size", lambda streams, **_: Size({"aa": streams}))
    monkeypatch.setitem(FAMILIES, "aa", quiet)
    return tmp_path


def test_studies_within_their_bounds_are_written_and_end_well(build, capsys):
    assert program.main(["drift", "--streams", "80"]) == 0
    (row,) = json.loads((build / "calibration-drift.json").read_text())
    assert (row["streams"], row["fired"], row["holds"]) == (80, 0, True)
    assert "0 out of bounds" in capsys.readouterr().out


def test_a_study_out_of_bounds_fails(build, monkeypatch, capsys):
    monkeypatch.setitem(FAMILIES, "aa", loud)
    assert program.main(["drift", "--streams", "80"]) == 1
    assert "FAILS ks on normal 80" in capsys.readouterr().out


def test_a_run_that_was_stopped_goes_on_where_it_was(build):
    program.main(["drift", "--streams", "80"])
    log = build / "calibration" / "drift.jsonl"
    log.write_text("".join(log.read_text().splitlines(keepends=True)[:-3]))  # as if killed before the last three
    DONE.clear()
    assert program.main(["drift", "--streams", "80", "--continue"]) == 0
    assert DONE == [77, 78, 79]


def test_without_continue_everything_is_done_again(build):
    program.main(["drift", "--streams", "5"])
    program.main(["drift", "--streams", "5"])
    assert [*range(5), *range(5)] == DONE


def test_a_small_run_leaves_the_streams_of_a_full_one_alone(build):
    program.main(["drift", "--streams", "80"])
    before = (build / "calibration" / "drift.jsonl").read_text()
    program.main(["drift", "--streams", "80", "--small"])
    assert (build / "calibration" / "drift.jsonl").read_text() == before
    assert (build / "calibration-drift-small.json").exists()


def test_the_small_part_has_every_family_and_few_rows():
    small = program.chosen_size(500, small=True, beside=True)
    assert {*small.streams} == {*FAMILIES}
    assert max(*small.rows, *small.reference_rows) <= 20_000


def test_concept_drift_is_written_beside_drift_and_leaves_it_alone(build, monkeypatch):
    program.main(["drift", "--streams", "80"])
    before = (build / "calibration-drift.json").read_text()
    monkeypatch.setattr(program, "chosen_labelled_size", lambda streams, **_: LabelledSize({"apart one": streams}))
    monkeypatch.setitem(APART, "apart one", quiet)
    assert program.main(["concept", "--streams", "75"]) == 0
    assert [row["streams"] for row in json.loads((build / "calibration-concept.json").read_text())] == [75]
    assert (build / "calibration-drift.json").read_text() == before
    assert (build / "calibration" / "concept.jsonl").exists()


def test_each_calibration_has_its_own_number_of_streams(build):
    program.main(["drift"])
    assert len(DONE) == program.STREAMS["drift"] == 500
    assert program.chosen_labelled_size(200, small=False).streams == dict.fromkeys(APART, 200)
    small = program.chosen_labelled_size(200, small=True)
    assert {*small.streams} < {*APART}
    assert max(*small.rows, small.reference_rows, small.fitted_rows) <= 5_000


def test_evidently_is_beside_the_full_run_with_forty_streams_unless_left_out():
    assert program.chosen_size(500, small=False, beside=True).streams["evidently"] == 40
    assert "evidently" not in program.chosen_size(500, small=False, beside=False).streams


def test_two_processes_see_what_one_sees():
    size = Size({}, rows=(100,), reference_rows=(100,), widths=(5,))
    todo = [("aa", 0, stream, size) for stream in range(3)]
    assert sorted(judged(todo, 2)) == sorted(judged(todo, 1))
