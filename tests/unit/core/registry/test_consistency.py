"""Where store and MLflow say different things, it is told what, how bad it is, and what mends it."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from airflow_mlops.common.report import Report
from airflow_mlops.core.registry.aliases import reconcile
from airflow_mlops.core.registry.consistency import check_consistency
from airflow_mlops.store.tables import Version


def told(world: Any) -> dict[str, tuple[str, str | None]]:
    """What is wrong: check -> (severity, which versions)."""
    return {c.name: (c.severity, c.where) for c in check_consistency(world.client, world.database, "m").failed}


def backup(world: Any, name: str) -> Path:
    """Copy the store as its page says, while it may be in use."""
    copy = Path(name).absolute()
    with sqlite3.connect(world.database.url.database) as connection:
        connection.execute("VACUUM INTO ?", (str(copy),))
    return copy


def restore(world: Any, copy: Path) -> None:
    file = Path(world.database.url.database)
    for leftover in (file, file.with_name(file.name + "-wal"), file.with_name(file.name + "-shm")):
        leftover.unlink(missing_ok=True)
    shutil.copy(copy, file)


@pytest.fixture
def two(world: Any) -> Any:
    """Two versions; the second is champion, the first was."""
    world.v1, world.v2 = (world.registered(key, cutoff) for key, cutoff in (("a", "2026-04-06"), ("b", "2026-04-13")))
    world.promoted(world.v1, "first", world.gated(world.v1, "promote_first"))
    world.promoted(world.v2, "second")
    return world


def test_after_promotions_the_two_agree(two: Any) -> None:
    report = check_consistency(two.client, two.database, "m")
    assert (report.kind, report.subject, report.verdict) == ("consistency", "m", "pass")
    assert report.facts == {"champion": 2, "revision": 2, "versions": 2, "versions_in_mlflow": 2}
    assert Report.from_dict(report.to_dict()).verdict == "pass"


def test_a_model_that_neither_has_is_no_inconsistency(world: Any) -> None:
    assert told(world) == {}


def test_an_alias_that_was_moved_by_hand_is_a_warning_and_the_next_reader_mends_it(two: Any) -> None:
    two.client.set_registered_model_alias("m", "champion", "1")
    two.client.delete_registered_model_alias("m", "previous")
    assert told(two) == {"alias champion": ("warn", "v2"), "alias previous": ("warn", "v1")}
    assert "is at v1, the ledger says v2" in check_consistency(two.client, two.database, "m").summary()
    assert reconcile(two.client, two.database, "m")
    assert told(two) == {}


def test_a_champion_that_the_ledger_does_not_know_is_told(world: Any) -> None:
    world.registered("a")
    world.client.set_registered_model_alias("m", "champion", "1")
    assert told(world) == {"alias champion": ("warn", "v1")}
    assert "airflow mlops adopt" in check_consistency(world.client, world.database, "m").summary()


def test_a_version_deleted_in_mlflow_fails_if_it_is_champion_or_was_just_before(two: Any) -> None:
    two.registered("c", "2026-04-20")
    two.client.delete_model_version("m", "3")
    assert told(two) == {"versions are in MLflow": ("warn", "v3")}
    two.client.delete_model_version("m", "2")
    failed = told(two)
    assert failed["champions are in MLflow"] == ("error", "v2")
    assert failed["alias champion"] == ("warn", "v2")  # MLflow drops it with the version
    assert check_consistency(two.client, two.database, "m").verdict == "fail"


def test_a_version_that_a_task_registered_but_the_store_does_not_know_is_told(two: Any) -> None:
    two.registered("c", "2026-04-20")
    two.client.create_model_version("m", Path("elsewhere").absolute().as_uri())  # somebody else's: none of ours
    with two.database.session() as session:
        session.execute(delete(Version).where(Version.version == 3))
    assert told(two) == {"versions are in the store": ("warn", "v3")}


def test_a_champion_that_the_store_does_not_have_fails(two: Any) -> None:
    with two.database.session() as session:
        session.execute(delete(Version).where(Version.version == 2))
    assert told(two)["champions are in the store"] == ("error", "v2")


def test_a_store_from_an_older_backup_is_told_and_its_ledger_decides(world: Any) -> None:
    world.v1 = world.registered("a", "2026-04-06")
    world.promoted(world.v1, "first", world.gated(world.v1, "promote_first"))
    copy = backup(world, "older.db")
    v2 = world.registered("b", "2026-04-13")
    world.promoted(v2, "second")
    restore(world, copy)
    assert told(world) == {
        "the ledger is complete": ("error", "v2"),
        "alias champion": ("warn", "v1"),
        "versions are in the store": ("warn", "v2"),
    }
    assert reconcile(world.client, world.database, "m")
    assert world.aliases()["champion"] == 1
    again = world.registered("b again", "2026-04-13")  # its task is cleared: a version of its own, a gate of its own
    world.promoted(again, "again")
    world.client.delete_model_version("m", "2")
    assert told(world) == {}


def test_an_mlflow_from_an_older_backup_that_gave_a_number_away_again_is_told(two: Any) -> None:
    uri = two.client.tracking_uri.removeprefix("sqlite:///")
    older = shutil.copy(uri, "older-mlflow.db")
    two.registered("c", "2026-04-20")
    from mlflow import MlflowClient

    two.client = MlflowClient(f"sqlite:///{Path(older).absolute()}", f"sqlite:///{Path(older).absolute()}")
    assert told(two) == {"versions are in MLflow": ("warn", "v3")}
    run = two.client.create_run("1")
    two.client.create_model_version("m", run.info.artifact_uri, run.info.run_id, tags={"mlops.digest": "another"})
    assert told(two) == {"same files": ("error", "v3")}


def test_a_model_that_mlflow_does_not_have_at_all_fails(two: Any) -> None:
    two.client.delete_registered_model("m")
    assert told(two) == {"the model is in MLflow": ("error", None)}


def test_all_pages_of_mlflow_are_read(two: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_mlops.core.registry import consistency

    monkeypatch.setattr(consistency, "_PAGE_SIZE", 1)
    assert check_consistency(two.client, two.database, "m").facts["versions_in_mlflow"] == 2
