"""The models that are watched are those that the store knows to have a champion."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
from airflow_mlops.operators.list_models import ListModelsOperator
from airflow_mlops.store import catalogue
from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import LedgerEntry


@pytest.fixture
def fleet(database: Database, root: SnapshotRoot) -> None:
    """Three models with champions: one with all its data, one with features only, one with none."""
    import pandas as pd

    with database.session() as session:
        for model in ("zebra", "ant", "mole"):
            session.add(
                LedgerEntry(
                    model=model,
                    revision=1,
                    previous_revision=None,
                    version=1,
                    digest="d",
                    gate_report=None,
                    approver=None,
                    reason="r",
                    actor="a",
                    action="promote",
                    recorded_at=now(),
                    effective_at=now(),
                )
            )
    for number, (dataset, partition) in enumerate(
        [
            ("zebra_features", "2026-01-05"),
            ("zebra_features", "2026-01-12"),
            ("zebra_scores", "2026-01-05"),
            ("ant_features", "2026-01-12"),
            ("nobody_features", "2026-01-12"),
        ]
    ):
        ref = root.write(dataset, [pd.DataFrame({"x": [number]})], partition=partition, source={})
        catalogue.record(database, ref)


def checks(result: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(check["model"], check["data_kind"], check["snapshot"]) for check in result]


@pytest.mark.usefixtures("fleet")
def test_each_champion_is_listed_with_its_newest_data(execute: Callable[..., Any]) -> None:
    ended = execute(ListModelsOperator(task_id="models"))
    assert checks(ended.result) == [
        ("ant", "features", "ant_features@2026-01-12"),
        ("zebra", "features", "zebra_features@2026-01-12"),
        ("zebra", "scores", "zebra_scores@2026-01-05"),
    ]
    assert [check["champion_at"] for check in ended.result] == ["2026-01-12", "2026-01-12", "2026-01-05"]


@pytest.mark.usefixtures("fleet")
def test_a_champion_without_data_is_named_and_left_out(
    execute: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    execute(ListModelsOperator(task_id="models"))
    assert "Skipping models without data in the catalogue: mole" in capsys.readouterr().out


@pytest.mark.usefixtures("fleet")
def test_partitions_after_the_asked_one_do_not_count(execute: Callable[..., Any]) -> None:
    ended = execute(ListModelsOperator(task_id="models", until="2026-01-05"))
    assert checks(ended.result) == [
        ("zebra", "features", "zebra_features@2026-01-05"),
        ("zebra", "scores", "zebra_scores@2026-01-05"),
    ]


@pytest.mark.usefixtures("fleet")
def test_some_can_be_asked_for_and_datasets_can_be_called_otherwise(execute: Callable[..., Any]) -> None:
    ended = execute(ListModelsOperator(task_id="models", models=["ant"], features="nobody_features", scores=None))
    assert checks(ended.result) == [("ant", "features", "nobody_features@2026-01-12")]


@pytest.mark.usefixtures("fleet")
def test_a_model_without_a_champion_is_refused_by_name(execute: Callable[..., Any]) -> None:
    ended = execute(ListModelsOperator(task_id="models", models=["ant", "yak"]))
    assert "no champion exists for ['yak']" in str(ended.error)


@pytest.mark.usefixtures("fleet")
def test_a_policy_is_given_where_there_is_one(
    execute: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "include" / "ant").mkdir(parents=True)
    (tmp_path / "include" / "ant" / "policy.yaml").write_text("drift: {}\n")
    ended = execute(ListModelsOperator(task_id="models"))
    policies = {check["model"]: check["policy"] for check in ended.result}
    assert policies == {"ant": "include/ant/policy.yaml", "zebra": None}


def test_an_empty_store_gives_nothing_to_watch(execute: Callable[..., Any]) -> None:
    assert execute(ListModelsOperator(task_id="models")).result == []
