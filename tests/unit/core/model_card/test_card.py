"""The card says what is known, section by section, names what is not, and makes nothing up."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.model_card import (
    CardInputs,
    OwnerNotes,
    TrainingRunFacts,
    build_card_report,
    build_model_card,
)
from airflow_mlops.core.reports.documents import ReportDocument, load_document, render_document_markdown, render_html

Make = Callable[..., CardInputs]
SECTIONS = [
    "Overview", "Performance", "Gate decision", "Data", "Inputs", "Parameters", "Overfitting", "Calibration", "Slices",
    "Fairness", "Feature importance", "Resource usage", "Model tests", "Limitations", "Usage",
]  # fmt: skip
EVIL = "<script>alert(1)</script>|\n# x " + "a" * 100_000


def section(known: CardInputs, title: str) -> str:
    """A section of the card, as Markdown."""
    text = render_document_markdown(build_model_card(known))
    return re.split(r"^## ", text.split(f"## {title}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def missing(card: ReportDocument) -> list[str]:
    return [s.title for s in card.sections if s.missing]


@pytest.mark.parametrize("task", ["binary", "regression", "multiclass"])
@pytest.mark.parametrize("champion", [True, False])
def test_every_section_is_there_and_filled_when_everything_is_known(task: str, champion: bool, known: Make) -> None:
    card = build_model_card(known(task, champion))
    assert [s.title for s in card.sections] == SECTIONS
    assert missing(card) == []
    assert all(s.title in render_html(card) for s in card.sections)


def test_nothing_known_is_all_missing_and_no_figure_stands_there(known: Make) -> None:
    nothing = dict.fromkeys(["evaluation", "gate", "self_tests", "run", "contract", "split", "entry", "cutoff"])
    card = build_model_card(known(**nothing, data={}))
    assert missing(card) == [s for s in SECTIONS if s not in ("Overview", "Limitations", "Usage")]
    assert "There is no gate decision." in card.lead
    assert card.tone == "none"
    assert card.key_values.rows == ()
    text = render_document_markdown(card)
    assert "0." not in re.sub(r"`.*?`|[0-9a-f]{32,}|\d+:\d+", "", text)
    for said in ("no report of the evaluation", "no report of the gate", "It has no contract"):
        assert said in text


def test_it_says_what_it_is_and_where_it_came_from(known: Make) -> None:
    said = section(known(), "Overview")
    for part in ("Model: m", "Version: 2", "Digest of its files (SHA-256): " + "d" * 64, "Trained by: d/r",
                 "Code: git:abc", "Python: 3.11", "revision 3", "Estimator: sklearn.pipeline.Pipeline",
                 "Predicts: left · two classes"):  # fmt: skip
        assert part in said
    assert "The MLflow run was deleted" in section(known(run=None), "Overview")
    assert "Became champion: no" in section(known(entry=None), "Overview")


def test_metrics_stand_side_by_side_with_intervals_and_the_direction_that_is_better(known: Make) -> None:
    said = section(known(), "Performance")
    assert "| Metric | This version | 95 % interval | Champion v1 | 95 % interval | Gain |" in said
    assert "| roc_auc ↑ | 0.84 | 0.756 to 0.924 | 0.8148 | 0.733 to 0.896 | +0.0252 |" in said
    assert "| log_loss ↓ | 0.41 | 0.369 to 0.451 | 0.3977 | 0.358 to 0.437 | −0.0123 |" in said
    assert "on 1,700 rows that it had never seen." in said
    alone = section(known(champion=False), "Performance")
    assert "Champion" not in alone
    assert "There was no champion to compare it with." in alone


@pytest.mark.parametrize(
    ("seen", "said"),
    [(0, "that it had never seen"), (None, "it is not known whether"), (7, "of which it had seen 7")],
)
def test_rows_that_it_had_seen_are_told_beside_the_figure(seen: Any, said: str, known: Make, made: Any) -> None:
    report = made("evaluation")
    report.facts["roles"]["challenger"]["seen_rows"] = seen
    assert said in section(known(evaluation=report), "Performance")
    assert ("may be too optimistic" in section(known(evaluation=report), "Limitations")) == (seen != 0)


def test_a_figure_that_is_none_is_written_as_none(known: Make, made: Any) -> None:
    report = made("evaluation")
    report.facts["roles"]["challenger"]["metrics"]["roc_auc"] = "nan"
    said = section(known(evaluation=report), "Performance")
    assert "| roc_auc ↑ | not a number | 0.756 to 0.924 | 0.8148 | 0.733 to 0.896 | – |" in said


def test_an_evaluation_that_came_to_nothing_says_why_in_each_section(known: Make) -> None:
    broken = Report.from_checks(
        "evaluation", "m v2", [Check("evaluated", "fail", message="the model raised ValueError")]
    )
    card = build_model_card(known(evaluation=broken))
    assert {"Performance", "Slices", "Fairness", "Calibration", "Resource usage"} < {*missing(card)}
    assert "the evaluation failed: The model raised ValueError." in render_document_markdown(card)


def test_overfitting_is_this_version_s_and_not_the_champion_s(known: Make) -> None:
    said = section(known(), "Overfitting")
    assert "Small: roc_auc 0.9 on training rows." in said
    assert "the champion's" not in said


def test_calibration_is_drawn_for_both_and_only_in_binary_tasks(known: Make) -> None:
    assert "| This version | 10.0 % | 12.0 % | 50 |" in section(known(), "Calibration")
    assert "| Champion v1 | 80.0 % | 77.0 % | 50 |" in section(known(), "Calibration")
    assert 'class="curve"' in render_html(build_model_card(known()))
    assert "another task" in section(known("regression"), "Calibration")
    assert 'class="curve"' not in render_html(build_model_card(known("regression")))


@pytest.mark.parametrize(("task", "order"), [("binary", ["south", "north", "islet"]),
                                            ("regression", ["north", "south", "islet"])])  # fmt: skip
def test_the_worst_slice_stands_first_and_what_was_not_judged_last(task: str, order: list[str], known: Make) -> None:
    said = section(known(task), "Slices")
    assert re.findall(r"region=(\w+)", said) == order
    assert "inconclusive" in said.split("region=islet")[1]
    assert "1 slice had too few rows" in said
    assert "mean loss 0.7 in age > 60" in said


def test_fairness_has_the_bound_of_the_gate_beside_the_gap(known: Make) -> None:
    said = section(known(), "Fairness")
    assert "| sex | demographic parity | 0.09 | 0.05 to 0.13 | 0.1, passed | f 31.0 %; m 22.0 % |" in said
    assert "A score from 0.3 on is a positive decision." in said
    assert "| 0.05 to 0.13 | – |" in section(known(gate=None), "Fairness")


def test_two_rates_of_a_group_are_told_apart(known: Make, made: Any) -> None:
    report = made("evaluation")
    rates = {"f": {"rows": 900, "false_positives": 0.085, "true_positives": 0.346}}
    odds = Check("equalised odds", "pass", "info", {"gap": 0.1, "rates": rates}, None, "group sex")
    report = Report.from_checks("evaluation", report.subject, [odds], facts=report.facts)
    assert "| f false positives 8.5 %, true positives 34.6 % |" in section(known(evaluation=report), "Fairness")


def test_costs_have_units_and_stand_beside_their_budgets(known: Make, made: Any) -> None:
    said = section(known(gate=made("gate", decision="reject")), "Resource usage")
    assert "| Size of all files | 671 kB | 671 kB | at most 500 kB | no |" in said
    assert "| One row, median | 13.2 ms | 13.2 ms | none |  |" in said
    assert "The gate policy has no budgets." in section(known(gate=None), "Resource usage")


def test_a_failed_self_test_stands_first_with_its_reason(known: Make) -> None:
    said = section(known(), "Model tests")
    assert said.index("direction of age | failed | older people scored higher") < said.index("reload | passed")


def test_the_gate_s_decision_its_gain_and_every_rule_are_told_the_broken_ones_first(known: Make, made: Any) -> None:
    card = build_model_card(known(gate=made("gate", decision="reject")))
    assert (card.tone, card.status) == ("fail", "reject · fail")
    said = section(known(gate=made("gate", decision="reject")), "Gate decision")
    assert said.startswith("\nReject. Bytes are over the budget.")
    assert "Gain in roc_auc: +0.02, between +0.01 and +0.03" in said
    rules = re.findall(r"^\| (budget bytes|rows|minimum gain) \| (\w+)", said, flags=re.MULTILINE)
    assert rules == [("budget bytes", "failed"), ("minimum gain", "passed"), ("rows", "passed")]
    assert "Approved by: ann" in said


def test_limits_name_what_was_not_judged_and_what_the_contract_leaves_open(known: Make) -> None:
    said = section(known(), "Limitations")
    for part in ("Inconclusive in the evaluation: slice region=islet: 12 rows", "constrains only the type of remark:",
                 "1,700 gate rows of 2026-04", "does not limit the age", "no rules across columns",
                 "have documented no limits"):  # fmt: skip
        assert part in said
    assert "no report of the" not in said
    assert "The evaluation warns: The champion's is large." in said


def test_limits_say_when_nobody_asked_for_slices_or_groups(known: Make, made: Any) -> None:
    said = section(known(evaluation=made("evaluation", slices=[], groups=[])), "Limitations")
    assert "No slice columns were configured" in said
    assert "No protected attributes were configured" in said


def test_the_owners_words_stand_where_they_belong(known: Make) -> None:
    owners = OwnerNotes.parse("Not for children.\n# Use\nRank people.\n# Contact\nThe team.")
    card = known(owners=owners)
    assert section(card, "Limitations").startswith("\nNot for children.")
    assert section(card, "Usage").startswith("\nRank people.")
    assert section(card, "Contact").strip() == "The team."


@pytest.mark.parametrize("what", ["evaluation", "gate", "self_tests"])
def test_a_report_of_another_version_or_of_other_files_is_refused(what: str, known: Make, made: Any) -> None:
    other = {
        "evaluation": {"roles": {"challenger": {"digest": "e" * 64}}},
        "gate": {"binding": {"model": "m", "version": 3, "digest": "d" * 64}},
        "self_tests": {"digest": "e" * 64},
    }
    with pytest.raises(BadInput, match="not the"):
        known(**{what: made(what, **other[what])})
    kinds = {"evaluation": "gate", "gate": "self_tests", "self_tests": "evaluation"}
    with pytest.raises(BadInput, match=f"not the {what.removesuffix('s')} of m v2"):
        known(**{what: made(kinds[what])})


def test_the_same_evidence_gives_the_same_card_also_out_of_the_store(known: Make, made: Any) -> None:
    reports = {what: Report.from_dict(made(what).to_dict()) for what in ("evaluation", "gate", "self_tests")}
    first, second = known(**reports), known(**reports)
    assert build_model_card(first) == build_model_card(second)
    kept = Report.from_dict(build_card_report(build_model_card(first), first, report_id="i").to_dict())
    assert load_document(kept) == build_model_card(first)


def test_its_report_names_version_reports_and_missing_sections(known: Make) -> None:
    of = known(self_tests=None)
    report = build_card_report(build_model_card(of), of, report_id="i" * 32)
    assert (report.id, report.kind, report.subject, report.decision) == ("i" * 32, "model_card", "m v2", "promote")
    assert set(report.facts["reports"]) == {"evaluation", "gate"}
    assert [c.name for c in report.checks if c.status != "pass"] == ["Model tests"]
    assert report.verdict == "pass"


def test_hostile_names_are_escaped_and_bounded_everywhere(known: Make, made: Any) -> None:
    evaluation = made("evaluation")
    evaluation.facts["roles"]["challenger"]["importance"] = [[EVIL, 0.1, 0.0, 0.2]] * 30
    evaluation.facts["roles"]["challenger"]["metrics"][EVIL] = EVIL
    checks = [Check(EVIL, "inconclusive", "info", {EVIL: EVIL}, EVIL, f"slice {EVIL}{i}", EVIL) for i in range(300)]
    checks += [Check(EVIL, "pass", "info", {"rates": {EVIL: {EVIL: 1.0}}}, {"threshold": EVIL}, f"group {EVIL}", EVIL)]
    evaluation = Report.from_checks("evaluation", "m v2", [*evaluation.checks, *checks], facts=evaluation.facts)
    gate = made("gate")
    gate = Report.from_checks("gate", "m v2", [*gate.checks, *checks], decision=EVIL, facts=gate.facts)
    of = known(
        evaluation=evaluation,
        gate=gate,
        self_tests=made("self_tests", tests={EVIL: EVIL}),
        run=TrainingRunFacts(
            {EVIL: EVIL, "target": EVIL}, {"mlops.dag_run": EVIL}, {}, {"type": EVIL, "params": {EVIL: EVIL}}
        ),
        owners=OwnerNotes.parse(f"# {EVIL}\n{EVIL}"),
        candidate=EVIL,
        actor=EVIL,
        artifact_uri=EVIL,
        cutoff=EVIL,
        split={"method": EVIL, EVIL: EVIL},
        data={"train": {"dataset": EVIL, "rows": EVIL}, EVIL: {EVIL: EVIL}},
        entry={"revision": EVIL, "reason": EVIL, "effective_at": EVIL},
    )
    card = build_model_card(of)
    page, text = render_html(card), render_document_markdown(card)
    assert "<script" not in page
    assert not re.search(r"^(?!    ).*(?<!\\)<script", text, flags=re.MULTILINE)
    assert not re.search(r"^# x", text, flags=re.MULTILINE)
    assert len(page.encode()) < 430_000
    assert len(text) < 260_000
    assert load_document(Report.from_dict(build_card_report(card, of, report_id="i").to_dict())) == card
