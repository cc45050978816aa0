"""No byte of a model is deserialised before its digest is right, and then nothing but trusted skops."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer

from airflow_mlops.common.errors import NotFound, Refused
from airflow_mlops.core.models import artifact, loading

fired: list[str] = []


def canary(value: Any = None) -> Any:
    fired.append("fired")
    return value


class Canary:
    """What runs code when it is unpickled."""

    def __reduce__(self) -> Any:
        return canary, ()


@pytest.fixture(autouse=True)
def _unfired() -> Any:
    fired.clear()
    yield
    assert fired == []


@pytest.fixture
def model(tmp_path: Path) -> tuple[Path, str]:
    frame = pd.DataFrame({"x": np.linspace(0, 1, 20)})
    folder = tmp_path / "my model"
    digest = artifact.write(LogisticRegression().fit(frame, [0, 1] * 10), folder, frame.head())
    return folder, digest


def test_the_registered_files_are_loaded(model: tuple[Path, str]) -> None:
    assert isinstance(loading.load_model(*model), LogisticRegression)


def test_every_flipped_byte_in_any_file_is_refused_before_skops_is_asked(
    model: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, digest = model
    for name in ("load", "loads", "get_untrusted_types"):
        monkeypatch.setattr(skops.io, name, canary)
    for path in folder.rglob("*"):
        good = path.read_bytes()
        for at in (0, len(good) // 2, len(good) - 1):
            bad = bytearray(good)
            bad[at] ^= 1
            path.write_bytes(bytes(bad))
            with pytest.raises(Refused, match="do not match the registered digest"):
                loading.load_model(folder, digest)
        path.write_bytes(good)


def test_a_file_more_or_less_is_refused(model: tuple[Path, str]) -> None:
    folder, digest = model
    (folder / "extra").write_bytes(b"")
    with pytest.raises(Refused):
        loading.load_model(folder, digest)
    (folder / "extra").unlink()
    (folder / "requirements.txt").unlink()
    with pytest.raises(Refused):
        loading.load_model(folder, digest)


@pytest.mark.parametrize("name", ["model.pkl", "model.skops"])
def test_a_pickle_never_runs_not_even_under_the_right_name_and_digest(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(pickle.dumps(Canary()))
    with pytest.raises(Refused, match=r"has no model\.skops"):
        loading.load_model(tmp_path, artifact.digest_of(tmp_path))


def test_an_mlmodel_file_cannot_ask_for_pickle_or_bring_its_own_trusted_types(model: tuple[Path, str]) -> None:
    folder, _ = model
    (folder / "model.pkl").write_bytes(pickle.dumps(Canary()))
    text = (folder / "MLmodel").read_text().replace("model.skops", "model.pkl").replace("skops", "pickle", 1)
    (folder / "MLmodel").write_text(text)
    assert isinstance(loading.load_model(folder, artifact.digest_of(folder)), LogisticRegression)


def test_a_skops_file_with_a_function_that_is_not_trusted_is_refused_and_not_called(tmp_path: Path) -> None:
    skops.io.dump(FunctionTransformer(canary), tmp_path / artifact.MODEL_FILE)
    digest = artifact.digest_of(tmp_path)
    with pytest.raises(Refused, match="untrusted types.*canary"):
        loading.load_model(tmp_path, digest)
    loading.load_model(tmp_path, digest, trusted=[f"{__name__}.canary"])


def test_a_zip_that_is_no_skops_file_does_not_load(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / artifact.MODEL_FILE, "w") as archive:
        archive.writestr("model.pkl", pickle.dumps(Canary()))
    with pytest.raises(Exception):  # noqa: B017, PT011  # skops has no error of its own for it
        loading.load_model(tmp_path, artifact.digest_of(tmp_path))


def test_a_local_artifact_is_read_in_place_by_path_and_by_uri_with_blanks(model: tuple[Path, str]) -> None:
    folder, _ = model
    assert loading.local_folder(str(folder), "") == folder
    assert "%20" in folder.as_uri()
    assert loading.local_folder(folder.as_uri(), "") == folder


def test_an_artifact_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="artifact is gone"):
        loading.local_folder(str(tmp_path / "none"), "")
