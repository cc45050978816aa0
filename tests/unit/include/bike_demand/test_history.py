from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest

from airflow_mlops.common.errors import NotFound
from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
from airflow_mlops.store import catalogue
from airflow_mlops.store.database import Database
from include.bike_demand.history import build_history, months_to_ingest


@pytest.fixture
def read(database: Database, root: SnapshotRoot) -> Any:
    def ingest(month: str, value: int = 0) -> None:
        frame = pd.DataFrame({"dteday": [f"{month}-01", f"{month}-02"], "cnt": [value, value]})
        catalogue.record(database, root.write("d", frame, partition=month))

    return ingest


def test_only_months_that_are_not_there_are_read_and_the_run_s_own_always(database: Database, read: Any) -> None:
    assert months_to_ingest(database, "d", "2011-03") == ["2011-01", "2011-02", "2011-03"]
    for month in ("2011-01", "2011-03", "2011-04"):
        read(month)
    assert months_to_ingest(database, "d", "2011-03") == ["2011-02", "2011-03"]
    assert months_to_ingest(database, "d", "2011-01") == ["2011-01"]


def test_all_months_up_to_the_cut_off_are_put_together_and_no_later_one(
    database: Database, root: SnapshotRoot, read: Any
) -> None:
    for number, month in enumerate(("2011-04", "2011-02", "2011-01", "2011-03")):
        read(month, number)
    ref = build_history(database, root, "d", "2011-03")
    rows = root.open(ref).to_pandas()
    assert (ref.dataset, ref.partition, ref.rows) == ("d_history", "2011-03", 6)
    assert rows["dteday"].str[:7].unique().tolist() == ["2011-01", "2011-02", "2011-03"]
    assert list(json.loads(root.read_text(f"d_history/{ref.id}.json"))["source"]["months"]) == [
        "2011-01", "2011-02", "2011-03",
    ]  # fmt: skip
    read("2011-04", 99)  # late data of a later month changes nothing
    assert build_history(database, root, "d", "2011-03").id == ref.id


def test_a_hole_in_the_history_is_named(database: Database, root: SnapshotRoot, read: Any) -> None:
    read("2011-01")
    with pytest.raises(NotFound, match="no rows of .'2011-02'"):
        build_history(database, root, "d", "2011-02")
