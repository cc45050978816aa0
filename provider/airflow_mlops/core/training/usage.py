"""Time and peak memory of a block of code.

Linux records the peak resident memory of a process (``VmHWM``), and resets it to the current value when 5 is written
to ``/proc/self/clear_refs`` (proc(5)). This gives the exact peak of one block; ``getrusage`` gives only the peak of the
process's lifetime. Where these files are missing, memory is not measured rather than misreported.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

STATUS_FILE, CLEAR_REFS_FILE = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_active: list[ResourceUsage] = []


@dataclass(slots=True, eq=False)
class ResourceUsage:
    """Time and memory used by a block of code; complete when the block ends.

    :param seconds: wall-clock time.
    :param memory_mb: growth of the process's resident memory at its peak, in millions of bytes; ``None`` where it
        cannot be measured. Other processes, such as joblib's workers, and reused memory are not included.
    :param peak_bytes: the peak resident memory, in bytes.
    """

    seconds: float = 0.0
    memory_mb: float | None = None
    peak_bytes: int = 0

    def to_metrics(self) -> dict[str, float]:
        """Return the measured values as metrics of a run."""
        metrics = {"train_seconds": self.seconds}
        return metrics if self.memory_mb is None else {**metrics, "train_memory_mb": self.memory_mb}


@contextmanager
def measure_usage() -> Iterator[ResourceUsage]:
    """Measure a block of code; blocks may be nested."""
    usage, before = ResourceUsage(), resident_memory()
    _update_peaks()
    _active.append(usage)
    can_measure = before is not None and _reset_peak()
    started = time.perf_counter()
    try:
        yield usage
    finally:
        usage.seconds = time.perf_counter() - started
        _update_peaks()
        _active.remove(usage)
        if can_measure and before is not None:
            usage.memory_mb = max(0, usage.peak_bytes - before) / 1e6


def resident_memory() -> int | None:
    """Return the process's current resident memory in bytes; ``None`` where it is not available."""
    return _read_status("VmRSS")


def _update_peaks() -> None:
    """Update all active blocks with the current peak, which a reset would lose for the outer ones."""
    peak = _read_status("VmHWM") or 0
    for usage in _active:
        usage.peak_bytes = max(usage.peak_bytes, peak)


def _reset_peak() -> bool:
    try:
        CLEAR_REFS_FILE.write_text("5")
    except OSError:
        return False
    return True


def _read_status(name: str) -> int | None:
    try:
        lines = STATUS_FILE.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    values = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
    return int(values[0]) * 1024 if values else None
