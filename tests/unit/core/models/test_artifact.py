"""A model is files with a digest; what could not be loaded again is not written."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from airflow_mlops.common.errors import BadInput, Refused
from airflow_mlops.core.models import artifact, loading
from airflow_mlops.core.models.prediction import predict

X = pd.DataFrame({"a": np.linspace(0, 1, 40), "b": np.linspace(1, 0, 40) ** 2})
Y = pd.Series([0, 1] * 20)


def folder_of(tmp_path: Path, **files: bytes) -> Path:
    for name, content in files.items():
        path = tmp_path / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path


def test_the_digest_changes_with_every_byte_name_and_file(tmp_path: Path) -> None:
    base = {"a": b"1", "b": b"2"}
    variants = [base, {"a": b"2", "b": b"1"}, {"a": b"1"}, {"a": b"12", "b": b""}, {"a": b"1", "c": b"2"}]
    variants += [{"a": b"1", "sub__b": b"2"}, {**base, "c": b""}]
    digests = {artifact.digest_of(folder_of(tmp_path / str(i), **v)) for i, v in enumerate(variants)}
    assert len(digests) == len(variants)
    assert artifact.digest_of(folder_of(tmp_path / "again", b=b"2", a=b"1")) in digests


@given(st.binary(max_size=50), st.integers(0, 7), st.integers(0))
def test_no_flipped_bit_keeps_the_digest(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, bit: int, at: int
) -> None:
    path = tmp_path_factory.mktemp("d") / "f"
    path.write_bytes(data + b"x")
    before = artifact.digest_of(path.parent)
    changed = bytearray(data + b"x")
    changed[at % len(changed)] ^= 1 << bit
    path.write_bytes(bytes(changed))
    assert artifact.digest_of(path.parent) != before


def test_an_empty_folder_has_no_digest(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="has no files"):
        artifact.digest_of(tmp_path)


@pytest.mark.parametrize("target", ["file", "folder", "nothing"])
def test_a_link_in_an_artifact_is_refused(tmp_path: Path, target: str) -> None:
    outside = folder_of(tmp_path / "outside", f=b"1")
    inside = folder_of(tmp_path / "inside", f=b"1")
    (inside / "link").symlink_to({"file": outside / "f", "folder": outside, "nothing": tmp_path / "none"}[target])
    with pytest.raises(BadInput, match="contains a symbolic link"):
        artifact.digest_of(inside)


@pytest.mark.parametrize(
    "classifier", [LogisticRegression(), HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=2)]
)
def test_a_written_model_predicts_the_same_after_loading(tmp_path: Path, classifier: object) -> None:
    model = make_pipeline(StandardScaler(), classifier).fit(X, Y)
    digest = artifact.write(model, tmp_path / "m", X.head())
    assert digest == artifact.digest_of(tmp_path / "m")
    assert artifact.size_of(tmp_path / "m") == sum(p.stat().st_size for p in (tmp_path / "m").iterdir())
    loaded = loading.load_model(tmp_path / "m", digest)
    assert predict(loaded, X).tolist() == predict(model, X).tolist()
    assert not list((tmp_path / "m").glob("*.pkl"))


def double(frame: pd.DataFrame) -> pd.DataFrame:
    return frame * 2


def test_a_model_with_a_part_that_is_not_trusted_is_not_written(tmp_path: Path) -> None:
    model = make_pipeline(FunctionTransformer(double), LogisticRegression()).fit(X, Y)
    with pytest.raises(BadInput, match="untrusted types.*double"):
        artifact.write(model, tmp_path / "m", X.head())
    assert not (tmp_path / "m").exists()


def test_a_part_of_the_projects_own_is_written_and_loaded_when_it_is_named(tmp_path: Path) -> None:
    model = make_pipeline(FunctionTransformer(double), LogisticRegression()).fit(X, Y)
    trusted = [f"{__name__}.double"]
    digest = artifact.write(model, tmp_path / "m", X.head(), trusted=trusted)
    with pytest.raises(Refused, match="untrusted"):
        loading.load_model(tmp_path / "m", digest)
    loaded = loading.load_model(tmp_path / "m", digest, trusted=trusted)
    assert predict(loaded, X).tolist() == predict(model, X).tolist()


def test_rows_are_kept_with_the_model_only_when_they_are_wanted(tmp_path: Path) -> None:
    model = LogisticRegression().fit(X, Y)
    artifact.write(model, tmp_path / "without", X.head())
    artifact.write(model, tmp_path / "with", X.head(), save_example=True)
    assert not list((tmp_path / "without").glob("*example*"))
    kept = json.loads((tmp_path / "with" / "input_example.json").read_text())
    assert (kept["columns"], len(kept["data"])) == (["a", "b"], 5)


def test_mlflow_reads_it_with_its_signature_its_example_and_what_to_install(tmp_path: Path) -> None:
    import mlflow.pyfunc
    import mlflow.sklearn
    from mlflow.models import Model

    model = make_pipeline(StandardScaler(), HistGradientBoostingClassifier(max_iter=3)).fit(X, Y)
    artifact.write(model, tmp_path / "m", X.head(), save_example=True)
    folder = str(tmp_path / "m")
    assert mlflow.sklearn.load_model(folder).predict_proba(X).tolist() == model.predict_proba(X).tolist()
    assert mlflow.pyfunc.load_model(folder).predict(X).tolist() == model.predict(X).tolist()
    noted = Model.load(folder)
    assert noted.signature.inputs.input_names() == ["a", "b"]
    assert noted.load_input_example(folder).to_numpy() == pytest.approx(X.head().to_numpy())
    needed = mlflow.pyfunc.get_model_dependencies(folder)
    assert {line.partition("==")[0] for line in Path(needed).read_text().split()} >= {"mlflow", "scikit-learn", "skops"}


def test_the_same_fit_has_the_same_digest_whenever_and_wherever_in_memory_it_was_made(tmp_path: Path) -> None:
    def fitted(number: int) -> object:
        shift = [np.zeros(number + 1)]  # other addresses
        model = make_pipeline(StandardScaler(), HistGradientBoostingClassifier(max_iter=3, random_state=0)).fit(X, Y)
        assert shift
        return model

    digests = {artifact.write(fitted(n), tmp_path / str(n), X.head()) for n in range(3)}
    assert len(digests) == 1
    other = make_pipeline(StandardScaler(), HistGradientBoostingClassifier(max_iter=4, random_state=0)).fit(X, Y)
    assert artifact.write(other, tmp_path / "other", X.head()) not in digests
