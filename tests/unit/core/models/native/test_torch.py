"""PyTorch's networks are kept as weights and the name of the function that makes the layers."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import StandardScaler

from airflow_mlops.common.errors import BadInput, Refused
from airflow_mlops.core.models import artifact
from airflow_mlops.core.models.isolated.client import ModelProcess
from airflow_mlops.core.models.native import wrap_network
from airflow_mlops.core.models.prediction import predict

torch = pytest.importorskip("torch")
RNG = np.random.default_rng(0)
ROWS = pd.DataFrame({"a": RNG.normal(5, 2, size=300), "b": RNG.normal(size=300)})


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project whose code makes the layers; it is on the path of the model's own process, too."""
    (tmp_path / "project" / "nets").mkdir(parents=True)
    (tmp_path / "project" / "nets" / "layers.py").write_text(
        "from torch import nn\n"
        "def dense(inputs=2, hidden=4, outputs=1, dropout=0.5):\n"
        "    between = [nn.ReLU(), nn.Dropout(dropout)]\n"
        "    return nn.Sequential(nn.Linear(inputs, hidden), *between, nn.Linear(hidden, outputs))\n"
        "def tied():\n"
        "    first, second = nn.Linear(2, 2), nn.Linear(2, 2)\n"
        "    second.weight = first.weight\n"
        "    return nn.Sequential(first, second, nn.Linear(2, 1))\n"
    )
    monkeypatch.syspath_prepend(tmp_path / "project")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "project"), os.environ.get("PYTHONPATH", "")]))


def made(name: str = "dense", **arguments: Any) -> Any:
    from airflow_mlops.common.imports import resolve_callable

    torch.manual_seed(0)
    return resolve_callable(f"nets.layers:{name}")(**arguments)


def kept(folder: Path, model: Any, trusted: tuple[str, ...] = ("nets.layers:dense",)) -> Any:
    return artifact.load_model(folder, artifact.write(model, folder, ROWS.head(), trusted=trusted), trusted=trusted)


def test_two_classes_of_one_logit_predict_the_same_after_loading_whatever_the_order_of_the_columns(
    tmp_path: Path,
) -> None:
    scaler = StandardScaler().fit(ROWS)
    module = made(hidden=8)
    model = wrap_network(
        module, build="nets.layers:dense", columns=["a", "b"], arguments={"hidden": 8}, classes=[0, 1], prepare=scaler
    )
    loaded = kept(tmp_path / "m", model)
    with torch.no_grad():
        logits = module.eval()(torch.from_numpy(scaler.transform(ROWS).astype("float32")))[:, 0].double()
    assert predict(loaded, ROWS[["b", "a"]]) == pytest.approx(1 / (1 + np.exp(-logits.numpy())), abs=1e-9)
    assert loaded.classes_ == [0, 1]
    assert {p.name for p in (tmp_path / "m").rglob("*")} == {
        "MLmodel", "conda.yaml", "layers.json", "model.safetensors", "native", "native.json", "prepare.skops",
        "python_env.yaml", "requirements.txt",
    }  # fmt: skip
    required = (tmp_path / "m" / "requirements.txt").read_text()
    assert f"torch=={torch.__version__.partition('+')[0]}" in required
    assert "safetensors==" in required


def test_several_classes_have_chances_that_add_up_and_names(tmp_path: Path) -> None:
    model = wrap_network(
        made(outputs=3), build="nets.layers:dense", columns=["a", "b"], arguments={"outputs": 3},
        classes=np.array(["high", "low", "mid"]),
    )  # fmt: skip
    loaded = kept(tmp_path / "m", model)
    assert predict(loaded, ROWS).sum(axis=1) == pytest.approx(1)
    assert set(loaded.predict(ROWS)) <= {"high", "low", "mid"}


def test_without_classes_a_network_predicts_numbers_and_tied_weights_are_kept(tmp_path: Path) -> None:
    model = wrap_network(made("tied"), build="nets.layers:tied", columns=["a", "b"])
    loaded = kept(tmp_path / "m", model, ("nets.layers.tied",))
    assert predict(loaded, ROWS).tolist() == predict(model, ROWS).tolist()
    assert not hasattr(loaded, "predict_proba")


def test_a_function_that_is_not_trusted_makes_nothing(tmp_path: Path) -> None:
    model = wrap_network(made(), build="nets.layers:dense", columns=["a", "b"])
    with pytest.raises(BadInput, match=r"not trusted: nets.layers:dense"):
        artifact.write(model, tmp_path / "m", ROWS.head())
    digest = artifact.write(model, tmp_path / "n", ROWS.head(), trusted=["nets.layers:dense"])
    for trusted in ([], ["nets.layers"], ["nets.layers:tied"]):
        with pytest.raises(Refused, match="not trusted"):
            artifact.load_model(tmp_path / "n", digest, trusted=trusted)


def test_layers_that_do_not_fit_the_weights_are_refused_when_kept(tmp_path: Path) -> None:
    model = wrap_network(made(hidden=8), build="nets.layers:dense", columns=["a", "b"])
    with pytest.raises(BadInput, match="builds layers that do not match the weights"):
        artifact.write(model, tmp_path / "m", ROWS.head(), trusted=["nets.layers:dense"])


def test_a_pickle_in_the_place_of_the_weights_never_runs(tmp_path: Path) -> None:
    class Canary:
        def __reduce__(self) -> Any:
            return pytest.fail, ("unpickled",)

    kept(tmp_path / "m", wrap_network(made(), build="nets.layers:dense", columns=["a", "b"]))
    (tmp_path / "m" / "native" / "model.safetensors").write_bytes(pickle.dumps(Canary()))
    with pytest.raises(Refused, match="cannot read the weights"):
        artifact.load_model(tmp_path / "m", artifact.digest_of(tmp_path / "m"), trusted=["nets.layers:dense"])


def test_a_network_predicts_in_a_process_of_its_own(tmp_path: Path) -> None:
    model = wrap_network(made(), build="nets.layers:dense", columns=["a", "b"], classes=[0, 1])
    digest = artifact.write(model, tmp_path / "m", ROWS.head(), trusted=["nets.layers:dense"])
    apart = ModelProcess(tmp_path / "m", digest, trusted=["nets.layers:dense"])
    assert predict(apart, ROWS) == pytest.approx(predict(model, ROWS), abs=1e-9)
