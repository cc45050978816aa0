"""The cleanup repairs what was left, and nobody loses what somebody needs."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_mlops.common.errors import BadInput, NotFound, Superseded
from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.data.snapshots import orphaned_files
from airflow_mlops.core.data.snapshots.staging import Staging
from airflow_mlops.core.housekeeping import cleanup, orphans, retention
from airflow_mlops.core.housekeeping.cleanup import CleanupPolicy, clean_up
from airflow_mlops.core.models.loading import load_version, local_folder
from airflow_mlops.core.tracking.tags import task_tags
from airflow_mlops.core.training import runs
from airflow_mlops.store import attempts, claims, reports, versions
from airflow_mlops.store.clock import now
from airflow_mlops.store.version_artifacts import VersionArtifact

LATER = timedelta(days=100)
OLD = now() - timedelta(days=3)


def swept(world: Any, *, later: timedelta = LATER, **how: Any) -> Report:
    rules = CleanupPolicy(**{"keep_champions": 2, "keep_days": 30, **how.pop("rules", {})})
    return clean_up(
        world.client, world.database, world.root, rules, timestamp=now() + later, **{"dry_run": False, **how}
    )


def folder_of(world: Any, version: int) -> Path:
    return local_folder(versions.get(world.database, "m", version).artifact_uri, "")


def has_files(world: Any, *numbers: int) -> list[bool]:
    found = []
    for number in numbers:
        try:
            found.append(bool(list(folder_of(world, number).iterdir())))
        except NotFound:
            found.append(False)
    return found


@pytest.fixture
def five(world: Any) -> Any:
    """Versions 1 to 5; 1, 2, 4 and 5 have been champion, 3 was rejected."""
    for number in range(1, 6):
        ref = world.registered(str(number))
        if number == 3:
            versions.bind_gate(world.database, "m", 3, report_id=world.gated(ref, "reject"), decision="reject")
        else:
            gate = world.gated(ref)
            versions.bind_gate(world.database, "m", number, report_id=gate, decision="promote")
            world.promoted(ref, f"p{number}", gate)
    return world


def test_files_that_nobody_needs_go_and_records_stay(five: Any) -> None:
    report = swept(five)
    assert report.verdict == "pass", report.summary()
    assert report.facts["counts"]["old files"] == 3
    assert has_files(five, 1, 2, 3, 4, 5) == [False, False, False, True, True]
    assert [versions.get(five.database, "m", n).version for n in (1, 2, 3)] == [1, 2, 3]
    assert five.client.get_model_version("m", "1").tags[retention.REMOVED_TAG]
    assert five.client.get_run(versions.get(five.database, "m", 1).run_id).info.lifecycle_stage == "active"
    with pytest.raises(NotFound, match="artifact is gone"):
        load_version(versions.get(five.database, "m", 1), "")
    again = swept(five).facts["counts"]
    kinds = ("aliases", "runs and versions", "temporary files", "old files", "old attempts")
    assert again == dict.fromkeys(kinds, 0)


def test_a_dry_run_finds_the_same_and_does_nothing(five: Any) -> None:
    dry = swept(five, dry_run=True)
    assert has_files(five, 1, 2, 3, 4, 5) == [True] * 5
    real = swept(five)
    assert dry.facts["old files"] == real.facts["old files"] != []
    assert (dry.facts["dry_run"], real.facts["dry_run"]) == (True, False)


def test_the_files_of_young_versions_stay(five: Any) -> None:
    assert swept(five, later=timedelta(days=29)).facts["old files"] == []


def test_the_files_of_more_champions_stay_if_told(five: Any) -> None:
    swept(five, rules={"keep_champions": 3})
    assert has_files(five, 1, 2, 3, 4, 5) == [False, True, False, True, True]


def test_what_is_being_judged_waits_for_a_person_or_has_an_alias_stays(five: Any, monkeypatch: Any) -> None:
    five.client.set_registered_model_alias("m", "candidate-of-somebody", "1")
    monkeypatch.setattr("airflow_mlops.store.reports.now", lambda: now() + LATER - timedelta(days=1))
    reports.publish(five.database, Report.from_checks("evaluation", "m v2", [Check("c", "pass")]), actor="e")
    monkeypatch.undo()
    held = five.registered("6")
    versions.bind_gate(five.database, "m", 6, report_id=five.gated(held, "hold"), decision="hold")
    assert swept(five).facts["counts"]["old files"] == 1
    assert has_files(five, 1, 2, 3, 4, 5, 6) == [True, True, False, True, True, True]


def test_after_a_rollback_the_one_that_came_back_and_the_one_it_replaced_stay(five: Any) -> None:
    from airflow_mlops.core.registry.rollback import rollback

    rollback(five.client, five.database, model="m", to=1, reason="r", actor="a")
    swept(five)
    assert has_files(five, 1, 2, 4, 5) == [True, False, False, True]


def test_one_that_becomes_champion_between_the_look_and_the_removal_stays(five: Any) -> None:
    found = list(retention.find_expired(five.client, five.database, "m", champions=2, days=30, timestamp=now() + LATER))
    assert [files.version for files in found] == [1, 2, 3]
    one = five.client, five.database
    five.promoted(versions.ref(versions.get(five.database, "m", 1)), "again")
    retention.delete_files(*one, "m", found[0], timestamp=now())
    assert has_files(five, 1) == [True]


def test_files_elsewhere_than_below_their_run_are_not_removed(five: Any, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    files = VersionArtifact(1, versions.get(five.database, "m", 1).run_id, precious.as_uri(), "linear", None, OLD)
    with pytest.raises(ValueError, match="is not below"):
        retention.delete_files(five.client, five.database, "m", files, timestamp=now())
    base = five.client.get_run(files.run_id).info.artifact_uri
    for uri in (base, f"{base}/", f"{base}/../x"):
        with pytest.raises(ValueError, match="is not below"):
            retention.delete_files(five.client, five.database, "m", files._replace(artifact_uri=uri), timestamp=now())


MOMENT = datetime.fromisoformat("2026-06-01T00:00:00+00:00")


@given(
    st.lists(
        st.tuples(
            st.integers(0, 60),
            st.sampled_from([None, "hold", "reject", "promote"]),
            st.integers(0, 4),
            st.sampled_from(["c", "adopted"]),
        ),
        max_size=12,
    ),
    st.sets(st.integers(1, 12)),
)
def test_whatever_is_spared_is_old_not_adopted_not_kept_and_shares_no_files_with_what_is(
    drawn: list[Any], kept: set[int]
) -> None:
    known = [
        VersionArtifact(n, "r", f"u{place}", candidate, decision, MOMENT - timedelta(days=age))
        for n, (age, decision, place, candidate) in enumerate(drawn, 1)
    ]
    since = MOMENT - timedelta(days=30)
    found = retention.select_unneeded(known, kept, since)
    stays = {f.artifact_uri for f in known if f not in found}
    for files in found:
        assert files.version not in kept
        assert files.recorded_at < since
        assert files.candidate != "adopted"
        assert files.artifact_uri not in stays
    certain = [f for f in known if f.version not in kept and f.recorded_at < since and f.candidate != "adopted"]
    alone = [f for f in certain if sum(g.artifact_uri == f.artifact_uri for g in known) == 1 and f.decision != "hold"]
    assert set(alone) <= set(found)


def test_an_alias_that_was_moved_is_set_as_in_the_ledger(five: Any) -> None:
    five.client.set_registered_model_alias("m", "champion", "3")
    five.client.delete_registered_model_alias("m", "previous")
    dry = swept(five, dry_run=True, later=timedelta())
    assert dry.facts["aliases"] == ["m: alias champion, alias previous as in the ledger"]
    swept(five, later=timedelta())
    assert five.aliases() == {"champion": 5, "previous": 4}
    assert swept(five, later=timedelta()).facts["aliases"] == []


def test_what_killed_attempts_left_tags_and_aliased_goes_once_it_is_old(world: Any) -> None:
    claims.begin(world.database, runs.CLAIM_KIND, "k")
    run = world.client.create_run(runs.get_or_create_experiment(world.client, "e"), tags=task_tags("k")).info.run_id
    assert swept(world, later=timedelta(hours=47)).facts["counts"]["runs and versions"] == 0
    assert swept(world, later=timedelta(hours=49)).facts["counts"]["runs and versions"] == 1
    info = world.client.get_run(run).info
    assert (info.status, info.lifecycle_stage) == ("KILLED", "deleted")


def test_attempts_are_forgotten_long_after_their_task_but_not_where_it_is_unfinished(world: Any) -> None:
    done, training = (world.database.fenced(key, attempts.begin(world.database, key)) for key in ("done", "training"))
    claims.begin(training, runs.CLAIM_KIND, "training")
    assert swept(world, later=timedelta(days=29)).facts["old attempts"] == []
    assert swept(world, dry_run=True).facts["counts"]["old attempts"] == 1
    [told] = swept(world).facts["old attempts"]
    assert told.endswith(": 1 attempts of tasks")
    with pytest.raises(Superseded), done.session():
        pass
    with training.session():  # may go on
        pass
    assert swept(world).facts["old attempts"] == []
    assert attempts.begin(world.database, "done")  # cleared, it runs anew


def aged(*paths: Path) -> None:
    for path in paths:
        os.utime(path, (OLD.timestamp(), OLD.timestamp()))


def test_temporary_files_of_snapshots_go_once_they_are_old_and_snapshots_stay(world: Any) -> None:
    place = Path(world.root.path)
    ref = world.root.write("rows", pd.DataFrame({"a": [1, 2]}))
    [kept] = (place / "rows" / "parts").iterdir()
    left, empty, young = (place / "rows" / "parts" / (sign * 32) for sign in "abc")
    other = place / "rows" / "parts" / "notes"
    drafts = [place / "rows" / "x.json.0.draft", place / "deep" / "er" / "y.draft"]
    for folder in (left, empty, young, other, drafts[1].parent):
        folder.mkdir(parents=True)
    for path in (left / "part-00000.parquet", young / "part-00000.parquet", *drafts):
        path.write_bytes(b"torn")
    for path in (kept, *kept.iterdir(), left, *left.iterdir(), empty, young, other, *drafts):
        aged(path)
    (place / "rows" / "z.json.1.draft").write_bytes(b"at work")
    aged(young)
    os.utime(young / "part-00000.parquet")
    report = swept(world, later=timedelta())
    assert report.facts["counts"]["temporary files"] == 4
    assert [p.exists() for p in (kept, left, empty, young, other, *drafts)] == [
        True,
        False,
        False,
        True,
        True,
        *[False] * 2,
    ]
    assert (place / "rows" / "z.json.1.draft").exists()
    assert world.root.open(ref).to_pandas()["a"].tolist() == [1, 2]
    assert swept(world, later=timedelta()).facts["counts"]["temporary files"] == 0


def test_parts_that_are_committed_between_the_look_and_the_removal_stay(root: Any) -> None:
    ref = root.write("rows", pd.DataFrame({"a": [1]}))
    [parts] = root.fs.ls(f"{root.path}/rows/parts", detail=False)
    orphaned_files.delete_orphaned_file(root, parts.rstrip("/"))
    assert root.open(ref).to_pandas()["a"].tolist() == [1]


def test_a_snapshot_in_the_making_is_kept_for_a_week_and_then_goes(world: Any) -> None:
    made = Staging(world.root, "rows", "c" * 32)
    made.add(0, pd.DataFrame({"a": [1]}))
    place = Path(world.root.path) / "rows"
    files = [p for p in place.rglob("*") if p.is_file()]
    aged(*files, *(p for p in place.rglob("*") if p.is_dir()))
    assert swept(world, later=timedelta()).facts["temporary files"] == []
    assert made.load_part(0) is not None
    long_ago = (now() - timedelta(days=8)).timestamp()
    for path in files:
        os.utime(path, (long_ago, long_ago))
    [told] = swept(world, later=timedelta()).facts["temporary files"]
    assert told.endswith("abandoned unfinished snapshot")
    assert [p for p in files if p.exists()] == []
    assert swept(world, later=timedelta()).facts["temporary files"] == []


def test_with_a_manifest_that_cannot_be_read_no_parts_are_removed(world: Any) -> None:
    place = Path(world.root.path)
    world.root.write("rows", pd.DataFrame({"a": [1]}))
    left = place / "rows" / "parts" / ("a" * 32)
    left.mkdir()
    aged(left)
    (place / "rows" / "bad.json").write_text("{")
    report = swept(world, later=timedelta())
    assert left.exists()
    assert report.verdict == "warn"
    assert "search failed: JSONDecodeError" in report.summary()


def test_one_thing_that_cannot_be_done_keeps_no_other_from_being_done(five: Any, monkeypatch: Any) -> None:
    delete = retention._delete

    def failing(client: Any, base: str, below: str) -> None:
        if versions.get(five.database, "m", 2).run_id in base:
            raise PermissionError("read-only")
        delete(client, base, below)

    monkeypatch.setattr(retention, "_delete", failing)
    report = swept(five)
    assert report.verdict == "warn"
    assert "PermissionError: read-only" in str(report.to_dict())
    assert has_files(five, 1, 2, 3) == [False, True, False]
    monkeypatch.undo()
    assert swept(five).verdict == "pass"
    assert has_files(five, 2) == [False]


def test_a_sweep_is_bounded_and_the_next_one_goes_on(five: Any) -> None:
    first = swept(five, rules={"max_actions": 2})
    assert first.facts["counts"]["old files"] == 2
    assert first.facts["incomplete"] == ["old files"]
    second = swept(five, rules={"max_actions": 2})
    assert (second.facts["counts"]["old files"], second.facts["incomplete"]) == (1, [])


def test_what_is_left_for_people_is_reported(five: Any) -> None:
    five.client.delete_model_version("m", "4")
    report = swept(five, later=timedelta())
    assert report.verdict == "warn"
    assert "champions are in MLflow" in report.summary()


def test_an_mlflow_that_is_down_is_a_warning_and_snapshots_are_swept_all_the_same(five: Any, monkeypatch: Any) -> None:
    def down(*_: Any, **__: Any) -> Any:
        raise ConnectionError("no route")

    for module, name in (
        (orphans, "find_orphans"),
        (cleanup.consistency, "check_consistency"),
        (retention, "_tags_and_aliased"),
    ):
        monkeypatch.setattr(module, name, down)
    draft = Path(five.root.path) / "x.draft"
    draft.parent.mkdir(exist_ok=True)
    draft.touch()
    aged(draft)
    report = swept(five, later=timedelta())
    assert report.verdict == "warn"
    assert not draft.exists()


@pytest.mark.parametrize(
    "wrong", [{"keep_champions": 1}, {"keep_days": 0}, {"older_than_hours": 0.5}, {"max_actions": 0}]
)
def test_rules_that_could_take_what_is_needed_are_refused(wrong: Any) -> None:
    with pytest.raises(BadInput, match="at least"):
        CleanupPolicy(**wrong)
