"""The table that a person sees who has to approve."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np

from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.gate import GatePolicy, decide
from airflow_mlops.core.gate.decision_table import render_decision_table


def test_it_says_the_decision_and_the_gain_with_its_bounds(pair: Any) -> None:
    champion, challenger = pair(0, 2000, 0.5, 1.5)
    text = render_decision_table(decide(champion, challenger, GatePolicy(approval="always", floors={"roc_auc": 0.6})))
    assert text.startswith("**hold**: m v2 against m v1, 2,000 gate rows")
    (gain,) = [line for line in text.splitlines() if "minimum gain" in line]
    assert "✅" in gain
    assert " to 0." in gain
    assert "floor roc_auc" in text


def test_what_failed_comes_first_and_says_why(pair: Any) -> None:
    champion, challenger = pair(0, 2000, 1.5, 0.5)
    report = decide(champion, replace(challenger, facts={"bytes": 7.0}), GatePolicy(budgets={"bytes": 5}))
    rows = [line for line in render_decision_table(report).splitlines() if line.startswith("| ")][2:]
    assert "minimum gain" in rows[0]
    assert "budget bytes" in rows[1]
    assert "over the budget" in rows[1]
    assert all("❌" in row for row in rows[:2])


def test_it_says_which_rules_are_about_the_champion_and_puts_them_last(pair: Any) -> None:
    champion, challenger = pair(0, 2000, 0.5, 1.5)
    text = render_decision_table(decide(champion, challenger, GatePolicy()))
    assert 0 < text.index("| rows |") < text.index("| rows (champion) |")
    failing = replace(champion, scores=np.full(2000, np.nan))
    rows = render_decision_table(decide(failing, challenger, GatePolicy())).splitlines()
    assert "(champion)" in next(row for row in rows if "❌" in row)


def test_every_row_has_five_cells_whatever_the_data_say() -> None:
    evil = "<script>|\n| `x` [a](http://b) **c**"
    checks = [Check(evil, "fail", "error", {"gain": evil}, evil, evil, evil) for _ in range(60)]
    report = Report.from_checks("gate", evil, checks, decision="reject", facts={"champion": evil, "rows": 5})
    text = render_decision_table(report)
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(rows) == 17
    for row in rows[2:]:
        assert row.replace("\\|", "").count("|") == 6
    assert "<script" not in text.replace("\\<", "")
    assert "… and 45 more" in text


def test_it_is_bounded_however_long_the_names_are() -> None:
    checks = [Check("n" * 5000, "fail", "error", "o" * 5000, "e" * 5000, "w" * 5000, "m" * 5000) for _ in range(200)]
    assert len(render_decision_table(Report.from_checks("gate", "s" * 5000, checks, decision="reject"))) < 20_000


def test_a_report_from_the_store_gives_the_same_table(pair: Any) -> None:
    champion, challenger = (replace(e, slices={"r": np.arange(2000) % 3}) for e in pair(1, 2000, 1.0, 1.0))
    report = decide(champion, challenger, GatePolicy())
    stored = Report.from_dict(json.loads(report.to_json()))
    assert render_decision_table(stored) == render_decision_table(report)
