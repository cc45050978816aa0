"""Where benchmarks keep things."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
BUILD = ROOT / "build" / "benchmarks"
RESULTS = HERE / "results"
PEERS = HERE / "peers"
