"""What is not known of a version: what was not judged, what nobody looked at, what the contract does not cover."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_mlops.core.evaluation.card.about import promise
from airflow_mlops.core.evaluation.card.known import Known, mapping
from airflow_mlops.core.evaluation.card.owners import LIMITS, MOST_CHARACTERS
from airflow_mlops.core.pages import words
from airflow_mlops.core.pages.documents import Prose, Section
from airflow_mlops.core.report import Check, Report

MOST_NAMED = 12


def limits(known: Known) -> Section:
    """List them, the owners' own words first."""
    own = known.owners.of(LIMITS)
    if known.owners.cut:
        own.append(Prose.of(f"The owners' text is cut after {words.figure(MOST_CHARACTERS)} characters."))
    found = [*_of_the_judgement(known), *_of_the_evidence(known), *_of_the_contract(known)]
    lead = "" if own else "The model's owners have written down no limits of their own."
    return Section.of("Limits", *own, Prose.of(*dict.fromkeys(found), points=True) if found else None, lead=lead)


def _of_the_judgement(known: Known) -> Iterator[str]:
    """Name what could not be judged."""
    for what, report in (("evaluation", known.evaluation), ("gate", known.gate), ("self-tests", known.self_tests)):
        if report is None:
            yield f"This card was made without any {what}."
            continue
        silent = [c for c in report.checks if c.status == "not_judged"]
        if silent:
            more = f" and {len(silent) - MOST_NAMED} more" if len(silent) > MOST_NAMED else ""
            yield f"Not judged in the {what}: {'; '.join(map(_named, silent[:MOST_NAMED]))}{more}."
        yield from _warned(what, report)
        if report.checks_left_out:
            left = words.count_of(report.checks_left_out, "check")
            yield f"{left} of the {what} could not be kept, and are not on this card."


def _named(check: Check) -> str:
    return ": ".join(words.text(part, 120) for part in (check.where or check.name, check.message) if part)


def _warned(what: str, report: Report) -> Iterator[str]:
    for check in report.failed:
        if check.severity == "warn" and check.message:
            yield f"The {what} warns: {words.sentence(check.message)}"


def _of_the_evidence(known: Known) -> Iterator[str]:
    """Name what nobody has looked at."""
    if not known.ours:
        return
    if known.ours.get("seen_rows") != 0:
        seen = known.ours.get("seen_rows")
        told = "It is not known how many" if seen is None else words.figure(seen)
        yield f"{told} of the gate rows were in its training or selection data: the figures may flatter it."
    partition = mapping(known.fact("evidence")).get("partition")
    if known.rows is not None:
        of_when = f" of {words.text(partition)}" if partition else ""
        yield f"All figures are of {words.count_of(known.rows, 'gate row')}{of_when}; nothing is known of other data."
    if not known.fact("slices"):
        yield "No columns were named to look at slice by slice."
    if not known.fact("groups"):
        yield "No protected attributes were named: whether it treats groups of people alike is not known."


def _of_the_contract(known: Known) -> Iterator[str]:
    """Name the inputs of which nothing is promised."""
    if known.contract is None:
        yield "It has no contract: nothing checks what it is given."
        return
    columns = known.contract.columns
    bare = [name for name in known.contract.features if not promise(columns[name])]
    if bare:
        more = f" and {len(bare) - MOST_NAMED} more" if len(bare) > MOST_NAMED else ""
        names = ", ".join(words.text(name, words.MOST_LABEL) for name in bare[:MOST_NAMED])
        yield f"The contract promises only the type of {names}{more}: any value of it passes."
    if not known.contract.checks:
        yield "The contract has no rule across columns."
    if known.contract.freshness is None:
        yield "The contract does not say how old the data may be."
