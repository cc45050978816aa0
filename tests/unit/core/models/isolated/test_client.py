"""A model in a process of its own predicts as here; what goes wrong there is an error in words here."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pytest
import skops.io
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder

from airflow_mlops.common.errors import BadInput, MlopsError, Refused
from airflow_mlops.core.models import artifact
from airflow_mlops.core.models.isolated import client, fork_server
from airflow_mlops.core.models.isolated.client import ModelProcess, build_exit_error
from airflow_mlops.core.models.prediction import predict

RNG = np.random.default_rng(0)
ROWS = pd.DataFrame(
    {
        "n": np.where(RNG.random(300) < 0.1, np.nan, RNG.normal(size=300)),
        "t": pd.array(RNG.choice(["a", "b", "c"], 300), dtype=pd.StringDtype(na_value=np.nan)),
    }
)
TARGET = (RNG.random(300) > 0.5).astype(int)
KINDS = np.array(["low", "mid", "high"])[RNG.integers(0, 3, 300)]


def hist(target: Any) -> Any:
    codes = make_column_transformer((OrdinalEncoder(), ["t"]), remainder="passthrough")
    return make_pipeline(codes, HistGradientBoostingClassifier(max_iter=5, early_stopping=False)).fit(ROWS, target)


MODELS: dict[str, Callable[[], Any]] = {
    "two classes": lambda: hist(TARGET),
    "three named classes": lambda: hist(KINDS),
    "a number": lambda: make_pipeline(make_column_transformer((OneHotEncoder(), ["t"])), LinearRegression()).fit(
        ROWS, TARGET * 2.5
    ),
}


def kept(model: Any, folder: Path) -> tuple[Path, str]:
    """Keep a model without loading it, as :func:`artifact.write` would."""
    folder.mkdir()
    skops.io.dump(model, folder / artifact.MODEL_FILE)
    return folder, artifact.digest_of(folder)


def ask(files: tuple[Path, str], rows: Any = ROWS) -> Any:
    return ModelProcess(*files, trusted=TRUSTED).predict_proba(rows)


TRUSTED: list[str] = []


@pytest.fixture
def linear(tmp_path: Path) -> tuple[Path, str]:
    frame = pd.DataFrame({"x": np.linspace(0, 1, 20)})
    return kept(LogisticRegression().fit(frame, [0, 1] * 10), tmp_path / "m")


@pytest.mark.parametrize("name", MODELS)
def test_it_predicts_what_the_model_predicts_here(tmp_path: Path, name: str) -> None:
    model = MODELS[name]()
    other = ModelProcess(*kept(model, tmp_path / "m"))
    for rows in (ROWS, ROWS.iloc[[7]], ROWS[::-1]):
        np.testing.assert_array_equal(predict(other, rows), predict(model, rows))
        np.testing.assert_array_equal(other.predict(rows), model.predict(rows))
    assert hasattr(other, "predict_proba") == hasattr(model, "predict_proba")
    assert list(getattr(other, "classes_", ())) == list(getattr(model, "classes_", ()))
    assert list(other.feature_names_in_) == ["n", "t"]
    assert not hasattr(other, "fit")


def test_what_a_model_raises_is_raised_here_and_the_next_rows_are_scored(linear: tuple[Path, str]) -> None:
    model = ModelProcess(*linear)
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(pd.DataFrame({"y": [1.0]}))
    assert model.predict(pd.DataFrame({"x": [1.0]})).shape == (1,)


def test_files_that_are_not_those_that_were_registered_are_refused_with_the_same_words(
    linear: tuple[Path, str],
) -> None:
    with pytest.raises(Refused, match="do not match the registered digest") as here:
        artifact.load_model(linear[0], "0" * 64)
    with pytest.raises(Refused) as there:
        ModelProcess(linear[0], "0" * 64)
    assert str(there.value) == str(here.value)


def test_a_model_that_crashes_is_an_error_in_words_and_a_retry_does_not_hint_it(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"died of SIGABRT while it scored 300 rows[\s\S]*the worker is not affected"):
        ask(abort(tmp_path / "m"))


def abort(folder: Path) -> tuple[Path, str]:
    """A model that ends its process."""
    return kept_as(folder, "import os\n\n\ndef crash(rows):\n    os.abort()\n", "crash")


def kept_as(folder: Path, code: str, name: str) -> tuple[Path, str]:
    """Keep a model with a step of the project's own, from a module that only ``sys.path`` leads to."""
    place = folder.parent / "project"
    place.mkdir(exist_ok=True)
    module = f"own_{folder.parent.name}_{name}".replace("-", "_")
    (place / f"{module}.py").write_text(code)
    sys.path.insert(0, str(place))
    try:
        function = getattr(__import__(module), name)
        step = FunctionTransformer(function)
        files = kept(make_pipeline(step, LogisticRegression().fit([[0.0], [1.0]], [0, 1])), folder)
    finally:
        TRUSTED.append(f"{module}.{name}")
    return files


@pytest.fixture(autouse=True)
def _path() -> Iterator[None]:
    before = list(sys.path)
    yield
    sys.path[:] = before


