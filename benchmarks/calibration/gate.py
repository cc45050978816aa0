"""How often does the gate promote a model that is no better, and how often one that is?"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import chain
from pathlib import Path
from typing import Any

from benchmarks.calibration.gate_results import summary, table
from benchmarks.calibration.gate_studies import FAMILIES, GateSize, batch_of
from benchmarks.calibration.results import Log, fingerprint

PAIRS = 2_000
SAY_EVERY = 20.0  # seconds
CORE = Path(__file__).resolve().parents[2] / "provider" / "airflow_mlops" / "core"
Work = tuple[str, int, int, GateSize]  # family, seed, batch


def calibrate(
    build: Path,
    *,
    pairs: int | None = None,
    small: bool = False,
    seed: int = 0,
    processes: int = 1,
    go_on: bool = False,
) -> int:
    """Run the studies and write what came of them.

    :param build: the folder of what is written.
    :param pairs: pairs of champion and challenger in each study.
    :param small: a few studies of few pairs, for CI.
    :param go_on: keep the batches that are done.
    :return: the exit code: 1 when a bound does not hold.
    """
    size = chosen_size(pairs or PAIRS, small=small)
    families = size.families or tuple(FAMILIES)
    name = "gate-small" if small else "gate"
    log = Log(build / "calibration" / f"{name}.jsonl", {"code": code(), "seed": seed, "size": repr(size)})
    if not go_on:
        log.begin()
    done = log.read()
    batches = -(-size.pairs // size.batch)
    todo = [(f, seed, b, size) for b in range(batches) for f in families if (f, b) not in done]
    began = said = time.monotonic()
    for number, (family, batch, counts) in enumerate(_judged(todo, processes), 1):
        log.add(family, batch, counts)
        done[family, batch] = counts
        now = time.monotonic()
        if now - said > SAY_EVERY or number == len(todo):
            said, rest = now, (now - began) / number * (len(todo) - number)
            print(f"{number} of {len(todo)} batches, {rest:.0f} s to go", file=sys.stderr, flush=True)
    counts = chain.from_iterable(done[key] for key in sorted(done, key=lambda k: (families.index(k[0]), k[1])))
    rows = summary(counts, small=small)
    written = build / f"calibration-{name}.json"
    written.write_text(json.dumps(rows, indent=1) + "\n")
    print(table(rows))
    failing = [row for row in rows if row["holds"] is False]
    print(f"{len(rows)} studies, {len(failing)} out of bounds; written to {written}")
    return 1 if failing else 0


def chosen_size(pairs: int, *, small: bool) -> GateSize:
    """Return the size of the run: everything, or the part that a CI run can afford."""
    if not small:
        return GateSize(pairs)
    families = ("equal 0.05", "equal 0.27", "better 0.27", "slices", "classes", "values")
    return GateSize(100, rows=(500, 5_000), batch=20, families=families)


def code() -> str:
    """Return a digest of what the outcomes depend on: the gate, the metrics, and the studies."""
    digest = hashlib.sha256(fingerprint((CORE / "evaluation" / "gate", CORE / "metrics")).encode())
    for path in sorted(Path(__file__).parent.glob("gate*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _judge(work: Work) -> tuple[str, int, list[dict[str, Any]]]:
    family, seed, batch, size = work
    return family, batch, batch_of(family, seed, batch, size)


def _judged(todo: Sequence[Work], processes: int) -> Iterator[tuple[str, int, list[dict[str, Any]]]]:
    if processes <= 1:
        yield from map(_judge, todo)
        return
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        for future in as_completed([pool.submit(_judge, work) for work in todo]):
            yield future.result()
