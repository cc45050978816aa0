"""Where a version does well and where not: slices of the gate rows, and groups of people."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from airflow_mlops.core.evaluation.card.figures import OURS
from airflow_mlops.core.evaluation.card.known import Known, mapping
from airflow_mlops.core.evaluation.search import NAME as WORST
from airflow_mlops.core.pages import words
from airflow_mlops.core.pages.documents import Grid, Prose, Section
from airflow_mlops.core.report import Check

SLICES, FAIRNESS = "Slices", "Fairness"
MOST_GROUPS = 8


def slices(known: Known) -> Section:
    """List the slices, the worst first, and the worst that was found by search."""
    if not known.ours:
        return Section.without(SLICES, known.without("slices"))
    found = [c for c in of(known, "slice ") if c.name != WORST]
    searched = [c for c in known.checks if c.name == WORST]
    told = [Prose.of(f"The search for the worst slice: {words.arrows(c.message)}.") for c in searched if c.message]
    if not found:
        lead = "No columns were named to look at slice by slice."
        return Section.of(SLICES, *told, lead=lead) if told else Section.without(SLICES, lead)
    few = sum(c.status == "not_judged" for c in found)
    lead = f"{words.count_of(len(found), 'slice')} of the gate rows, the worst first."
    lead += f" {words.count_of(few, 'slice')} had too few rows to be judged." if few else ""
    rival = [known.rival, "Better by"] if known.theirs else []
    head = ["Slice", "Rows", OURS, *rival, "95 % interval"]
    rows = [_slice(c, compared=bool(known.theirs)) for c in sorted(found, key=lambda c: _badness(known, c))]
    note = f"In {known.metric.name}." if known.metric else ""
    return Section.of(SLICES, Grid.of(head, rows, note=note), *told, lead=lead)


def of(known: Known, prefix: str) -> list[Check]:
    """Give the evaluation's checks of one kind of part."""
    return [c for c in known.checks if str(c.where or "").startswith(prefix)]


def _badness(known: Known, check: Check) -> tuple[bool, float]:
    """Order slices: judged before not judged, and the worst of them first."""
    value = words.number(mapping(check.observed).get("challenger"))
    if value is None:
        return True, math.inf
    higher = known.metric is None or known.metric.direction == "higher"
    return check.status == "not_judged", value if higher else -value


def _slice(check: Check, *, compared: bool) -> list[Any]:
    seen = mapping(check.observed)
    name = str(check.where).removeprefix("slice ")
    judged = check.status != "not_judged"
    row = [name, seen.get("rows"), seen.get("challenger") if judged else "not judged"]
    gain = words.number(seen.get("gain"))
    ends = words.between(seen.get("low"), seen.get("high")).strip(" ()") or words.NOTHING
    if compared:
        row += [seen.get("champion"), words.NOTHING if gain is None else words.signed(float(f"{gain:.3g}"))]
    return [*row, ends]


def fairness(known: Known) -> Section:
    """List how decisions differ between groups."""
    found = [c for c in of(known, "group ") if c.name != "fairness"]
    if not found:
        why = known.without("groups") if not known.ours else "no protected attributes were named, so nothing is known."
        return Section.without(FAIRNESS, why)
    bounds = _bounds(known)
    head = ["Attribute", "Measure", "Largest gap", "95 % interval", "Bound", "By group"]
    rows = [_gap(c, bounds) for c in found]
    note = "The interval of a gap that is truly zero lies above zero. A bound is the gate's; – : it has none."
    return Section.of(FAIRNESS, Grid.of(head, rows, note=note, texts=True), lead=_lead(found))


def _lead(found: list[Check]) -> str:
    thresholds = {words.figure(mapping(c.expected).get("threshold")) for c in found} - {words.NOTHING}
    above = f" A score from {thresholds.pop()} on is a yes." if len(thresholds) == 1 else ""
    return f"How far decisions differ between groups.{above}"


def _bounds(known: Known) -> dict[tuple[str, str], str]:
    """Give the gate's bounds: (attribute, measure) -> the bound and what came of it."""
    found: dict[tuple[str, str], str] = {}
    for check in known.gate.checks if known.gate else ():
        rule, at_most, bound = str(check.expected or "").partition(" <= ")
        if check.name.startswith("fairness ") and at_most:
            kept = {"pass": "kept", "fail": "broken"}.get(check.status, "not judged")
            found[check.name.removeprefix("fairness "), rule] = f"{bound}, {kept}"
    return found


def _gap(check: Check, bounds: Mapping[tuple[str, str], str]) -> list[Any]:
    seen, attribute = mapping(check.observed), str(check.where).removeprefix("group ")
    bound = bounds.get((attribute, check.name), words.NOTHING)
    gap = seen.get("gap") if check.status != "not_judged" else f"not judged: {check.message}"
    ends = words.between(seen.get("low"), seen.get("high")).strip(" ()") or words.NOTHING
    return [attribute, check.name, gap, ends, bound, _rates(mapping(seen.get("rates")))]


def _rates(rates: Mapping[str, Any]) -> str:
    """Write what each group has got: the shares, without the rows they are of."""
    told = []
    for group, of_group in list(rates.items())[:MOST_GROUPS]:
        shares = {k: words.share(v) for k, v in mapping(of_group).items() if k != "rows"}
        named = [f"{words.label(k)} {v}" for k, v in shares.items()] if len(shares) > 1 else list(shares.values())
        told.append(f"{words.text(group, 24)} {', '.join(named)}")
    more = len(rates) - MOST_GROUPS
    return "; ".join(told + ([f"… {more} more"] if more > 0 else [])) or words.NOTHING
