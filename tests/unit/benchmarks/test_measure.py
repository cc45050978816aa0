from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.measure import CommandFailed, Usage, measure_command, median_usage
from benchmarks.rules import BROKEN, build_rules, rule_name
from benchmarks.tasks import BENCHMARKS, required_environments, select_tasks


def usage(cpu_s: float, peak_mb: float = 100.0) -> Usage:
    return Usage(cpu_s, 2 * cpu_s, peak_mb, {"verdict": str(cpu_s)})


def test_the_median_counts_beyond_the_median_of_the_imports():
    found = median_usage([usage(3.0), usage(9.0), usage(4.0, 700.0)], [usage(1.0), usage(2.0), usage(1.5)])
    assert (found.cpu_s, found.wall_s, found.peak_mb) == (2.5, 5.0, 100.0)


def test_noise_gives_no_negative_time():
    assert median_usage([usage(1.0)], [usage(1.5)]).cpu_s == 0.0


def test_a_childs_memory_and_last_line_are_seen(tmp_path: Path):
    found = measure_command(
        [sys.executable, "-c", "b = b'x' * 200_000_000; print('noise'); print('{\"verdict\": 7}')"], tmp_path
    )
    assert found.said == {"verdict": 7}
    assert found.peak_mb > 200


def test_a_child_measured_has_one_thread_and_sends_nothing(tmp_path: Path):
    code = "import json, os; print(json.dumps({k: os.environ[k] for k in ('POLARS_MAX_THREADS', 'DO_NOT_TRACK')}))"
    assert measure_command([sys.executable, "-c", code], tmp_path).said == {
        "POLARS_MAX_THREADS": "1",
        "DO_NOT_TRACK": "1",
    }


def test_a_child_that_fails_is_told_with_what_it_wrote(tmp_path: Path):
    with pytest.raises(CommandFailed, match=r"exit code 1(.|\n)*no such peer"):
        measure_command([sys.executable, "-c", "raise SystemExit('no such peer')"], tmp_path)


def test_there_are_thirty_rules_and_four_are_broken():
    names = [rule_name(rule) for rule in build_rules()]
    assert len(names) == len(set(names)) == 30
    assert set(names) >= BROKEN
    assert len(BROKEN) == 4


def test_peers_that_would_take_hours_are_left_out_of_large_data():
    assert {t.tool for t in select_tasks("drift", rows=10_000_000, only=frozenset())} == {"ours", "read limit"}


def test_ours_and_the_read_limit_are_there_whatever_is_asked_for():
    found = {t.tool for t in select_tasks("drift", rows=1_000, only=frozenset({"scipy"}))}
    assert found == {"ours", "read limit", "scipy"}


def test_no_two_tasks_have_the_same_name_and_size():
    for tasks in BENCHMARKS.values():
        keys = [(t.tool, t.name, t.columns) for t in tasks]
        assert len(keys) == len(set(keys))


def test_a_hundred_million_rows_need_one_large_file():
    assert required_environments(select_tasks("drift", rows=100_000_000, only=frozenset({"ours"}))) == {
        "reference",
        "current",
    }
    assert required_environments(select_tasks("validation", rows=1_000, only=frozenset())) == {"rules"}
