"""Models of LightGBM and XGBoost are kept without a pickle, and predict the same after loading."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

from airflow_mlops.common.errors import BadInput, Refused
from airflow_mlops.core.models import artifact
from airflow_mlops.core.models.native import to_native
from airflow_mlops.core.models.prediction import predict

lightgbm = pytest.importorskip("lightgbm")
RNG = np.random.default_rng(0)
X = pd.DataFrame({"a b": RNG.normal(size=200), "c": RNG.normal(size=200), "d": RNG.choice(["u", "v"], 200)})
NUMBERS = X[["a b", "c"]]
TWO = (X["c"] + RNG.normal(size=200) > 0).astype(int)
THREE = pd.Series(np.select([X["c"] > 0.5, X["c"] < -0.5], ["high", "low"], "mid"))
FEW: dict[str, Any] = {"n_estimators": 5, "verbose": -1, "n_jobs": 1}


def boosted(**parameters: Any) -> Any:
    data = lightgbm.Dataset(NUMBERS, THREE.map({"low": 0, "mid": 1, "high": 2}) if parameters.get("num_class") else TWO)
    return lightgbm.train({"verbose": -1, "num_threads": 1, **parameters}, data, 5)


def prepared(model: Any) -> Any:
    return make_pipeline(make_column_transformer((OneHotEncoder(), ["d"]), remainder="passthrough"), model)


MODELS: dict[str, tuple[Callable[[], Any], pd.DataFrame, Any]] = {
    "two classes": (lambda: lightgbm.LGBMClassifier(**FEW).fit(NUMBERS, TWO), NUMBERS, [0, 1]),
    "named classes": (lambda: lightgbm.LGBMClassifier(**FEW).fit(NUMBERS, THREE), NUMBERS, ["high", "low", "mid"]),
    "a number": (lambda: lightgbm.LGBMRegressor(**FEW).fit(NUMBERS, X["c"]), NUMBERS, None),
    "a booster": (lambda: boosted(objective="binary"), NUMBERS, [0, 1]),
    "a booster of three": (lambda: boosted(objective="multiclass", num_class=3), NUMBERS, [0, 1, 2]),
    "a booster of a number": (lambda: boosted(objective="l2"), NUMBERS, None),
    "a pipeline": (lambda: prepared(lightgbm.LGBMClassifier(**FEW)).fit(X, THREE), X, ["high", "low", "mid"]),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_kept_model_predicts_the_same_whatever_the_order_of_the_columns(tmp_path: Path, name: str) -> None:
    make, frame, classes = MODELS[name]
    model = make()
    digest = artifact.write(model, tmp_path / "m", frame.head())
    loaded = artifact.load_model(tmp_path / "m", digest)
    assert getattr(loaded, "classes_", None) == classes
    outputs = model.predict_proba(frame) if hasattr(model, "predict_proba") else model.predict(frame)
    wanted = outputs[:, 1] if classes == [0, 1] and outputs.ndim == 2 else outputs
    assert predict(loaded, frame[frame.columns[::-1]]).tolist() == wanted.tolist()
    assert {p.suffix for p in (tmp_path / "m").rglob("*")} <= {".lgb", ".json", ".skops", ".txt", ".yaml", ""}
    assert "lightgbm==" in (tmp_path / "m" / "requirements.txt").read_text()


def test_a_loaded_model_can_be_kept_again(tmp_path: Path) -> None:
    model = MODELS["a pipeline"][0]()
    first = artifact.load_model(tmp_path / "1", artifact.write(model, tmp_path / "1", X.head()))
    again = artifact.load_model(tmp_path / "2", artifact.write(first, tmp_path / "2", X.head()))
    assert predict(again, X).tolist() == predict(model, X).tolist()
    assert again.predict(X).tolist() == model.predict(X).tolist()


def test_mlflow_reads_a_bare_booster_and_does_not_pretend_to_read_one_with_its_preparation(tmp_path: Path) -> None:
    import mlflow.lightgbm
    from mlflow.exceptions import MlflowException
    from mlflow.models import Model

    bare = MODELS["two classes"][0]()
    artifact.write(bare, tmp_path / "bare", NUMBERS.head())
    assert mlflow.lightgbm.load_model(str(tmp_path / "bare")).predict(NUMBERS) == pytest.approx(predict(bare, NUMBERS))
    assert Model.load(str(tmp_path / "bare")).signature.inputs.input_names() == ["a b", "c"]
    artifact.write(MODELS["a pipeline"][0](), tmp_path / "pipe", X.head())
    with pytest.raises(MlflowException):
        mlflow.lightgbm.load_model(str(tmp_path / "pipe"))


def test_every_flipped_byte_is_refused_before_lightgbm_sees_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "m"
    digest = artifact.write(MODELS["two classes"][0](), folder, NUMBERS.head())
    monkeypatch.setattr(lightgbm, "Booster", lambda **_: pytest.fail("deserialised"))
    for path in (path for path in folder.rglob("*") if path.is_file()):
        good = path.read_bytes()
        path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
        with pytest.raises(Refused, match="do not match the registered digest"):
            artifact.load_model(folder, digest)
        path.write_bytes(good)


class Canary:
    def __reduce__(self) -> Any:
        return pytest.fail, ("unpickled",)


@pytest.mark.parametrize("name", ["native/model.lgb", "prepare.skops"])
def test_a_pickle_in_the_place_of_a_file_never_runs(tmp_path: Path, name: str) -> None:
    artifact.write(MODELS["a pipeline"][0](), tmp_path / "m", X.head())
    (tmp_path / "m" / name).write_bytes(pickle.dumps(Canary()))
    with pytest.raises((Refused, lightgbm.basic.LightGBMError)):
        artifact.load_model(tmp_path / "m", artifact.digest_of(tmp_path / "m"))


def shout(frame: pd.DataFrame) -> pd.DataFrame:
    return frame


def test_what_prepares_the_columns_has_to_be_trusted_like_any_model(tmp_path: Path) -> None:
    model = make_pipeline(FunctionTransformer(shout), lightgbm.LGBMClassifier(**FEW)).fit(NUMBERS, TWO)
    with pytest.raises(BadInput, match="untrusted.*shout"):
        artifact.write(model, tmp_path / "m", NUMBERS.head())
    digest = artifact.write(model, tmp_path / "m", NUMBERS.head(), trusted=[f"{__name__}.shout"])
    with pytest.raises(Refused, match="untrusted.*shout"):
        artifact.load_model(tmp_path / "m", digest)
    assert predict(artifact.load_model(tmp_path / "m", digest, trusted=[f"{__name__}.shout"]), NUMBERS).shape == (200,)


def test_an_objective_of_the_team_s_own_is_refused_since_its_scores_are_no_probabilities(tmp_path: Path) -> None:
    def objective(truth: Any, raw: Any) -> tuple[Any, Any]:
        chance = 1 / (1 + np.exp(-raw))
        return chance - truth, chance * (1 - chance)

    model = lightgbm.LGBMClassifier(objective=objective, **FEW).fit(NUMBERS, TWO)
    with pytest.raises(BadInput, match="probability"):
        artifact.write(model, tmp_path / "m", NUMBERS.head())


def test_an_artifact_of_a_format_of_the_future_is_refused(tmp_path: Path) -> None:
    artifact.write(MODELS["two classes"][0](), tmp_path / "m", NUMBERS.head())
    path = tmp_path / "m" / "native.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": "catboost"}))
    with pytest.raises(Refused, match="'catboost' is not an installed model format"):
        artifact.load_model(tmp_path / "m", artifact.digest_of(tmp_path / "m"))


def test_a_worker_without_the_library_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = artifact.write(MODELS["two classes"][0](), tmp_path / "m", NUMBERS.head())
    monkeypatch.setitem(__import__("sys").modules, "lightgbm", None)
    with pytest.raises(BadInput, match="pip install lightgbm"):
        artifact.load_model(tmp_path / "m", digest)


def test_what_is_no_booster_stays_as_it_is() -> None:
    for model in (LogisticRegression(), make_pipeline(LogisticRegression()), lightgbm.LGBMRanker()):
        assert to_native(model, ["a"]) is model


@pytest.mark.parametrize("kind", ["two", "three", "number", "pipeline", "booster"])
def test_xgboost_is_kept_as_json(tmp_path: Path, kind: str) -> None:
    xgboost = pytest.importorskip("xgboost")
    few: dict[str, Any] = {"n_estimators": 60, "n_jobs": 1}
    stopped = {**few, "early_stopping_rounds": 2, "learning_rate": 0.5}
    held_out = [(NUMBERS[:50], TWO[:50])]
    model = {
        "two": lambda: xgboost.XGBClassifier(**stopped).fit(NUMBERS, TWO, eval_set=held_out, verbose=0),
        "three": lambda: xgboost.XGBClassifier(**few).fit(NUMBERS, THREE.map({"low": 0, "mid": 1, "high": 2})),
        "number": lambda: xgboost.XGBRegressor(**few).fit(NUMBERS, X["c"]),
        "pipeline": lambda: make_pipeline(FunctionTransformer(), xgboost.XGBClassifier(**few)).fit(NUMBERS, TWO),
        "booster": lambda: xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(NUMBERS, TWO), 5),
    }[kind]()
    loaded = artifact.load_model(tmp_path / "m", artifact.write(model, tmp_path / "m", NUMBERS.head()))
    plain = model.predict(xgboost.DMatrix(NUMBERS)) if kind == "booster" else predict(model, NUMBERS)
    assert predict(loaded, NUMBERS).tolist() == plain.tolist()
    assert (tmp_path / "m" / "native" / "model.json").is_file()
