"""An image has the version's pinned packages, its files and the server; the same in gives the same name."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from airflow_mlops.core.deployment.image import (
    image_name,
    image_requirements,
    pack_tar,
    python_version,
    version_recipe,
)
from airflow_mlops.core.serving.settings import ServingSettings

SETTINGS = ServingSettings(model="Titanic", version=3, digest="d" * 64, contract={"name": "c"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model.skops").write_bytes(b"model")
    (tmp_path / "requirements.txt").write_text("mlflow==3.17.2\nscikit-learn==1.9.1\npolars==0.1\n")
    return tmp_path


def test_the_model_s_own_packages_stay_as_they_were_pinned_and_what_only_logs_goes() -> None:
    found = image_requirements(
        "mlflow==3.17.2\n# why\nscikit-learn==1.9.1\npolars[x]==0.1\n", ["polars", "no-such-package"]
    )
    assert found.splitlines() == ["scikit-learn==1.9.1", "polars[x]==0.1", "no-such-package"]


def test_the_name_changes_with_what_is_in_it_and_only_then(folder: Path) -> None:
    first = version_recipe(folder, SETTINGS, base="python:3.11")
    assert first.tag == version_recipe(folder, SETTINGS, base="python:3.11").tag
    assert first.context() == version_recipe(folder, SETTINGS, base="python:3.11").context()
    assert first.tag != version_recipe(folder, SETTINGS, base="python:3.12").tag
    (folder / "model.skops").write_bytes(b"another")
    assert first.tag != version_recipe(folder, SETTINGS, base="python:3.11").tag


def test_the_server_is_in_it_and_runs_as_nobody(folder: Path) -> None:
    files = version_recipe(folder, SETTINGS, base="python:3.11").files
    assert files["serving/model/model.skops"] == b"model"
    assert {"app/airflow_mlops/model_server/__main__.py", "app/airflow_mlops/core/models/artifact.py"} <= set(files)
    assert not [name for name in files if "__pycache__" in name or "operators" in name]
    assert b"\nUSER 65532\n" in files["Dockerfile"]
    assert b"sqlalchemy" not in files["requirements.txt"]
    assert b"sqlalchemy" in version_recipe(folder, SETTINGS, base="b", logged=True).files["requirements.txt"]


def test_the_server_runs_with_the_packages_of_the_image_alone(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    image = tmp_path_factory.mktemp("image")
    for name, content in version_recipe(folder, SETTINGS, base="b", logged=True).files.items():
        (image / name).parent.mkdir(parents=True, exist_ok=True)
        (image / name).write_bytes(content)
    code = f"""
import sys
sys.modules.update(airflow=None, mlflow=None)
import airflow_mlops.model_server.__main__, airflow_mlops.model_server.smoke_test
import airflow_mlops.core.models.isolated.worker, airflow_mlops.core.scoring.prediction_log
ours = [module for name, module in sys.modules.items() if name.startswith("airflow_mlops")]
print([module for module in ours if not module.__file__.startswith({str(image / "app")!r})])
"""
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(image / "app")}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


def test_a_project_s_own_packages_come_along(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    package = tmp_path_factory.mktemp("p") / "include"
    package.mkdir()
    (package / "types.py").write_text("x = 1")
    assert version_recipe(folder, SETTINGS, base="b", packages=[package]).files["app/include/types.py"] == b"x = 1"


def test_files_are_packed_for_one_user_alone() -> None:
    with tarfile.open(fileobj=io.BytesIO(pack_tar({"token": b"t"}, user=7, mode=0o400))) as archive:
        (entry,) = archive.getmembers()
    assert (entry.uid, entry.mode, entry.mtime) == (7, 0o400, 0)


def test_the_python_is_that_of_the_version() -> None:
    assert python_version("python: 3.12.4\nbuild_dependencies:\n- pip\n") == "3.12"
    assert python_version("").startswith("3.")


@pytest.mark.parametrize(
    ("model", "name"), [("titanic", "titanic"), ("Titanic_Seed 7", "titanic-seed-7"), ("é", "model")]
)
def test_a_model_s_name_becomes_one_of_an_image(model: str, name: str) -> None:
    assert image_name(model) == name
