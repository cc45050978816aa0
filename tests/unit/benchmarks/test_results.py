from __future__ import annotations

from typing import Any

import pytest

from benchmarks.results import merge_rows, table, targets, write


def row(tool: str, task: str, cpu_s: float, rows: int = 1_000_000, peak_mb: float = 300.0) -> dict[str, Any]:
    figures = {"cpu_s": cpu_s, "wall_s": cpu_s, "peak_mb": peak_mb}
    return {"tool": tool, "task": task, "rows": rows, "columns": 20, **figures, "verdict": ""}


SESSION = [
    row("read limit", "read", 0.2),
    row("ours", "drift", 0.4),
    row("ours", "drift, with 10^6 names", 0.45),
    row("evidently", "drift, default preset", 40.0),
    row("ours", "imports", 0.5),
]


def test_new_figures_take_the_place_of_old_ones_of_the_same_size_only():
    old = [row("ours", "drift", 9.0), row("ours", "drift", 90.0, rows=10_000_000), row("scipy", "drift", 5.0)]
    found = merge_rows(old, [row("ours", "drift", 1.0)])
    assert [(r["tool"], r["rows"], r["cpu_s"]) for r in found] == [
        ("scipy", 1_000_000, 5.0),
        ("ours", 1_000_000, 1.0),
        ("ours", 10_000_000, 90.0),
    ]


def test_figures_of_other_sizes_stay_in_the_file(tmp_path):
    path = tmp_path / "results" / "drift.json"
    write(path, [row("ours", "drift", 9.0, rows=10_000_000)])
    write(path, [row("ours", "drift", 1.0)])
    write(path, [row("ours", "drift", 2.0)])
    assert path.read_text().count('"ours"') == 2
    assert '"cpu_s": 2.0' in path.read_text()


def test_promises_that_are_kept_are_told_with_what_was_measured():
    held = targets("drift", SESSION, "drift")
    assert all(target.holds for target in held)
    assert [round(target.value, 3) for target in held] == [100.0, 2.0, 300.0, 2.5, 0.5]


@pytest.mark.parametrize(
    ("worse", "says"),
    [
        (row("evidently", "drift, default preset", 27.0), "less CPU than evidently"),
        (row("read limit", "read", 0.15), "times the read limit"),
        (row("ours", "drift", 0.4, peak_mb=501.0), "at most 500 MB"),
        (row("ours", "drift, with 10^6 names", 0.47), "a column of 10^6 names"),
        (row("ours", "imports", 0.81), "imports cost"),
    ],
)
def test_a_promise_that_is_not_kept_is_the_only_one_said_to_be_broken(worse, says):
    session = [worse if (r["tool"], r["task"]) == (worse["tool"], worse["task"]) else r for r in SESSION]
    broken = [target.says for target in targets("drift", session, "drift") if not target.holds]
    assert len(broken) == 1
    assert says in broken[0]


def test_few_rows_are_held_to_no_ratio():
    session = [{**r, "rows": 50_000} for r in SESSION]
    assert [t.says for t in targets("drift", session, "drift")] == ["at most 500 MB", "imports cost at most 0.8 CPU s"]


def test_validation_is_held_against_both_peers():
    session = [
        row("ours", "30 rules", 0.5),
        row("great expectations", "30 rules", 7.0),
        row("pandera polars", "30 rules", 0.6),
    ]
    assert [target.holds for target in targets("validation", session, "30 rules")] == [False, True]


def test_a_session_without_ours_is_held_to_nothing():
    assert targets("drift", [row("scipy", "drift, KS and chi-squared", 5.0)], "drift") == []


def test_ratios_are_to_ours_and_to_the_read_limit():
    line = next(line for line in table(SESSION, "drift").splitlines() if line.startswith("evidently"))
    assert line.split()[-2:] == ["100.00", "200.00"]