TELL = """
import json, os, resource, socket
import pandas as pd


def tell(rows):
    try:
        socket.create_connection(("127.0.0.1", int(rows["port"].iloc[0])), timeout=5).close()
        network = "there"
    except OSError as error:
        network = type(error).__name__
    with open("/proc/self/environ", "rb") as file:
        first = file.read().decode()
    told = {
        "environment": dict(os.environ), "first": first, "files": len(os.listdir("/proc/self/fd")),
        "core": resource.getrlimit(resource.RLIMIT_CORE), "network": network, "pid": os.getpid(),
        "parent": os.getppid(),
    }
    raise ValueError(json.dumps(told))
"""


def told(files: tuple[Path, str], port: int = 9) -> dict[str, Any]:
    import json

    with pytest.raises(ValueError) as raised:  # noqa: PT011
        ask(files, pd.DataFrame({"port": [port]}))
    found: dict[str, Any] = json.loads(str(raised.value))
    return found


def test_it_has_no_secrets_no_files_of_the_task_and_leaves_no_core(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AIRFLOW__CORE__FERNET_KEY", "MLFLOW_TRACKING_PASSWORD", "AWS_SECRET_ACCESS_KEY", "MY_TOKEN"):
        monkeypatch.setenv(name, "canary-secret")
    fork_server._close_server()  # one that was made before has not even seen them
    with (tmp_path / "open").open("w"):
        found = told(kept_as(tmp_path / "m", TELL, "tell"))
    assert "canary-secret" not in str(found)
    assert not [n for n in found["environment"] if n.startswith(("AIRFLOW", "MLFLOW", "AWS"))]
    assert found["core"] == [0, 0]
    assert found["files"] == 5  # in, out, err, the channel, and the folder that is being listed
    assert found["pid"] != os.getpid()


def test_it_ends_with_what_holds_it(linear: tuple[Path, str]) -> None:
    model = ModelProcess(*linear)
    process = child_of(model)
    del model
    gc.collect()
    process.wait(30)


def nursery_of_now() -> psutil.Process:
    living = [p for p in psutil.Process().children() if p.status() != psutil.STATUS_ZOMBIE]
    return max((p for p in living if fork_server.FORK_SERVER_MODULE in p.cmdline()), key=lambda p: p.create_time())


def child_of(model: Any) -> psutil.Process:
    """Give the newest process of a model."""
    nursery = nursery_of_now()
    return max(nursery.children(), key=lambda p: p.create_time())


def test_one_that_is_killed_may_be_tried_again(linear: tuple[Path, str]) -> None:
    model = ModelProcess(*linear)
    child_of(model).kill()
    with pytest.raises(MlopsError, match="was killed") as raised:
        model.predict(pd.DataFrame({"x": [1.0]}))
    assert not isinstance(raised.value, BadInput)
    with pytest.raises(BadInput, match="has ended"):
        model.predict(pd.DataFrame({"x": [1.0]}))
    assert ModelProcess(*linear).predict(pd.DataFrame({"x": [1.0]})).shape == (1,)


def test_a_nursery_that_is_killed_is_replaced(linear: tuple[Path, str]) -> None:
    ModelProcess(*linear)
    nursery = nursery_of_now()
    nursery.kill()
    nursery.wait(30)
    assert ModelProcess(*linear).predict(pd.DataFrame({"x": [1.0]})).shape == (1,)


def test_a_call_that_is_given_up_ends_the_process(linear: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    model = ModelProcess(*linear)
    process = child_of(model)

    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(client.protocol, "receive", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.predict(pd.DataFrame({"x": [1.0]}))
    process.wait(30)


SCRIPT = """
import os, sys
import numpy, pandas, pyarrow, sklearn.pipeline, skops.io
from airflow_mlops.core.models.isolated import fork_server
from airflow_mlops.core.models.isolated.client import ModelProcess

# As a warm worker does it: what has imported is forked, and that has one thread.
if os.fork():
    os._exit(os.waitstatus_to_exitcode(os.wait()[1]))
assert fork_server.can_fork()
model = ModelProcess(*sys.argv[1:3])
assert model.predict(pandas.DataFrame({"x": [1.0]})).shape == (1,)
print("scored", flush=True)
if sys.argv[3] == "die":
    import psutil
    [nursery] = psutil.Process().children()
    print(nursery.pid, *[p.pid for p in nursery.children()], flush=True)
    os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("how", ["live", "die"])
def test_a_warm_task_forks_it_and_it_is_gone_when_the_task_is_killed(linear: tuple[Path, str], how: str) -> None:
    command = [sys.executable, "-c", textwrap.dedent(SCRIPT), str(linear[0]), linear[1], how]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=environment)
    lines = ended.stdout.split("\n")
    assert lines[0] == "scored", ended.stderr
    assert ended.returncode == (0 if how == "live" else -9 % 256), ended.stderr
    for pid in lines[1].split() if how == "die" else ():
        try:
            psutil.Process(int(pid)).wait(30)
        except psutil.NoSuchProcess:
            continue


def test_it_cannot_be_copied_nor_used_in_another_process(linear: tuple[Path, str]) -> None:
    model = ModelProcess(*linear)
    for copied in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="cannot be copied"):
            copied(model)
    model._owner = -1
    with pytest.raises(RuntimeError, match="belongs to the process that created it"):
        model.predict(pd.DataFrame({"x": [1.0]}))


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [(-9, MlopsError, "killed"), (None, MlopsError, "killed"), (-11, BadInput, "SIGSEGV"), (3, BadInput, "code 3")],
)
def test_how_it_ended_is_said(code: int | None, kind: type, words: str) -> None:
    error = build_exit_error(code, "while it was loaded", "there")
    assert type(error) is kind
    assert words in str(error)
