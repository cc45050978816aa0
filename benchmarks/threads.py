"""One thread everywhere: a figure taken on many says more about the machine than about the code."""

from __future__ import annotations

import os

LIBRARIES = (
    "POLARS_MAX_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "ARROW_NUM_THREADS",
)
NO_TELEMETRY = {"DO_NOT_TRACK": "1", "NML_DISABLE_USAGE_LOGGING": "1", "GX_ANALYTICS_ENABLED": "false"}


def single_thread_environment() -> dict[str, str]:
    """Return an environment in which numeric libraries use one thread, and no peer sends usage data."""
    return {**os.environ, **dict.fromkeys(LIBRARIES, "1"), **NO_TELEMETRY}


def use_one_thread() -> None:
    """Apply it to this process; must run before Polars or NumPy are imported."""
    os.environ.update(single_thread_environment())
