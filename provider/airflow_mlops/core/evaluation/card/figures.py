"""How good a version is: metrics, overfitting, calibration, and which features it goes by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_mlops.core.evaluation.card.known import CHALLENGER, Known, mapping
from airflow_mlops.core.metrics import METRICS
from airflow_mlops.core.pages import words
from airflow_mlops.core.pages.documents import Bars, Curve, Grid, Prose, Section

OURS = "This version"
ARROWS = {"higher": "↑", "lower": "↓"}
GOOD, TRAINED, CALIBRATED, GOES_BY = "How good it is", "Overfitting", "Calibration", "What it goes by"


def metrics(known: Known) -> Section:
    """Set this version and the champion side by side, metric by metric, with intervals."""
    ours, theirs = (mapping(role.get("metrics")) for role in (known.ours, known.theirs))
    if not ours:
        return Section.without(GOOD, known.without("metrics"))
    head = ["Metric", OURS, "95 % interval"]
    head += [known.rival, "95 % interval", "Better by"] if theirs else []
    rows = []
    for name in _main_first(known, ours):
        row = [named(name), ours[name], interval(known.ours, name)]
        if theirs:
            row += [theirs.get(name), interval(known.theirs, name), better(name, ours[name], theirs.get(name))]
        rows.append(row)
    note = "↑ more is better, ↓ less is better." + (" Better by: above 0 this version is better." if theirs else "")
    none = None if theirs else Prose.of("There was no champion to compare it with.")
    return Section.of(GOOD, Grid.of(head, rows, note=note), none, lead=headline(known))


def headline(known: Known) -> str:
    """Say the main figure, on how many rows, and whether these were new to it."""
    if known.metric is None or not known.ours:
        return ""
    name = known.metric.name
    value = mapping(known.ours.get("metrics")).get(name)
    told = f"{name} {words.figure(value)}{_between(known.ours, name)}"
    if known.rows is None:
        return f"{told}."
    seen = known.ours.get("seen_rows")
    new = {0: "that it had never seen", None: "; it is not known whether it had seen some of them"}
    fresh = new.get(seen, f"of which it had seen {words.figure(seen)}")
    return f"{told} on {words.count_of(known.rows, 'row')} {fresh}.".replace(" ;", ";")


def overfitting(known: Known) -> Section:
    """Set training rows beside gate rows."""
    train, gate = mapping(known.ours.get("train_metrics")), mapping(known.ours.get("metrics"))
    told = [c for c in known.checks if c.name == "overfitting" and c.where == CHALLENGER]
    said = f"{words.arrows(told[0].message)}." if told and told[0].message else ""
    if not train:
        why = said if told else known.without("figures on training rows")
        return Section.without(TRAINED, why)
    verdict = {"fail": "Large: ", "pass": "Small: "}.get(told[0].status, "Not judged: ") if told else ""
    rows = [[named(name), train[name], gate.get(name)] for name in _main_first(known, train)]
    note = "Training rows are a sample. A model may know its training rows by heart and still be the better one."
    return Section.of(TRAINED, Grid.of(("Metric", "Training rows", "Gate rows"), rows, note=note), lead=verdict + said)


def calibration(known: Known) -> Section:
    """Draw mean scores against the shares that came true."""
    if known.task in ("regression", "multiclass"):
        return Section.of(CALIBRATED, lead="It is looked at where there are two classes; this model has another task.")
    series = {OURS: known.ours.get("calibration"), known.rival if known.theirs else "": known.theirs.get("calibration")}
    curve = Curve.of(("mean score", "came true"), {k: v for k, v in series.items() if v})
    if not curve.series:
        return Section.without(CALIBRATED, known.without("calibration"))
    error = mapping(known.ours.get("metrics")).get("calibration_error")
    said = f"The mean score of a tenth of the rows is {words.figure(error)} from the share that came true, on average."
    return Section.of(CALIBRATED, curve, lead=said if words.number(error) is not None else "")


def importance(known: Known) -> Section:
    """Draw by how much the main figure suffers when a feature is shuffled."""
    rows = known.ours.get("importance")
    unit = f"Loss of {known.metric.name}" if known.metric else "Loss"
    note = (
        "How much worse it gets when the column is shuffled, with a 95 % interval. Columns that tell the same share it."
    )
    bars = Bars.of(("Column", unit), rows if isinstance(rows, (list, tuple)) else [], note)
    if not bars.rows:
        return Section.without(GOES_BY, known.without("importance"))
    return Section.of(GOES_BY, bars, lead="What the model uses, which need not be what causes the outcome.")


def named(name: str) -> str:
    """Name a metric with the direction in which it is better."""
    known = METRICS.get(name)
    return f"{name} {ARROWS[known.direction]}" if known else name


def better(name: str, ours: Any, theirs: Any) -> str:
    """Say by how much this version is better than the champion; below 0 it is worse."""
    known, one, other = METRICS.get(name), words.number(ours), words.number(theirs)
    if known is None or one is None or other is None:
        return words.NOTHING
    return words.signed(float(f"{float(known.gain(one, other)):.3g}"))


def interval(role: Mapping[str, Any], name: str) -> str:
    """Write a metric's interval."""
    return _between(role, name).strip(" ()") or words.NOTHING


def _between(role: Mapping[str, Any], name: str) -> str:
    ends = mapping(role.get("intervals")).get(name)
    return words.between(*ends) if isinstance(ends, (list, tuple)) and len(ends) == 2 else ""


def _main_first(known: Known, figures: Mapping[str, Any]) -> list[str]:
    main = known.metric.name if known.metric else None
    order = list(METRICS)  # JSON has put them in the order of the alphabet
    places = {name: order.index(name) if name in order else len(order) for name in figures}
    return sorted(figures, key=lambda name: (name != main, places[name]))
