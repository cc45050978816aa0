"""What a rate may be, and how well it is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from scipy import stats

MOST_FALSE = 0.05  # of datasets without drift, how many may alarm
LEAST_FOUND = 0.95  # of planted shifts that matter, how many are to be found
SURE = 0.999


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether a rate is within its bound.

    :param holds: it is; None where nothing was promised.
    :param bound: the bound in words.
    """

    holds: bool | None
    bound: str


def interval(fired: int, streams: int) -> tuple[float, float]:
    """Return the 95 % interval of a rate (Clopper & Pearson 1934), which covers at least 95 %.

    :param fired: how often it happened.
    :param streams: of how many.
    """
    found = stats.binomtest(fired, streams).proportion_ci(0.95, method="exact")
    return float(found.low), float(found.high)


def promise(study: str) -> Literal["quiet", "awake"] | None:
    """Return what is promised of a study: that it does not fire, that it does, or nothing.

    What is promised of a signal of ``apart`` is the last word of the study's name.
    """
    if study.startswith("apart"):
        return "quiet" if study.endswith("quiet") else "awake"
    if study.startswith(("aa", "tiny")):
        return "quiet"
    return "awake" if study.startswith("shift") else None


def judged(study: str, fired: int, streams: int, *, small: bool) -> Judgement:
    """Compare a rate with its bound.

    With few streams the interval is too wide to be held to; there a count is refused only when it would be rare
    (less than one in a thousand) were the rate just at the bound: a refusal means something then, its absence
    little.

    :param study: the study's name.
    :param fired: in how many streams it fired.
    :param streams: how many there were.
    :param small: whether these are few.
    """
    promised = promise(study)
    if promised is None:
        return Judgement(None, "")
    if promised == "quiet":
        if small:
            most = int(stats.binom.ppf(SURE, streams, MOST_FALSE))
            return Judgement(fired <= most, f"<= {most} of {streams}")
        return Judgement(interval(fired, streams)[1] <= MOST_FALSE, f"high <= {MOST_FALSE}")
    if small:
        least = int(stats.binom.ppf(1 - SURE, streams, LEAST_FOUND))
        return Judgement(fired >= least, f">= {least} of {streams}")
    return Judgement(fired / streams >= LEAST_FOUND, f"rate >= {LEAST_FOUND}")
