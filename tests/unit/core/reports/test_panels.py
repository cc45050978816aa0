"""A check in words: strata of a relation, examples of a rule over several columns, bounds, and what stands first."""

from __future__ import annotations

import re
from typing import Any

from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.reports import render_page
from airflow_mlops.core.reports.check_order import sort_failed
from airflow_mlops.core.reports.panels import CheckPanel


def strata(*labels: tuple[float, float]) -> list[dict[str, Any]]:
    spans = ["< 0.5", ">= 0.5"]
    return [
        {"stratum": of, "rows": 500, "label_reference": before, "label_current": now, "gap": now - before}
        for of, (before, now) in zip(spans, labels, strict=True)
    ]


def relation(where: str | None, *labels: tuple[float, float]) -> Check:
    seen = {"effect": 0.8, "p_value": 1e-9, "p_adjusted": 1e-8, "compared_fraction": 1.0, "strata": strata(*labels)}
    return Check("calibration", "fail", observed=seen, expected="< 0.1 label sd", where=where, message="off")


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_how_often_labels_came_true_is_drawn_stratum_by_stratum() -> None:
    for where, what in ((None, "Score"), ("age", "age")):
        text = text_of(render_page(Report.from_checks("concept_drift", "s", [relation(where, (0.1, 0.9), (0.8, 0.3))])))
        assert f"{what} Reference Current &lt; 0.5 10.0 % 90.0 % &gt;= 0.5 80.0 % 30.0 %" in text
        assert "5 values" not in text
        assert ("P adjusted &lt; 0.0001" in text, "P value" in text) == (True, False)


def test_labels_that_are_no_shares_are_listed() -> None:
    card = CheckPanel.of(relation(None, (12.0, 40.0), (300.0, 310.0)))
    assert card.shape is None
    assert card.tables[0].rows == (("< 0.5", "500", "12", "40"), (">= 0.5", "500", "300", "310"))


def test_examples_of_a_rule_over_several_columns_end_with_all_of_them() -> None:
    observed = {"count": 1, "fraction": 0.1, "examples": [{"casual": 5, "cnt": 12, "day": "d", "registered": 6}]}
    card = CheckPanel.of(Check("riders add up", "fail", observed=observed, where="casual, registered, cnt"))
    assert card.examples is not None
    assert card.examples.head == ("day", "casual", "cnt", "registered")


def test_a_bound_is_told_as_one() -> None:
    observed = {"count": 1, "fraction": 0.1}
    names = {
        rule: [name for name, _ in CheckPanel.of(Check(rule, "fail", observed=observed, expected=1, where="x")).pairs][
            -1
        ]
        for rule in ("min", "max", "min_length", "max_length", "values")
    }
    assert names == {
        "min": "At least", "max": "At most", "min_length": "At least", "max_length": "At most", "values": "Expected"
    }  # fmt: skip


def test_a_column_that_is_gone_stands_before_those_that_moved() -> None:
    checks = [
        Check("drift", "fail", "warn", where="warned"),
        Check("drift", "fail", where="moved"),
        Check("column present", "fail", where="gone"),
        Check("type", "fail", where="turned"),
    ]
    report = Report.from_checks("drift", "s", checks, facts={"largest_effects": [{"column": "moved"}]})
    assert [c.where for c in sort_failed(report)] == ["gone", "turned", "moved", "warned"]
