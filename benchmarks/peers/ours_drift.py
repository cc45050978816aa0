"""Our drift check: the reference is a stored profile, current data is scanned once."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import polars as pl  # noqa: F401  profile() imports it, and it is an import, not work

from airflow_mlops import __version__
from airflow_mlops.core.data.profiles import (
    Profile,
    files,  # noqa: F401  as above
    profile,
)
from airflow_mlops.core.drift.data import check_drift


def main(asked: dict[str, object]) -> str:
    """Do a task and give its verdict."""
    data, stored = asked["files"], Path(str(asked["stored"]))
    assert isinstance(data, dict)
    if asked["task"] == "store":
        stored.write_text(profile(data[asked["reference"]]).to_json())
        return "stored"
    if asked["task"] == "profile":
        return f"{len(profile(data[asked['current']]).to_json()) / 1e3:.0f} kB"
    if asked["task"] == "check":
        reference = Profile.from_json(stored.read_text())
        report = check_drift(reference, profile(data[asked["current"]], like=reference))
        return " ".join(sorted(str(check.where) for check in report.failed))
    return ""


if __name__ == "__main__":
    print(json.dumps({"verdict": main(json.loads(sys.argv[1])), "version": __version__}))
