"""Several MLflows in one process, each with its own address and login, and nothing left in the environment."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from shutil import copyfile
from typing import Any

import mlflow
import pytest
from airflow.sdk import Connection

from airflow_mlops.common.errors import BadInput, NotFound
from airflow_mlops.core.tracking import local_files, local_folder
from airflow_mlops.hooks.mlflow import MlflowHook
from tests.faults.proxy import FaultProxy
from tests.faults.server import mlflow_server


def hook(uri: str, login: tuple[str, str] | None = None, **extra: Any) -> MlflowHook:
    name, password = login or (None, None)
    told = json.dumps({"tracking_uri": uri, **extra})
    return MlflowHook(connection=Connection(conn_id="m", conn_type="mlflow", login=name, password=password, extra=told))


def environment() -> dict[str, str]:
    """Return the environment, but for what MLflow's telemetry puts there and takes away when it is imported."""
    return {name: value for name, value in os.environ.items() if name != "_MLFLOW_TELEMETRY_SESSION_ID"}


@pytest.fixture
def other_server(migrated_mlflow: Path, tmp_path: Path) -> Iterator[str]:
    """A second server, below a path."""
    (tmp_path / "other").mkdir()
    copyfile(migrated_mlflow, tmp_path / "other" / "mlflow.db")
    with mlflow_server(tmp_path / "other" / "mlflow.db", prefix="/team/models") as url:
        yield url


def test_two_servers_with_logins_of_their_own_and_a_local_store_in_one_process(
    server: str, other_server: str, migrated_mlflow: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    database = f"sqlite:///{copyfile(migrated_mlflow, tmp_path / 'mlflow.db')}"
    before, global_uri = environment(), mlflow.get_tracking_uri()
    with FaultProxy(server, login=("ann", "pä:ss")) as one, FaultProxy(other_server, login=("bob", "two")) as two:
        prefixed = f"{two.url}/team/models"
        clients = [
            hook(one.url, ("ann", "pä:ss")).client,
            hook(prefixed, ("bob", "two")).client,
            hook(database, artifact_location=(tmp_path / "artifacts").as_uri()).client,
        ]
        made = []
        for number, client in enumerate(clients):  # in turns: nothing of one call stays for the next
            place = (tmp_path / "artifacts").as_uri() if number == 2 else None
            made.append(client.create_experiment(f"of {number}", artifact_location=place))
        ids = [client.create_run(experiment).info.run_id for client, experiment in zip(clients, made, strict=True)]
        for number, client in enumerate(clients):
            client.log_dict(ids[number], {"number": number}, "deep/file.json")
            client.create_registered_model(f"m{number}")
        for number, client in enumerate(clients):
            assert [e.name for e in client.search_experiments() if e.name.startswith("of")] == [f"of {number}"]
            assert [f.path for f in client.list_artifacts(ids[number], "deep")] == ["deep/file.json"]
            assert {m.name for m in client.search_registered_models()} >= {f"m{number}"}
            uri = client.get_run(ids[number]).info.artifact_uri
            assert (local_folder(uri, client.tracking_uri) / "deep" / "file.json").is_file()  # its login goes with it
            with local_files(uri, client) as folder:
                assert json.loads((folder / "deep" / "file.json").read_text()) == {"number": number}
            assert folder.exists() == (number == 2)  # a download is gone again
        assert [client.tracking_uri for client in clients] == [one.url, prefixed, database]
        assert all(path.startswith("/team/models/") for _, path in two.seen)
        with pytest.raises(BadInput, match="does not accept the login"):
            hook(one.url, ("bob", "two")).client.search_experiments()
    assert environment() == before
    assert mlflow.get_tracking_uri() == global_uri
    assert not (tmp_path / "mlruns").exists()


def test_an_artifact_that_is_gone_says_so(server: str, tmp_path: Path) -> None:
    client = hook(server).client
    run = client.create_run(client.create_experiment("gone"))
    with pytest.raises(NotFound, match="has no files"):
        local_folder(f"{run.info.artifact_uri}/model", client)
    with pytest.raises(NotFound, match="no such artifact"):
        client.download_artifacts(run.info.run_id, "model/file")


def test_a_download_of_one_file_and_of_a_folder(server: str, tmp_path: Path) -> None:
    client = hook(server).client
    run = client.create_run(client.create_experiment("files")).info
    (tmp_path / "empty.txt").touch()
    (tmp_path / "ü name.txt").write_text("é")
    client.log_artifacts(run.run_id, str(tmp_path), "a/b")
    client.log_artifact(run.run_id, str(tmp_path / "empty.txt"))
    names = [f.path for f in client.list_artifacts(run.run_id, "a/b")]
    assert names == ["a/b/empty.txt", "a/b/ü name.txt"]
    assert client.list_artifacts(run.run_id, "empty.txt") == []
    assert Path(client.download_artifacts(run.run_id, "empty.txt", str(tmp_path))).read_bytes() == b""
    folder = client.download_artifacts(run.run_id, "a")
    assert (Path(folder) / "b" / "ü name.txt").read_text() == "é"


def test_a_connection_is_tested_in_words(server: str) -> None:
    good, said = hook(server).test_connection()
    assert good
    assert said.startswith("MLflow 3.")
    good, said = hook(f"{server}/not/here").test_connection()
    assert not good
    assert "the server is not MLflow" in said
