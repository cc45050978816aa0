"""A model that MLflow has already becomes the first champion, if it can be loaded without running code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow.sklearn
import pytest
from sklearn.linear_model import LogisticRegression

from airflow_mlops.common.errors import BadInput, NotFound, Refused
from airflow_mlops.common.imports import import_without_warnings
from airflow_mlops.core.data.contracts import Contract
from airflow_mlops.core.evaluation import comparison
from airflow_mlops.core.gate import GatePolicy
from airflow_mlops.core.models.loading import load_version
from airflow_mlops.core.monitoring.drift import check_features
from airflow_mlops.core.registry import adoption, gate_version
from airflow_mlops.core.registry.adoption import adopt
from airflow_mlops.store import ledger, versions

CONTRACT = {
    "name": "people",
    "key": "id",
    "columns": {
        "id": {"type": "int"},
        "x": {"type": "float", "role": "feature"},
        "z": {"type": "float", "role": "feature"},
    },
}


@pytest.fixture
def theirs(world: Any) -> Any:
    """A run and a registered version that somebody has made with MLflow alone, and its rows."""
    import_without_warnings("skops.io")  # before MLflow does it, with a thousand warnings
    rows = world.people(300, 9)
    fitted = LogisticRegression().fit(rows[["x", "z"]], rows["y"])
    world.rows = world.root.write("rows", rows, partition="2026-04-06")

    def logged(format_: str = "skops", name: str = "m") -> str:
        """Keep it as a run's artifact, and register it; gives the run's id."""
        from mlflow.models import infer_signature

        folder = Path(f"theirs-{format_}")
        mlflow.sklearn.save_model(
            fitted, str(folder), serialization_format=format_, pip_requirements=[],
            signature=infer_signature(rows[["x", "z"]], fitted.predict(rows[["x", "z"]])),
        )  # fmt: skip
        run = world.client.create_run(world.client.get_experiment_by_name("e").experiment_id).info
        world.client.log_artifacts(run.run_id, str(folder), "model")
        if name:
            _register(world.client, name, f"{run.artifact_uri}/model", run.run_id)
        return str(run.run_id)

    world.logged = logged
    return world


def _register(client: Any, name: str, source: str, run_id: str) -> None:
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name)
    client.create_model_version(name, source, run_id=run_id)


def adopted(world: Any, **how: Any) -> Any:
    return adopt(world.client, world.database, **{"model": "m", "actor": "cli/anna", **how})


def test_a_registered_model_becomes_the_first_champion_with_digest_baseline_and_alias(theirs: Any) -> None:
    theirs.logged()
    entry = adopted(theirs, data=theirs.root.open(theirs.rows))
    assert (entry.revision, entry.version, entry.action, entry.actor) == (1, 1, "adopt", "cli/anna")
    assert theirs.aliases() == {"champion": 1}
    version = versions.get(theirs.database, "m", 1)
    assert (version.digest, version.cutoff, version.candidate) == (entry.digest, "2026-04-06", "adopted")
    assert set(version.baseline["columns"]) == {"x", "z"}
    assert load_version(version, theirs.client.tracking_uri).n_features_in_ == 2


def test_the_gate_then_compares_with_it_and_finds_its_rows_unseen(theirs: Any) -> None:
    theirs.logged()
    adopted(theirs, data=theirs.root.open(theirs.rows))
    challenger = theirs.registered("c", run=theirs.trained("c", ("x", "z")))
    test = theirs.root.open(theirs.root.write("unseen", theirs.people(300, 11, first=90_000)))
    evaluation = comparison.compare_with_champion(
        theirs.database, theirs.root, challenger=challenger, rows=comparison.GateDataset(test, ["id"], "y", ["x", "z"]),
        metric="roc_auc", tracking_uri=theirs.client.tracking_uri,
    )  # fmt: skip
    assert evaluation.facts["roles"]["champion"]["seen_rows"] == 0
    policy = GatePolicy(min_rows=100, resamples=200)
    report = gate_version.gate_version(
        theirs.database, theirs.root, evaluation=evaluation, challenger=challenger, policy=policy
    )  # fmt: skip
    assert report.decision in ("promote", "hold", "reject")
    assert report.facts["binding"]["champion_version"] == 1


def test_without_its_rows_drift_is_not_judged_and_nothing_is_made_up(theirs: Any) -> None:
    theirs.logged()
    adopted(theirs)
    version = versions.get(theirs.database, "m", 1)
    assert (version.data, version.cutoff) == ({}, None)
    report = check_features(theirs.database, version, theirs.root.open(theirs.rows))
    assert report.verdict == "inconclusive"


def test_the_contract_names_the_columns_that_are_profiled(theirs: Any) -> None:
    theirs.logged()
    contract = Contract.load({**CONTRACT, "columns": {k: v for k, v in CONTRACT["columns"].items() if k != "z"}})  # type: ignore[attr-defined]
    adopted(theirs, data=theirs.root.open(theirs.rows), contract=contract)
    version = versions.get(theirs.database, "m", 1)
    assert set(version.baseline["columns"]) == {"x"}
    assert version.contract is not None


def test_the_alias_champion_says_which_version_else_the_newest_is_taken(theirs: Any) -> None:
    run_id = theirs.logged()
    source = theirs.client.get_model_version("m", "1").source
    theirs.client.create_model_version("m", source, run_id=run_id)
    assert adoption._default_version(theirs.client, "m") == 2
    theirs.client.set_registered_model_alias("m", "champion", "1")
    assert adopted(theirs).version == 1


def test_a_run_s_artifact_is_registered_once_and_adopted(theirs: Any) -> None:
    run_id = theirs.logged(name="")
    entry = adopted(theirs, model="new", uri=f"runs:/{run_id}/model")
    assert (entry.model, entry.version) == ("new", 1)
    assert theirs.client.get_model_version("new", "1").run_id == run_id
    assert adoption._register(theirs.client, "new", f"runs:/{run_id}/model")[0] == 1, "and not once more"


def test_a_model_of_mlflow_s_own_log_model_is_found_where_it_lies(theirs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = theirs.people(100)
    for set_uri in (mlflow.set_tracking_uri, mlflow.set_registry_uri):
        set_uri(theirs.client.tracking_uri)
    try:
        with mlflow.start_run(experiment_id=theirs.client.get_experiment_by_name("e").experiment_id):
            mlflow.sklearn.log_model(
                LogisticRegression().fit(rows[["x"]], rows["y"]), name="model", registered_model_name="m",
                serialization_format="skops", pip_requirements=[],
            )  # fmt: skip
    finally:
        mlflow.set_tracking_uri(None)
        mlflow.set_registry_uri(None)
    assert adopted(theirs).version == 1


def test_a_pickle_is_refused_with_how_to_convert_it_and_leaves_nothing(theirs: Any) -> None:
    theirs.logged("cloudpickle")
    with pytest.raises(BadInput, match="without running code(.|\n)*serialization_format='skops'"):
        adopted(theirs)
    assert ledger.head(theirs.database, "m") is None
    with pytest.raises(NotFound):
        versions.get(theirs.database, "m", 1)


def test_a_type_that_is_not_trusted_is_refused(theirs: Any) -> None:
    theirs.logged()
    file = next(Path("artifacts").rglob("model.skops"))
    file.write_bytes(b"no zip at all")
    with pytest.raises(Refused):
        adopted(theirs)
    assert ledger.head(theirs.database, "m") is None


def test_adopting_again_gives_the_same_entry_and_another_is_refused(theirs: Any) -> None:
    theirs.logged()
    first = adopted(theirs)
    theirs.client.delete_registered_model_alias("m", "champion")
    assert adopted(theirs).recorded_at == first.recorded_at
    assert theirs.aliases() == {"champion": 1}
    with pytest.raises(Refused, match="has a champion already: v1"):
        adopted(theirs, version=2)


def test_a_kill_before_the_ledger_is_mended_by_doing_it_again(theirs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    theirs.logged()
    with monkeypatch.context() as patched:
        patched.setattr(ledger, "append", killed)
        with pytest.raises(KeyboardInterrupt):
            adopted(theirs)
    assert adopted(theirs).revision == 1


def test_a_version_that_was_registered_here_has_to_pass_the_gate(world: Any) -> None:
    world.registered("a")
    with pytest.raises(Refused, match="was registered here, by a/register"):
        adopted(world)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"model": "nobody"}, "no such version of 'nobody'"),
        ({"version": 7}, "no such version of 'm'"),
        ({"uri": "runs:/0123/model"}, "MLflow has no run 0123"),
        ({"uri": "/nowhere/at/all"}, "artifact is gone"),
    ],
)
def test_what_mlflow_does_not_have_is_told(theirs: Any, how: dict[str, Any], said: str) -> None:
    theirs.logged()
    with pytest.raises(NotFound, match=said):
        adopted(theirs, **how)
    assert [v.version for v in theirs.client.search_model_versions("name = 'm'")] in ([1], ["1"])
