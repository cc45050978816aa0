"""What a version costs and what was decided on it: budgets, self-tests, the gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_mlops.core.evaluation.card.figures import OURS
from airflow_mlops.core.evaluation.card.known import Known, mapping
from airflow_mlops.core.evaluation.gate.policy import FACTS
from airflow_mlops.core.pages import verdicts, words
from airflow_mlops.core.pages.documents import Block, Grid, Interval, Pairs, Section
from airflow_mlops.core.report import Check

COST, TESTS, GATE = "What it costs", "Self-tests", "The gate"
NAMES = {
    "bytes": "Size of all files",
    "predict_ms_per_1000": "All gate rows at once, per 1,000",
    "predict_ms_p50": "One row, half of the calls within",
    "predict_ms_p95": "One row, 95 % of the calls within",
    "batch_ms_p50": "1,000 rows, half of the calls within",
    "batch_ms_p95": "1,000 rows, 95 % of the calls within",
    "load_seconds": "Loading",
    "memory_mb": "Memory, loaded and predicting",
    "train_seconds": "Fitting",
    "train_memory_mb": "Memory while fitting",
}
RESULTS = {"pass": "passed", "fail": "failed", "not_judged": "not judged"}
MOST_SEEN = 80
_FIRST = {"fail": 0, "not_judged": 1, "pass": 2}


def cost(known: Known) -> Section:
    """Set size, time and memory beside the champion's and the gate's budgets."""
    facts = [name for name in FACTS if name in known.ours]
    if not facts:
        return Section.without(COST, known.without("measurements of cost"))
    budgets = _budgets(known)
    head = [
        "",
        OURS,
        *([known.rival] if known.theirs else []),
        *(["Budget", "Kept"] if budgets else []),
    ]
    rows = []
    for name in [*facts, *(name for name in budgets if name not in facts)]:
        row = [NAMES.get(name, words.heading(name)), amount(name, known.ours.get(name))]
        row += [amount(name, known.theirs.get(name))] if known.theirs else []
        rows.append([*row, *budgets.get(name, ("none", ""))] if budgets else row)
    note = "Times are of the machine that evaluated, at that hour."
    return Section.of(COST, Grid.of(head, rows, note=note), lead="" if budgets else "The gate has set no budgets.")


def amount(name: str, value: Any) -> str:
    """Write a fact in its unit: ``671 kB``, ``13.2 ms``, ``0.27 s``, ``21.3 MB``."""
    found = words.number(value)
    if found is None:
        return words.figure(value)
    if name == "bytes":
        return words.size(found)
    unit = "MB" if name.endswith("_mb") else "ms" if "_ms" in name else "s" if name.endswith("_seconds") else ""
    return f"{words.rough(found)} {unit}".strip()


def _budgets(known: Known) -> dict[str, tuple[str, str]]:
    found = {}
    for check in known.gate.checks if known.gate else ():
        if check.name.startswith("budget "):
            name = check.name.removeprefix("budget ")
            limit = str(check.expected).removeprefix("<= ")
            kept = {"pass": "yes", "fail": "no"}.get(check.status, "not judged")
            found[name] = (f"at most {amount(name, _number(limit))}", kept)
    return found


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def self_tests(known: Known) -> Section:
    """List the self-tests and what came of them, failures first."""
    report = known.self_tests
    if report is None:
        return Section.without(TESTS, "no self-tests were given.")
    by_check = {c.name: c for c in report.checks}
    tests = {**{name: c.status for name, c in by_check.items()}, **mapping(report.facts.get("tests"))}
    order = sorted(tests.items(), key=lambda test: _FIRST.get(str(test[1]), 1))
    rows = [(name, RESULTS.get(str(status), str(status)), _words(by_check.get(name))) for name, status in order]
    if not rows:
        return Section.without(TESTS, "the report has no tests.")
    lead = f"{verdicts.tally(report)[:1].upper()}{verdicts.tally(report)[1:]}."
    return Section.of(TESTS, Grid.of(("Test", "Result", ""), rows, texts=True), lead=lead)


def _words(check: Check | None) -> str:
    return words.arrows(check.message) if check is not None else ""


def gate(known: Known) -> Section:
    """Tell the decision, how sure the gain is, and every rule with what was seen."""
    report = known.gate
    if report is None:
        return Section.without(GATE, "no gate has judged this version, as far as this card knows.")
    head = verdicts.headline(report)
    checks = sorted(report.checks, key=lambda c: (_FIRST[c.status], c.severity == "info", c.name != "minimum gain"))
    passed = [c for c in checks if c.status == "pass"]
    left = words.count_of(report.checks_left_out, "more rule")
    note = f"{left} in the report {report.id}." if report.checks_left_out else ""
    stopped = _rules(checks[: len(checks) - len(passed)], note=note)
    lead = f"{head.said}. {head.lead}" if head.lead else f"{head.said}."
    return Section.of(
        GATE, _gain(report.facts), stopped, _rules(passed, folded="Passed"), _entry(known.entry), lead=lead
    )


def _rules(checks: Sequence[Check], *, note: str = "", folded: str = "") -> Block | None:
    """Write rules with what was seen and asked for; a rule that says nothing says which model it was about."""
    rows = [
        (c.name, RESULTS[c.status], words.text(words.seen(c.observed), MOST_SEEN), _asked(c.expected), _of(c))
        for c in checks
    ]
    head = ("Rule", "Result", "Seen", "Asked", "")
    return Grid.of(head, rows, note=note, folded=folded, texts=True) if rows or note else None


def _of(check: Check) -> str:
    return words.arrows(check.message or check.where or "")


def _asked(expected: Any) -> str:
    return words.NOTHING if expected is None else words.arrows(words.figure(expected))


def _gain(facts: Mapping[str, Any]) -> Block | None:
    gain, name = mapping(facts.get("gain")), words.text(facts.get("metric") or "the metric", words.MOST_LABEL)
    value, low, high = (words.number(gain.get(k)) for k in ("value", "low", "high"))
    if value is None or low is None or high is None:
        return None
    said = f"Gain in {name}: {words.signed(value)}, between {words.signed(low)} and {words.signed(high)}"
    said += "; the dashed line is no gain."
    return Interval(f"Gain in {name}", value, low, high, 0.0, said)


def _entry(entry: Mapping[str, Any] | None) -> Block | None:
    if not entry:
        return None
    rows = [
        ("Promoted", words.moment(entry.get("recorded_at"))),
        ("Champion from", words.moment(entry.get("effective_at"))),
        ("Epoch", entry.get("epoch")),
        ("Approved by", entry.get("approver") or "no one is named"),
        ("Reason", entry.get("reason")),
        ("Promoted by", entry.get("actor")),
    ]
    return Pairs.of(rows)
