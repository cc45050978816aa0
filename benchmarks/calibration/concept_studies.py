"""What the studies of concept drift are: does each change raise its own signal, and no other?

A stream is one model, fitted afresh, its reference, and rows with each plant in turn, judged by all three checks as
they come. The small sizes are the beginnings of the large one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from airflow_mlops.common.report import Report
from airflow_mlops.core.data.profiles import Profile, profile
from airflow_mlops.core.drift.concept import LabelRelation, check_concept_drift, relate
from airflow_mlops.core.drift.data import check_drift
from benchmarks.calibration.columns import chance
from benchmarks.calibration.customers import FEATURES, LABEL, PLANTS, WORLDS, Plant, World, draw
from benchmarks.calibration.predictors import MODELS, SCORE, fitted, scored
from benchmarks.calibration.studies import Outcome

FITTED, REFERENCE, CURRENT = 0, 1, 2  # parts of the keys of chance
# What each signal has to do, by family. "unjudged" keeps a check from being quiet because it never judges, "named"
# is the concept check saying that the relation cannot be judged before this column is mended.
SIGNALS: dict[str, dict[str, str]] = {
    "aa": {"data": "quiet", "predictions": "quiet", "concept": "quiet", "unjudged": "quiet"},
    "covariate": {"data": "found", "predictions": "told", "concept": "quiet", "unjudged": "quiet"},
    "label flip": {"data": "quiet", "predictions": "quiet", "concept": "found"},
    "covariate and flip": {"data": "found", "predictions": "told", "concept": "found"},
    "broken column": {"data": "found", "predictions": "told", "concept": "quiet", "named": "found"},
}


@dataclass(frozen=True, slots=True)
class LabelledSize:
    """How large the studies are.

    :param streams: streams of each family.
    :param rows: labelled rows of current data.
    :param reference_rows: labelled rows of the reference, which the model was not fitted on.
    :param fitted_rows: rows that it was fitted on.
    """

    streams: Mapping[str, int]
    rows: tuple[int, ...] = (500, 2_000, 10_000)
    reference_rows: int = 10_000
    fitted_rows: int = 20_000


@dataclass(frozen=True, slots=True)
class Reference:
    """What is known of the time when the model was evaluated."""

    features: Profile
    scores: Profile
    relation: LabelRelation

    @classmethod
    def of(cls, rows: pl.DataFrame) -> Reference:
        """Sum the rows up."""
        relation = relate(rows, label=LABEL, score=SCORE, features=FEATURES)
        return cls(profile(rows.select(FEATURES)), profile(rows.select(SCORE)), relation)

    def judge(self, rows: pl.DataFrame) -> dict[str, Report]:
        """Ask the three checks, as the operators do."""
        now = relate(rows, label=LABEL, score=SCORE, like=self.relation)
        return {
            "data": check_drift(self.features, profile(rows.select(FEATURES), like=self.features)),
            "predictions": check_drift(self.scores, profile(rows.select(SCORE), like=self.scores)),
            "concept": check_concept_drift(self.relation, now),
        }


def apart(world: World, seed: int, stream: int, size: LabelledSize) -> Iterator[Outcome]:
    """Judge one stream: every plant, at every size."""
    key = seed, 5, WORLDS.index(world), stream
    model = fitted(world, draw(world, chance(*key, FITTED), size.fitted_rows, Plant()))
    before = scored(world, model, draw(world, chance(*key, REFERENCE), size.reference_rows, Plant()))
    reference = Reference.of(before)
    for number, plant in enumerate(PLANTS):
        drawn = scored(world, model, draw(world, chance(*key, CURRENT, number), max(size.rows), plant))
        for rows in size.rows:
            reports = reference.judge(drawn.head(rows))
            for signal, promised in SIGNALS[plant.family].items():
                study = f"apart {plant.family}, {plant.name}, {MODELS[world]}: {signal} {promised}"
                told = study if promised != "told" else f"info {study}"
                fired, by = heard(signal, reports, plant)
                yield Outcome(told, rows, size.reference_rows, len(FEATURES), fired, by)


def heard(signal: str, reports: Mapping[str, Report], plant: Plant) -> tuple[bool, tuple[str, ...]]:
    """Check whether a signal fired, and what did.

    Data drift of a broken column fires when it names that column and no other.

    :param signal: one of ``SIGNALS``.
    :param reports: data, predictions, concept -> what the check said.
    :param plant: what is different.
    """
    if signal == "unjudged":
        report = reports["concept"]
        return report.verdict == "inconclusive", _unjudged(report)
    if signal == "named":
        report = reports["concept"]
        return report.verdict == "inconclusive" and report.facts.get("broken") == [plant.column], (report.verdict,)
    report = reports[signal]
    if signal == "data" and plant.column is not None:
        named = {check.where for check in report.failed}
        return named == {plant.column}, tuple(sorted(str(name) for name in named - {plant.column}))
    return report.verdict == "fail", tuple(sorted({_blamed(check) for check in report.failed}))


def _blamed(check: Any) -> str:
    method = (check.observed or {}).get("method") if check.name == "drift" else check.name
    return f"{method} on {check.where}" if check.where else str(method)


def _unjudged(report: Report) -> tuple[str, ...]:
    return tuple(sorted({str(check.where) for check in report.checks if check.status == "inconclusive"}))


def _family(world: World) -> Callable[[int, int, LabelledSize], Iterator[Outcome]]:
    return lambda seed, stream, size: apart(world, seed, stream, size)


APART = {f"apart {MODELS[world]}": _family(world) for world in WORLDS}
