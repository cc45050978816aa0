"""What the gate does with models that are equal, better, or equal with many slices."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from airflow_mlops.core.gate.evidence import Evidence
from airflow_mlops.core.gate.gain import estimate_gain, gain_statistic, is_proven
from airflow_mlops.core.gate.policy import GatePolicy
from airflow_mlops.core.gate.slices import check_slices
from airflow_mlops.core.metrics import get_metric
from airflow_mlops.core.metrics.estimate import MetricEstimate
from airflow_mlops.core.metrics.influence import roc_auc_influence
from airflow_mlops.core.metrics.jackknife import Jackknife
from benchmarks.calibration.columns import chance
from benchmarks.calibration.gate_scores import Array, Rows, apart, binary, classes, values

AUC, CORRELATION = 0.84, 0.8
RATES = (0.05, 0.27, 0.5)
GAINS = (0.01, 0.02, 0.04)
BINARY = ("roc_auc", "pr_auc", "log_loss", "brier", "accuracy", "f1", "precision", "recall", "calibration_error")
CLASSES = ("log_loss_multiclass", "accuracy_multiclass", "balanced_accuracy", "f1_macro", "roc_auc_ovr")
HEAVY = ("mae", "rmse", "r2")
VALUES = ("mae", "rmse", "mape", "r2", "pinball_10", "pinball_50", "pinball_90")
LARGE = 20_000
MOST_ROWS = dict.fromkeys(("calibration_error", "precision", "recall", "f1_macro", "balanced_accuracy"), 2_000)
MOST_ROWS |= dict.fromkeys(("roc_auc", "log_loss", "log_loss_multiclass", "mae"), LARGE)
CANDIDATES = 5
SLICED = {  # column -> shares of its values: 20 slices
    "region": (0.4, 0.3, 0.15, 0.1, 0.05),
    "plan": (0.2, 0.2, 0.2, 0.2, 0.2),
    "age": (0.25, 0.25, 0.2, 0.2, 0.1),
    "site": (0.6, 0.1, 0.1, 0.1, 0.1),
}
POLICY = GatePolicy()


@dataclass(frozen=True, slots=True)
class GateSize:
    """How much is done.

    :param pairs: pairs of champion and challenger in each study.
    :param rows: numbers of gate rows.
    :param batch: pairs that are kept together.
    :param families: which families; empty means all.
    """

    pairs: int = 2_000
    rows: tuple[int, ...] = (500, 2_000, 5_000, LARGE)
    batch: int = 20
    families: tuple[str, ...] = ()


@dataclass(slots=True)
class Count:
    """What one study saw in a batch of pairs.

    :param study: the study's name.
    :param rows: gate rows.
    :param metric: what decides.
    :param base_rate: share of positives; None where there are none.
    :param auc: the champion's true AUC; None where there is none.
    :param correlation: of the models' noise.
    :param candidates: how many the challenger was chosen from.
    :param pairs: pairs of champion and challenger.
    :param promoted: how many challengers were promoted; of ``slices`` how many were refused.
    """

    study: str
    rows: int
    metric: str
    base_rate: float | None = None
    auc: float | None = None
    correlation: float = CORRELATION
    candidates: int = 1
    pairs: int = 0
    promoted: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)


Outcome = tuple[Count, bool]
Family = Callable[[np.random.Generator, GateSize], Iterator[Outcome]]


def batch_of(family: str, seed: int, number: int, size: GateSize) -> list[dict[str, Any]]:
    """Judge a batch of pairs of a family, and count.

    :param number: the batch's number, on which its chance depends.
    """
    found: dict[str, Count] = {}
    pairs = min(size.batch, size.pairs - number * size.batch)
    for pair in range(pairs):
        rng = chance(seed, sorted(FAMILIES).index(family), number, pair)
        for count, happened in FAMILIES[family](rng, size):
            kept = found.setdefault(repr(count), count)
            kept.pairs += 1
            kept.promoted += bool(happened)
    return [count.to_dict() for count in found.values()]


def estimates(rows: Rows, names: Sequence[str], challenger: int = 1) -> dict[str, MetricEstimate]:
    """Return the gain in each metric as the gate does; those that leave parts out share their parts.

    :param challenger: which model challenges the first.
    """
    parts = Jackknife(len(rows.target), rows.clusters, groups=POLICY.resamples, seed=POLICY.seed)
    old, new = rows.scores[0], rows.scores[challenger]
    by_parts = [name for name in names if not get_metric(name).gain_by_influence]
    found = parts.estimate([gain_statistic(name, rows.target, old, new) for name in by_parts])
    ranked = {n: estimate_gain(n, rows.target, old, new, parts) for n in names if get_metric(n).gain_by_influence}
    return ranked | dict(zip(by_parts, found, strict=True))


def judged_by(names: Sequence[str], rows: int) -> list[str]:
    """Return the metrics evaluated for a number of rows; slow ones are omitted for many rows."""
    return [n for n in names if rows <= MOST_ROWS.get(n, 5_000)]


def equal(base_rate: float) -> Family:
    """Equal models, every metric."""

    def family(rng: np.random.Generator, size: GateSize) -> Iterator[Outcome]:
        for n in size.rows:
            rows = binary(rng, n, base_rate, (AUC, AUC), CORRELATION)
            for name, gain in estimates(rows, judged_by(BINARY, n)).items():
                yield Count("aa", n, name, base_rate, AUC), is_proven(gain, 1, POLICY)

    return family


def clustered(rng: np.random.Generator, size: GateSize) -> Iterator[Outcome]:
    """Equal models, rows of customers; and what happens when nobody says that they belong together."""
    for n in (n for n in size.rows if n >= 2_000):
        rows = binary(rng, n, 0.27, (AUC, AUC), CORRELATION, clustered=True)
        for name, gain in estimates(rows, judged_by(("roc_auc", "log_loss", "f1"), n)).items():
            yield Count("aa clustered", n, name, 0.27, AUC), is_proven(gain, 1, POLICY)
        alone = estimates(Rows(rows.target, rows.scores), ("roc_auc",))["roc_auc"]
        yield Count("info aa clustered, key not named", n, "roc_auc", 0.27, AUC), is_proven(alone, 1, POLICY)


def ties(rng: np.random.Generator, size: GateSize) -> Iterator[Outcome]:
    """Equal models whose scores have one decimal, so that many are the same."""
    for n in (n for n in size.rows if n < LARGE):
        drawn = binary(rng, n, 0.27, (AUC, AUC), CORRELATION)
        rows = Rows(drawn.target, [scores.round(1) for scores in drawn.scores])
        for name, gain in estimates(rows, ("roc_auc", "pr_auc", "log_loss", "f1")).items():
            yield Count("aa ties", n, name, 0.27, AUC), is_proven(gain, 1, POLICY)


def chosen(rng: np.random.Generator, size: GateSize) -> Iterator[Outcome]:
    """The best of five equal candidates, chosen on validation rows; and on the gate rows, which the gate forbids."""
    aucs = (AUC,) * (1 + CANDIDATES)
    for n in size.rows:
        for base_rate in RATES if n < LARGE else (0.27,):
            seen = binary(rng, max(500, n // 2), base_rate, aucs, CORRELATION)
            rows = binary(rng, n, base_rate, aucs, CORRELATION)
            for name in ("roc_auc", "log_loss"):
                best = _best(seen, name)
                happened = is_proven(estimates(rows, (name,), best)[name], 1, POLICY)
                yield Count("aa chosen", n, name, base_rate, AUC, candidates=CANDIDATES), happened
            if base_rate == 0.27:
                happened = is_proven(estimates(rows, ("roc_auc",), _best(rows, "roc_auc"))["roc_auc"], 1, POLICY)
                study = "info aa chosen on the gate rows"
                yield Count(study, n, "roc_auc", base_rate, AUC, candidates=CANDIDATES), happened


def _best(rows: Rows, name: str) -> int:
    m = get_metric(name)
    found = [m.value(rows.target, scores) * (1 if m.direction == "higher" else -1) for scores in rows.scores[1:]]
    return 1 + int(np.argmax(found))


def of_classes(rng: np.random.Generator, size: GateSize) -> Iterator[Outcome]:
    """Equal models of three classes."""
    for n in size.rows:
        rows = classes(rng, n, 2, CORRELATION)
        for name, gain in estimates(rows, judged_by(CLASSES, n)).items():
            yield Count("aa three classes", n, name), is_proven(gain, 1, POLICY)


def of_values(heavy: bool) -> Family:
    """Equal models of a number."""

    def family(rng: np.random.Generator, size: GateSize) -> Iterator[Outcome]:
        for n in size.rows:
            rows = values(rng, n, 2, CORRELATION, heavy)
            for name, gain in estimates(rows, judged_by(HEAVY if heavy else VALUES, n)).items():
                yield Count("aa heavy errors" if heavy else "aa values", n, name), is_proven(gain, 1, POLICY)

    return family


def better(base_rate: float) -> Family:
    """Challengers that are better by a known amount: how often does the gate see it?"""

    def family(rng: np.random.Generator, size: GateSize) -> Iterator[Outcome]:
        for n in size.rows:
            rows = binary(rng, n, base_rate, (AUC, *(AUC + gain for gain in GAINS)), CORRELATION)
            parts = Jackknife(n, groups=POLICY.resamples)
            values = [get_metric("roc_auc").value(rows.target, scores) for scores in rows.scores]
            matter = [roc_auc_influence(rows.target, scores) for scores in rows.scores]
            for number, gain in enumerate(GAINS, 1):  # as estimate_gain does, but the champion's share is computed once
                found = parts.estimate_from_influence(values[number] - values[0], matter[number] - matter[0])
                yield Count(f"gain {gain:g}", n, "roc_auc", base_rate, AUC), is_proven(found, 1, POLICY)

    return family


def sliced(rng: np.random.Generator, size: GateSize) -> Iterator[Outcome]:
    """Equal models with 20 slices, and one that is better on all rows but worse in one slice."""
    for n in (n for n in size.rows if 2_000 <= n < LARGE):
        for base_rate in (0.05, 0.27) if n == 5_000 else (0.27,):
            rows = binary(rng, n, base_rate, (AUC, AUC), CORRELATION)
            slices = {column: rng.choice(list("abcde"), n, p=shares) for column, shares in SLICED.items()}
            for name in ("roc_auc", "log_loss", "f1") if (n, base_rate) == (5_000, 0.27) else ("roc_auc",):
                yield Count("slices 20 equal", n, name, base_rate, AUC), bool(refused(rows, slices, name))
            worse = worsened(rng, rows, slices["region"] == "c")
            found = "slice region=c" in refused(worse, slices, "roc_auc")
            yield Count("info slices one of 20 worse by 0.1", n, "roc_auc", base_rate, AUC), found


def refused(rows: Rows, slices: Mapping[str, Array], name: str) -> set[str]:
    """Return the slices for which the gate rejects a challenger."""
    champion, challenger = (
        Evidence("m", "s", np.arange(len(rows.target)), rows.target, scores, 0, rows.clusters, slices=slices)
        for scores in rows.scores
    )
    checks = check_slices(champion, challenger, POLICY.model_copy(update={"metric": name}))
    return {c.name for c in checks if c.status == "fail" and c.severity == "error"}


def worsened(rng: np.random.Generator, rows: Rows, where: Array) -> Rows:
    """Degrade the challenger by 0.1 AUC in a slice, by adding noise to the logits there."""
    logit = np.log(rows.scores[1] / (1 - rows.scores[1]))
    before, after = apart(AUC), apart(AUC - 0.1)
    spread = before * np.sqrt((before / after) ** 2 - 1)  # of a model that sees apart * y + noise of this more variance
    logit = logit + np.where(where, spread * rng.standard_normal(len(logit)), 0)
    return Rows(rows.target, [rows.scores[0], 1 / (1 + np.exp(-logit))], rows.clusters)


FAMILIES: dict[str, Family] = {
    **{f"equal {rate:g}": equal(rate) for rate in RATES},
    **{f"better {rate:g}": better(rate) for rate in RATES},
    "slices": sliced,
    "chosen": chosen,
    "clustered": clustered,
    "ties": ties,
    "classes": of_classes,
    "values": of_values(heavy=False),
    "heavy values": of_values(heavy=True),
}
