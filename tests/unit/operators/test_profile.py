"""The operator that profiles: rows or parts to be merged, never both; what it keeps is found again by its reference."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from airflow.sdk.exceptions import AirflowFailException
from sqlalchemy import create_engine

from airflow_mlops.common.refs import ProfileRef
from airflow_mlops.core.data.profiles import Profile, storage
from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
from airflow_mlops.operators.profile import ProfileDatasetOperator
from airflow_mlops.store import catalogue
from airflow_mlops.store.database import Database

Execute = Callable[..., Any]
DAYS = ["2026-04-01", "2026-04-02", "2026-04-03"]
CONTRACT: dict[str, Any] = {
    "name": "visits",
    "key": "id",
    "cluster": "person",
    "columns": {
        "id": {"type": "int"},
        "person": {"type": "int", "role": "ignore"},
        "minutes": {"type": "float"},
        "room": {"type": "int", "values": [1, 2, 3]},
        "note": {"type": "str", "required": False},
    },
}


def visits(seed: int, rows: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "id": np.arange(rows) + 1000 * seed,
            "person": rng.integers(0, 40, rows),
            "minutes": rng.gamma(3, 10 + seed, rows),
            "room": rng.integers(1, 4, rows),
        }
    )


@pytest.fixture(autouse=True)
def days(database: Database, root: SnapshotRoot) -> None:
    """Three days of visits, and all of them as one partition."""
    frames = [visits(i) for i in range(3)]
    for day, frame in zip([*DAYS, "2026-04"], [*frames, pd.concat(frames, ignore_index=True)], strict=True):
        catalogue.record(database, root.write("visits", frame, partition=day))


@pytest.fixture
def profiled(execute: Execute, root: SnapshotRoot) -> Callable[..., tuple[dict[str, Any], Profile]]:
    """Give the reference that the operator gives, and what it leads to."""

    def run(**how: Any) -> tuple[dict[str, Any], Profile]:
        ended = execute(ProfileDatasetOperator(**{"task_id": "t"} | how))
        assert ended.error is None, ended.error
        return ended.result, storage.load_profile(root, ProfileRef.from_dict(ended.result))

    return run


PART = {"kind": "profile", "dataset": "visits", "id": "0" * 32, "uri": "file:///nowhere", "rows": 1}


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({}, "exactly one input is required"),
        ({"snapshot": "visits@2026-04", "conn_id": "c", "table": "t"}, "exactly one input is required"),
        ({"merge": [PART], "snapshot": "visits@2026-04"}, "merge cannot be combined with rows"),
        ({"merge": [PART], "table": "visits"}, "merge cannot be combined with rows"),
        ({"merge": []}, "merge has no profiles"),
        ({"merge": [PART], "like": "visits@2026-04"}, "like cannot be combined with merge"),
        ({"merge": [PART], "columns": ["room"]}, "columns cannot be combined with merge"),
        ({"merge": [PART]}, "there is no profile"),
        ({"merge": [{"kind": "snapshot"}]}, "expected a profile reference"),
        ({"snapshot": "visits@1999"}, "visits"),
        ({"snapshot": "visits@2026-04", "columns": ["rooms"]}, "there is no column ['rooms']"),
        ({"snapshot": "visits@2026-04", "cluster": "nobody"}, "no cluster column 'nobody'"),
    ],
    ids=str,
)
def test_parameters_that_contradict_each_other_or_lead_nowhere_fail_at_once(
    how: dict[str, Any], message: str, execute: Execute
) -> None:
    ended = execute(ProfileDatasetOperator(task_id="t", **how))
    assert isinstance(ended.error, AirflowFailException)
    assert message in str(ended.error)


def test_a_contract_says_kinds_and_clusters_and_what_is_left_out(profiled: Any, tmp_path: Path) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text(yaml.safe_dump(CONTRACT), encoding="utf-8")
    ref, found = profiled(snapshot="visits@2026-04", contract=CONTRACT)
    # Neither the key nor what is ignored; the codes of rooms are names; the note may be absent, and is.
    assert {name: column.kind for name, column in found.columns.items()} == {"minutes": "number", "room": "category"}
    assert (found.cluster, found.rows, ref["rows"]) == ("person", 900, 900)
    assert profiled(snapshot="visits@2026-04", contract=str(path))[0] == ref


def test_a_column_that_the_contract_requires_is_missed(execute: Execute) -> None:
    columns = {**CONTRACT["columns"], "note": {"type": "str"}}
    ended = execute(
        ProfileDatasetOperator(task_id="t", snapshot="visits@2026-04", contract={**CONTRACT, "columns": columns})
    )
    assert isinstance(ended.error, AirflowFailException)
    assert "there is no column ['note']" in str(ended.error)


def test_merged_parts_are_the_whole(profiled: Any) -> None:
    first, _ = profiled(snapshot=f"visits@{DAYS[0]}", contract=CONTRACT)
    parts = [profiled(snapshot=f"visits@{day}", like=first)[0] for day in DAYS]
    ref, merged = profiled(merge=parts)
    _, whole = profiled(snapshot="visits@2026-04", like=first)
    assert (ref["dataset"], ref["rows"]) == ("visits", 900)
    assert merged.cluster == whole.cluster == "person"
    assert merged.effective_rows == whole.effective_rows
    assert merged.columns["room"].to_dict() == whole.columns["room"].to_dict()
    for figure in ("rows", "missing", "mean", "std"):
        merged_figure, whole_figure = (getattr(p.columns["minutes"], figure) for p in (merged, whole))
        assert merged_figure == pytest.approx(whole_figure, rel=1e-12)


def test_parts_over_other_cells_do_not_merge_and_the_hint_is_told(profiled: Any, execute: Execute) -> None:
    parts = [profiled(snapshot=f"visits@{day}", columns=["minutes"])[0] for day in DAYS[:2]]
    ended = execute(ProfileDatasetOperator(task_id="t", merge=parts))
    assert isinstance(ended.error, AirflowFailException)
    assert "like=" in str(ended.error)


def test_like_gives_columns_cells_and_clusters_and_may_be_a_snapshot(profiled: Any) -> None:
    _, found = profiled(snapshot=f"visits@{DAYS[0]}", like=f"visits@{DAYS[1]}", columns=["minutes"])
    _, reference = profiled(snapshot=f"visits@{DAYS[1]}")
    assert list(found.columns) == ["minutes"]
    assert found.columns["minutes"].has_same_cells(reference.columns["minutes"])
    first, _ = profiled(snapshot=f"visits@{DAYS[0]}", contract=CONTRACT)
    _, second = profiled(snapshot=f"visits@{DAYS[1]}", like=first, contract={**CONTRACT, "cluster": "id"})
    assert (second.cluster, set(second.columns)) == ("person", {"minutes", "room"})


def test_the_same_rows_profiled_again_are_one_file(profiled: Any, tmp_path: Path) -> None:
    refs = [profiled(snapshot="visits@2026-04", contract=CONTRACT)[0] for _ in range(2)]
    assert refs[0] == refs[1]
    assert len(list(tmp_path.rglob("profiles/*.json"))) == 1


def test_a_database_profiles_its_own_rows(profiled: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path}/house.db"
    visits(0).to_sql("visits", create_engine(url), index=False)
    monkeypatch.setenv("AIRFLOW_CONN_HOUSE", json.dumps({"conn_type": "generic", "extra": {"sqlalchemy_url": url}}))
    first, snapshot = profiled(snapshot=f"visits@{DAYS[0]}", contract=CONTRACT)
    ref, found = profiled(conn_id="house", table="SELECT * FROM visits", like=first)
    assert (ref["dataset"], found.rows) == ("database", 300)
    assert found.columns["room"].to_dict() == snapshot.columns["room"].to_dict()
    _, by_contract = profiled(conn_id="house", table="visits", contract=CONTRACT)
    assert set(by_contract.columns) == {"minutes", "room"}
