"""The cleanup finds what no later attempt has cleared away, and nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from airflow_mlops.core.housekeeping.orphans import find_orphans, repair
from airflow_mlops.core.registry import registration
from airflow_mlops.core.tracking.tags import task_tags
from airflow_mlops.core.training import runs
from airflow_mlops.store import claims
from airflow_mlops.store.clock import now


@pytest.fixture
def sweep(world: Any) -> Any:
    """Find and clear; gives what was found, in words."""

    def swept(older: timedelta = timedelta(minutes=-1)) -> list[str]:
        found = list(find_orphans(world.client, world.database, before=now() - older))
        for one in found:
            repair(world.client, one)
        return [str(one) for one in found]

    return swept


def started(world: Any, key: str) -> str:
    """Leave what an attempt leaves that is killed right after it has made its run."""
    experiment = runs.get_or_create_experiment(world.client, "e")
    return str(world.client.create_run(experiment, tags=task_tags(key)).info.run_id)


def states(world: Any, *run_ids: str) -> list[tuple[str, str]]:
    infos = [world.client.get_run(run_id).info for run_id in run_ids]
    return [(info.status, info.lifecycle_stage) for info in infos]


def test_a_run_whose_task_was_not_tried_again_is_closed(world: Any, sweep: Any) -> None:
    claims.begin(world.database, runs.CLAIM_KIND, "k")
    run = started(world, "k")
    assert sweep() == [f"remove run {run} of k: its attempt did not finish, and there was no later one"]
    assert states(world, run) == [("KILLED", "deleted")]
    assert sweep() == []


def test_what_a_dead_zombie_left_beside_a_finished_run_goes_and_the_finished_one_stays(world: Any, sweep: Any) -> None:
    kept = world.written("k").run_id
    run = started(world, "k")
    assert sweep() == [f"remove run {run} of k: another attempt has finished run {kept}"]
    assert states(world, run, kept) == [("KILLED", "deleted"), ("FINISHED", "active")]


def test_a_finished_run_whose_end_was_lost_is_ended(world: Any, sweep: Any) -> None:
    kept = world.written("k").run_id
    world.client.update_run(kept, status="RUNNING")
    assert sweep() == [f"end run {kept} of k: it is finished, but its end was lost"]
    assert states(world, kept) == [("FINISHED", "active")]


def test_what_is_young_or_of_nobody_here_is_left_alone(world: Any, sweep: Any) -> None:
    claims.begin(world.database, runs.CLAIM_KIND, "k")
    young = started(world, "k")
    assert sweep(timedelta(hours=1)) == []
    unknown = started(world, "of another store")
    plain = world.client.create_run(runs.get_or_create_experiment(world.client, "e")).info.run_id
    sweep()
    assert states(world, young, unknown, plain) == [("KILLED", "deleted"), *[("RUNNING", "active")] * 2]


def test_versions_too_many_go_but_none_that_is_finished_unknown_or_has_an_alias(world: Any, sweep: Any) -> None:
    run = world.written("t")
    kept = world.registered("a", run=run).version
    source = f"{world.client.get_run(run.run_id).info.artifact_uri}/{run.artifact}"

    def left(key: str) -> int:
        return registration._create(world.client, "m", source, run, {}, key)

    surplus, unknown, named, unfinished = (left(k) for k in ("a/register", "nobody", "a/register", "b/register"))
    claims.begin(world.database, registration.CLAIM_KIND, "b/register")
    world.client.set_registered_model_alias("m", "champion", str(named))
    assert sorted(sweep()) == [
        f"remove m v{surplus} of a/register: another attempt has finished m v{kept}",
        f"remove m v{unfinished} of b/register: its attempt did not finish, and there was no later one",
    ]
    left_over = {int(v.version) for v in world.client.search_model_versions("name = 'm'")}
    assert left_over == {kept, unknown, named}
