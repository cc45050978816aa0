"""However often and wherever an attempt is killed, a task has one live run in the end."""

from __future__ import annotations

from typing import Any

import pytest
from mlflow.entities import ViewType

from airflow_mlops.common.errors import BadInput, Conflict, Superseded
from airflow_mlops.common.refs import RunRef
from airflow_mlops.core.tracking.tags import task_tags
from airflow_mlops.core.training import runs
from airflow_mlops.store import attempts, claims
from airflow_mlops.store.database import Database

KEY = "dag/scheduled__2026-04-06T00:00:00+00:00/train/0"


class Killed(BaseException):
    """What :func:`kill` raises."""


@pytest.fixture
def kill(mlflow_client: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make the end of a call of the client, or of ``claims``, the moment of a SIGKILL: nothing after it is done."""

    def at(name: str, where: Any = None) -> None:
        owner = where or mlflow_client
        real = getattr(owner, name)

        def killed(*args: Any, **kwargs: Any) -> None:
            real(*args, **kwargs)
            monkeypatch.setattr(mlflow_client, "set_terminated", lambda *_: None)  # no handler gets through
            raise Killed

        monkeypatch.setattr(owner, name, killed)

    return at


def attempt(client: Any, database: Database, key: str = KEY) -> RunRef:
    with runs.claim_run(client, database, key=key, experiment="e", name="c") as run:
        if run.finished is not None:
            return run.finished
        run.log(params={"p": 1}, metrics={"m": 0.5, "odd": float("nan")})
        return run.finish(RunRef(run.id, "c", "model", "0" * 64, "roc_auc", 0.5))


def statuses(client: Any, which: int = ViewType.ACTIVE_ONLY) -> list[str]:
    found = client.search_runs([e.experiment_id for e in client.search_experiments()], run_view_type=which)
    return sorted(r.info.status for r in found)


def test_a_retry_of_a_task_that_succeeded_gives_its_run(mlflow_client: Any, database: Database) -> None:
    first = attempt(mlflow_client, database)
    assert attempt(mlflow_client, database) == first
    assert statuses(mlflow_client) == ["FINISHED"]


def test_a_metric_that_is_not_finite_is_kept_as_a_tag(mlflow_client: Any, database: Database) -> None:
    run = mlflow_client.get_run(attempt(mlflow_client, database).run_id)
    assert run.data.metrics == {"m": 0.5}
    assert run.data.tags["metric.odd"] == "nan"


def test_other_tasks_have_runs_of_their_own(mlflow_client: Any, database: Database) -> None:
    refs = {attempt(mlflow_client, database, f"{KEY}{i}").run_id for i in range(3)}
    assert len(refs) == 3


@pytest.mark.parametrize("moment", ["create_run", "log_batch", "record", "finish", "set_terminated"])
def test_a_killed_attempt_leaves_exactly_one_live_run_after_the_retry(
    mlflow_client: Any, database: Database, kill: Any, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    kill(moment, claims if moment in ("record", "finish") else None)
    with pytest.raises(Killed):
        attempt(mlflow_client, database)
    assert statuses(mlflow_client) != []
    monkeypatch.undo()
    ref = attempt(mlflow_client, database)
    assert statuses(mlflow_client) == ["FINISHED"]
    assert "RUNNING" not in statuses(mlflow_client, ViewType.ALL)
    assert mlflow_client.get_run(ref.run_id).info.status == "FINISHED"
    assert attempt(mlflow_client, database) == ref


def test_a_zombie_beside_its_retry_cannot_finish(mlflow_client: Any, database: Database) -> None:
    retries: list[RunRef] = []

    def overtaken() -> None:
        with runs.claim_run(mlflow_client, database, key=KEY, experiment="e", name="c") as zombie:
            retries.append(attempt(mlflow_client, database))
            zombie.finish(RunRef(zombie.id, "c", "model", "1" * 64, "roc_auc", 0.9))

    with pytest.raises(Conflict, match="a later attempt of this task has taken over"):
        overtaken()
    assert [attempt(mlflow_client, database)] == retries
    assert statuses(mlflow_client) == ["FINISHED"]
    assert statuses(mlflow_client, ViewType.DELETED_ONLY) == ["KILLED"]


def test_a_fenced_zombie_removes_the_run_that_it_made_after_its_retry_had_looked(
    mlflow_client: Any, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    zombies_database = database.fenced(KEY, attempts.begin(database, KEY))
    create, retries = mlflow_client.create_run, []

    def late(*args: Any, **kwargs: Any) -> Any:
        monkeypatch.setattr(mlflow_client, "create_run", create)
        retries.append(attempt(mlflow_client, database.fenced(KEY, attempts.begin(database, KEY))))
        return create(*args, **kwargs)

    monkeypatch.setattr(mlflow_client, "create_run", late)
    with pytest.raises(Superseded):
        attempt(mlflow_client, zombies_database)
    assert statuses(mlflow_client) == ["FINISHED"]
    assert statuses(mlflow_client, ViewType.DELETED_ONLY) == ["KILLED"]
    assert [attempt(mlflow_client, database)] == retries


def test_what_a_zombie_made_between_the_looks_of_its_retry_is_removed_by_the_retry(
    mlflow_client: Any, database: Database
) -> None:
    claims.begin(database, "run", KEY)
    with runs.claim_run(mlflow_client, database, key=KEY, experiment="e", name="c") as run:
        mlflow_client.create_run(runs.get_or_create_experiment(mlflow_client, "e"), tags=task_tags(KEY))
        ref = run.finish(RunRef(run.id, "c", "model", "0" * 64, "roc_auc", 0.5))
    assert statuses(mlflow_client) == ["FINISHED"]
    assert mlflow_client.get_run(ref.run_id).info.lifecycle_stage == "active"


def test_an_attempt_that_raises_leaves_its_run_failed_for_people_to_look_at(
    mlflow_client: Any, database: Database
) -> None:
    with pytest.raises(RuntimeError), runs.claim_run(mlflow_client, database, key=KEY, experiment="e", name="c"):
        raise RuntimeError
    assert statuses(mlflow_client) == ["FAILED"]
    attempt(mlflow_client, database)
    assert statuses(mlflow_client) == ["FAILED", "FINISHED"]


def test_an_attempt_that_fails_says_why_even_when_mlflow_is_gone_too(
    mlflow_client: Any, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: Any) -> None:
        raise ConnectionError

    monkeypatch.setattr(mlflow_client, "set_terminated", gone)
    with (
        pytest.raises(RuntimeError, match="the reason"),
        runs.claim_run(mlflow_client, database, key=KEY, experiment="e", name="c"),
    ):
        raise RuntimeError("the reason")


def test_an_end_whose_answer_is_lost_leaves_no_failed_run(
    mlflow_client: Any, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = mlflow_client.set_terminated

    def lost(*args: Any) -> None:
        real(*args)
        raise ConnectionError

    with monkeypatch.context() as patched:
        patched.setattr(mlflow_client, "set_terminated", lost)
        with pytest.raises(ConnectionError):
            attempt(mlflow_client, database)
    assert statuses(mlflow_client) == ["FINISHED"]


def test_a_finished_run_that_was_deleted_comes_back_and_one_that_is_lost_is_made_again(
    mlflow_client: Any, database: Database
) -> None:
    first = attempt(mlflow_client, database)
    mlflow_client.delete_run(first.run_id)
    assert attempt(mlflow_client, database) == first
    assert statuses(mlflow_client) == ["FINISHED"]
    claims.record(database, "run", KEY, {**first.to_dict(), "run_id": "f" * 32}, finished=True)
    again = attempt(mlflow_client, database)
    assert mlflow_client.get_run(again.run_id).info.status == "FINISHED"
    assert attempt(mlflow_client, database) == again


@pytest.mark.parametrize("key", ["dag/run's/train/0", "dag/'r' \"s\"/train/0", "dag/`r`/t/0", "dag/a%_b/t/0"])
def test_a_run_id_with_odd_characters_does_not_hinder_the_retry(
    mlflow_client: Any, database: Database, key: str
) -> None:
    claims.begin(database, "run", key)
    mlflow_client.create_run(runs.get_or_create_experiment(mlflow_client, "e"), tags=task_tags(key))
    attempt(mlflow_client, database, key)
    assert statuses(mlflow_client) == ["FINISHED"]
    assert statuses(mlflow_client, ViewType.DELETED_ONLY) == ["KILLED"]


def test_only_what_the_task_itself_left_is_removed(mlflow_client: Any, database: Database) -> None:
    experiment = runs.get_or_create_experiment(mlflow_client, "e")
    other = mlflow_client.create_run(experiment, tags=task_tags(KEY + "1"))
    mine, kept = (mlflow_client.create_run(experiment, tags=task_tags(KEY)) for _ in range(2))
    assert runs.remove_orphaned_runs(mlflow_client, experiment, KEY, keep_run_id=kept.info.run_id) == 1
    assert mlflow_client.get_run(other.info.run_id).info.status == "RUNNING"
    assert mlflow_client.get_run(kept.info.run_id).info.status == "RUNNING"
    assert mlflow_client.get_run(mine.info.run_id).info.status == "KILLED"
    assert mlflow_client.get_run(mine.info.run_id).info.lifecycle_stage == "deleted"


def test_an_experiment_is_made_once_where_it_was_told_to_keep_its_files(mlflow_client: Any, tmp_path: Any) -> None:
    first, again = (runs.get_or_create_experiment(mlflow_client, "new", tmp_path.as_uri()) for _ in range(2))
    assert first == again == mlflow_client.get_experiment_by_name("new").experiment_id
    assert mlflow_client.get_experiment(first).artifact_location == tmp_path.as_uri()


def test_a_new_experiment_is_not_made_in_whatever_folder_the_worker_runs_in(mlflow_client: Any) -> None:
    with pytest.raises(BadInput, match="in this worker's working directory"):
        runs.get_or_create_experiment(mlflow_client, "new")
    assert runs.get_or_create_experiment(mlflow_client, "e") == mlflow_client.get_experiment_by_name("e").experiment_id
