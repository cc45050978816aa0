"""One scan of all partitions, beside what mapped tasks have found: run in a container of the stack, says JSON.

What is compared comes on standard input: ``snapshots``, a list of ``SnapshotRef``; ``cells`` and ``merged``, a
``ProfileRef`` each.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import polars as pl

from airflow_mlops.common.refs import ProfileRef
from airflow_mlops.core.data.profiles import profile, storage
from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
from airflow_mlops.core.data.validation import validate
from tests.differential.profiles import profiles_equal

SNAPSHOTS = "file:///data/snapshots"
CONTRACT = "include/payments/contract.yaml"


def compare_profiles(asked: dict[str, Any]) -> dict[str, Any]:
    """Validate and profile all rows at once.

    :param asked: the references.
    :return: ``rows``, ``same`` (is the merged profile that of one scan?), ``verdict`` of one validation of everything,
        and the ``seconds`` of both.
    """
    root = SnapshotRoot(SNAPSHOTS)
    cells, merged = (storage.load_profile(root, ProfileRef.from_dict(asked[name])) for name in ("cells", "merged"))
    rows = pl.concat([root.open(ref).scan() for ref in asked["snapshots"]])
    began = time.monotonic()
    report = validate(rows, CONTRACT)
    whole = profile(rows, like=cells)
    seconds = time.monotonic() - began
    return {
        "rows": whole.rows,
        "same": profiles_equal(merged, whole),
        "verdict": report.verdict,
        "seconds": round(seconds, 1),
    }


if __name__ == "__main__":
    print(json.dumps(compare_profiles(json.load(sys.stdin))))
