"""How much memory and time a stretch of work takes.

Linux keeps the highest resident memory of a process (``VmHWM``), and sets it back to that of now when 5 is written to
``/proc/self/clear_refs`` (proc(5)). So the peak of just this stretch is known exactly, also when the process has been
larger before; ``getrusage`` knows only the peak of the whole process. Where Linux' files are not there, the memory
is not measured, which is better than a figure that stands for something else.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_open: list[Spent] = []


@dataclass(slots=True, eq=False)
class Spent:
    """What a stretch of work took; complete when it is over.

    :param seconds: by the clock.
    :param memory_mb: by how much the process' resident memory grew at its peak, in millions of bytes; ``None`` where
        it cannot be measured. What other processes take, such as joblib's workers, is not in it, nor is memory that the
        process had already and used again.
    """

    seconds: float = 0.0
    memory_mb: float | None = None
    peak: int = 0

    def facts(self) -> dict[str, float]:
        """Give what is known, as metrics of a run."""
        known = {"train_seconds": self.seconds}
        return known if self.memory_mb is None else {**known, "train_memory_mb": self.memory_mb}


@contextmanager
def measured() -> Iterator[Spent]:
    """Measure a stretch of work; stretches may lie inside each other."""
    spent, before = Spent(), resident()
    _note_peak()
    _open.append(spent)
    can_measure = before is not None and _set_back()
    started = time.perf_counter()
    try:
        yield spent
    finally:
        spent.seconds = time.perf_counter() - started
        _note_peak()
        _open.remove(spent)
        if can_measure and before is not None:
            spent.memory_mb = max(0, spent.peak - before) / 1e6


def resident() -> int | None:
    """Give the process' resident memory now, in bytes; ``None`` where it is not known."""
    return _figure("VmRSS")


def _note_peak() -> None:
    """Tell all open stretches of the peak so far: setting it back would lose it for the outer ones."""
    peak = _figure("VmHWM") or 0
    for spent in _open:
        spent.peak = max(spent.peak, peak)


def _set_back() -> bool:
    try:
        CLEAR.write_text("5")
    except OSError:
        return False
    return True


def _figure(name: str) -> int | None:
    try:
        lines = STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
    return int(found[0]) * 1024 if found else None
