"""Judging streams, in this process or in several."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any

from benchmarks.calibration.concept_studies import APART, LabelledSize
from benchmarks.calibration.evidently_comparison import evidently
from benchmarks.calibration.studies import FAMILIES, Size

Work = tuple[str, int, int, Size | LabelledSize]  # family, seed, stream
Judged = tuple[str, int, list[dict[str, Any]]]


def judge(work: Work) -> Judged:
    """Judge one stream, in whatever process."""
    family, seed, stream, size = work
    families: dict[str, Any] = {**FAMILIES, **APART, "evidently": evidently}
    outcomes = families[family](seed, stream, size)
    return family, stream, [outcome.to_dict() for outcome in outcomes]


def judged(todo: Sequence[Work], processes: int) -> Iterator[Judged]:
    """Judge streams, and give each as it is done.

    :param todo: the streams.
    :param processes: how many processes; new ones, as forked ones would share Polars' locks.
    """
    if processes <= 1:
        yield from map(judge, todo)
        return
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        waiting = [pool.submit(judge, work) for work in todo]
        try:
            for future in as_completed(waiting):
                yield future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
