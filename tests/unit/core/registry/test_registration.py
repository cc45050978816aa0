"""A task registers one version, whatever happens to its attempts, and only of the files that its run wrote."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from airflow_mlops.core.errors import BadInput, NotFound, Refused
from airflow_mlops.core.registry import registration
from airflow_mlops.core.registry.registration import register
from airflow_mlops.store import claims, versions


def versions_of(world: Any) -> list[Any]:
    return list(world.client.search_model_versions("name = 'm'"))


def test_a_version_keeps_its_data_baseline_contract_and_digest(world: Any) -> None:
    run = world.written("t")
    ref = world.registered("a", run=run)
    assert (ref.version, ref.digest, ref.run_id, ref.cutoff) == (1, run.digest, run.run_id, "2026-04-06")
    kept = versions.get(world.database, "m", 1)
    assert kept.data["test"] == world.data["test"].to_dict()
    assert (kept.baseline, kept.contract, kept.candidate) == ({"b": 1}, {"c": 1}, "linear")
    (found,) = versions_of(world)
    assert found.tags["mlops.digest"] == run.digest
    assert {f.path for f in world.client.list_artifacts(run.run_id)} >= {"model", "profile.json", "contract.json"}


def test_a_retry_gives_the_same_version(world: Any) -> None:
    assert world.registered("a") == world.registered("a")
    assert len(versions_of(world)) == 1
    assert len(versions.all_of(world.database, "m")) == 1


def test_two_tasks_register_two_versions_of_one_run(world: Any) -> None:
    run = world.written("t")
    assert [world.registered(key, run=run).version for key in ("a", "b")] == [1, 2]


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        ("client", "create_registered_model"),
        ("client", "create_model_version"),
        (versions, "add"),
        ("client", "log_dict"),
        (claims, "note"),
    ],
    ids=lambda v: v if isinstance(v, str) else v.__name__,
)
def test_a_killed_attempt_leaves_exactly_one_version_after_the_retry(
    world: Any, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str
) -> None:
    run = world.written("t")
    owner = world.client if owner == "client" else owner
    real = getattr(owner, name)

    def killed(*args: Any, **kwargs: Any) -> None:
        real(*args, **kwargs)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(owner, name, killed)
        with pytest.raises(KeyboardInterrupt):
            world.registered("a", run=run)
    ref = world.registered("a", run=run)
    assert [int(v.version) for v in versions_of(world)] == [ref.version] == [1]
    assert [v.version for v in versions.all_of(world.database, "m")] == [1]
    assert versions.get(world.database, "m", 1).digest == run.digest
    assert world.registered("b", run=run).version == 2  # another task does not adopt it


def test_files_that_the_run_did_not_write_are_not_registered(world: Any) -> None:
    run = world.written("t")
    with pytest.raises(Refused, match="not those that were registered"):
        world.registered("a", run=replace(run, digest="0" * 64))
    model = next(Path("artifacts").rglob("model.skops"))
    model.write_bytes(model.read_bytes()[:-1])
    with pytest.raises(Refused, match="not those that were registered"):
        world.registered("a", run=run)
    with pytest.raises(NotFound, match="artifact is gone"):
        world.registered("a", run=replace(run, artifact="other"))
    assert versions.all_of(world.database, "m") == []


def test_a_model_name_that_could_climb_out_is_refused_before_anything_is_claimed(world: Any) -> None:
    with pytest.raises(BadInput, match="cannot be the name of a model"):
        register(
            world.client, world.database, model="../m", run=world.written("t"), data={}, baseline={}, contract=None,
            cutoff=None, key="k",
        )  # fmt: skip
    assert claims.begin(world.database, registration._KIND, "k") is None


def test_a_key_with_odd_characters_is_adopted_all_the_same(world: Any) -> None:
    run = world.written("t")
    for number, key in enumerate(("it's", "'a' \"b\"", "100%_"), 1):
        claims.begin(world.database, registration._KIND, f"{key}/register")
        registration._create(world.client, "m", "/nowhere", run, f"{key}/register")
        assert world.registered(key, run=run).version == number
