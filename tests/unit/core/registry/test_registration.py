"""A task registers one version, whatever happens to its attempts, and only of the files that its run wrote."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from airflow_mlops.common.errors import BadInput, NotFound, Refused, Superseded
from airflow_mlops.core.registry import registration
from airflow_mlops.core.registry.registration import register
from airflow_mlops.store import attempts, claims, versions


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
    assert len(versions.of_model(world.database, "m")) == 1


def test_two_tasks_register_two_versions_of_one_run(world: Any) -> None:
    run = world.written("t")
    assert [world.registered(key, run=run).version for key in ("a", "b")] == [1, 2]


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        ("client", "create_registered_model"),
        ("client", "create_model_version"),
        ("client", "log_dict"),
        (claims, "finish_with_row"),
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
    assert [v.version for v in versions.of_model(world.database, "m")] == [1]
    assert versions.get(world.database, "m", 1).digest == run.digest
    assert world.registered("b", run=run).version == 2  # another task does not adopt it


def test_files_that_the_run_did_not_write_are_not_registered(world: Any) -> None:
    run = world.written("t")
    with pytest.raises(Refused, match="do not match the registered digest"):
        world.registered("a", run=replace(run, digest="0" * 64))
    model = next(Path("artifacts").rglob("model.skops"))
    model.write_bytes(model.read_bytes()[:-1])
    with pytest.raises(Refused, match="do not match the registered digest"):
        world.registered("a", run=run)
    with pytest.raises(NotFound, match="artifact is gone"):
        world.registered("a", run=replace(run, artifact="other"))
    assert versions.of_model(world.database, "m") == []


def test_a_model_name_that_could_climb_out_is_refused_before_anything_is_claimed(world: Any) -> None:
    with pytest.raises(BadInput, match="cannot be the name of a model"):
        register(
            world.client, world.database, model="../m", run=world.written("t"), data={}, baseline={}, contract=None,
            cutoff=None, key="k",
        )  # fmt: skip
    assert claims.begin(world.database, registration.CLAIM_KIND, "k") is None


def test_a_key_with_odd_characters_is_adopted_all_the_same(world: Any) -> None:
    run = world.written("t")
    for number, key in enumerate(("it's", "'a' \"b\"", "100%_"), 1):
        left(world, run, f"{key}/register")
        assert world.registered(key, run=run).version == number


def left(world: Any, run: Any, key: str, *, copies: int = 1) -> None:
    """Leave what an attempt leaves that is killed right after making its version; more often, as blind retries do."""
    claims.begin(world.database, registration.CLAIM_KIND, key)
    source = f"{world.client.get_run(run.run_id).info.artifact_uri}/{run.artifact}"
    for _ in range(copies):
        registration._create(world.client, "m", source, run, {}, key)


def test_of_several_versions_that_attempts_left_one_is_adopted_and_the_others_go(world: Any) -> None:
    run = world.written("t")
    left(world, run, "other/register")
    left(world, run, "a/register", copies=3)
    assert world.registered("a", run=run).version == 2
    assert [int(v.version) for v in versions_of(world)] == [2, 1]


def test_a_left_version_of_other_files_is_removed_not_adopted(world: Any) -> None:
    left(world, world.written("t"), "a/register")
    run = world.written("u")
    ref = world.registered("a", run=run)
    (found,) = versions_of(world)
    assert (ref.version, ref.digest) == (2, run.digest)
    assert (int(found.version), found.run_id) == (2, run.run_id)
    assert [v.version for v in versions.of_model(world.database, "m")] == [2]


def test_version_and_finished_claim_are_there_together_or_not_at_all(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError

    run = world.written("t")
    monkeypatch.setattr(claims, "_write", broken)
    with pytest.raises(RuntimeError):
        world.registered("a", run=run)
    assert versions.of_model(world.database, "m") == []
    assert claims.get(world.database, registration.CLAIM_KIND, "a/register") == {"finished": False}


def late_zombie(world: Any, monkeypatch: pytest.MonkeyPatch, when: str) -> Any:
    """Register as an attempt whose retry runs whole right before or after it makes its version; gives the retry's."""
    key, run, plain, found = "a/register", world.written("t"), world.database, []
    create = world.client.create_model_version

    def overtaken(*args: Any, **kwargs: Any) -> Any:
        monkeypatch.setattr(world.client, "create_model_version", create)
        made = create(*args, **kwargs) if when == "after" else None
        world.database = plain.fenced(key, attempts.begin(plain, key))
        found.append(world.registered("a", run=run))
        return made or create(*args, **kwargs)

    monkeypatch.setattr(world.client, "create_model_version", overtaken)
    world.database = plain.fenced(key, attempts.begin(plain, key))
    with pytest.raises(Superseded):
        world.registered("a", run=run)
    world.database = plain
    return found[0]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_zombie_beside_its_retry_leaves_one_version(world: Any, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    ref = late_zombie(world, monkeypatch, when)
    assert [int(v.version) for v in versions_of(world)] == [ref.version]
    assert [v.version for v in versions.of_model(world.database, "m")] == [ref.version]
    assert world.registered("a", run=world.written("t")) == ref


def test_what_a_zombie_makes_while_its_retry_works_is_removed_by_the_retry(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, conclude = world.written("t"), claims.finish_with_row
    claims.begin(world.database, registration.CLAIM_KIND, "a/register")

    def meanwhile(*args: Any, **kwargs: Any) -> None:
        left(world, run, "a/register")
        conclude(*args, **kwargs)

    monkeypatch.setattr(claims, "finish_with_row", meanwhile)
    ref = world.registered("a", run=run)
    assert [int(v.version) for v in versions_of(world)] == [ref.version] == [1]


@pytest.mark.parametrize("part", ["train", "validation"])
def test_data_that_the_run_was_not_trained_on_are_refused(world: Any, part: str) -> None:
    run = world.written("t")
    world.client.log_param(run.run_id, "train_snapshot", world.data[part].id)
    others = {name: ref for name, ref in world.data.items() if ref.id != world.data[part].id}
    with pytest.raises(BadInput, match="which is not in data"):
        replace(world, data=others).registered("a", run=run)
    assert versions_of(world) == []
    assert world.registered("a", run=run).version == 1


def test_rows_that_were_trained_on_cannot_be_given_as_test_rows(world: Any) -> None:
    run = world.written("t")
    world.client.log_param(run.run_id, "train_snapshot", world.data["test"].id)
    with pytest.raises(BadInput, match="or only as the test rows"):
        world.registered("a", run=run)
