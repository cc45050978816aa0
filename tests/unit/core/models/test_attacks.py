"""Attacks on a registered model's files: each is refused, and the canary never runs.

Each attack begins with a good, registered version and somebody who can write to where its files are. The canary is a
file that the attacker's code would write, so that it tells also of what runs in another process.
"""

from __future__ import annotations

import os
import pickle
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
import yaml
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer

from airflow_mlops.common.errors import BadInput, NotFound, Refused
from airflow_mlops.common.refs import RunRef
from airflow_mlops.core.models import artifact, loading
from airflow_mlops.core.models.loading import LoadingOptions
from airflow_mlops.core.registry import promotion
from airflow_mlops.core.registry.registration import register
from airflow_mlops.core.tracking import local_folder
from airflow_mlops.store import versions
from airflow_mlops.store.tables import Version

WAYS = {"in a process of its own": LoadingOptions(), "in the task's": LoadingOptions(in_process=True)}


class Canary:
    """What writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> Any:
        return os.system, (f"touch '{self.path}'",)


@dataclass
class Scene:
    """A registered version, its files, and what an attacker has."""

    folder: Path
    digest: str
    canary: Path

    @property
    def bomb(self) -> bytes:
        """A pickle that runs the canary."""
        return pickle.dumps(Canary(self.canary))

    def version(self, **other: Any) -> Version:
        return Version(
            **{
                "model": "m",
                "version": 1,
                "digest": self.digest,
                "artifact_uri": str(self.folder),
                "candidate": "linear",
                **other,
            }
        )

    def loaded(self, how: LoadingOptions = WAYS["in the task's"], **other: Any) -> Any:
        return loading.load_version(self.version(**other), "", (), how)


ROWS = pd.DataFrame({"x": np.linspace(0, 1, 20)})


@pytest.fixture
def scene(tmp_path: Path) -> Any:
    folder = tmp_path / "model"
    digest = artifact.write(LogisticRegression().fit(ROWS, [0, 1] * 10), folder, ROWS.head())
    found = Scene(folder, digest, tmp_path / "canary")
    assert found.loaded().predict(ROWS).shape == (20,)
    yield found
    assert not found.canary.exists()


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def as_pickle(scene: Scene) -> None:
    """Swap the format: a pickle, and an MLmodel that says so."""
    (scene.folder / artifact.MODEL_FILE).unlink()
    put(scene.folder / "model.pkl", scene.bomb)
    described = yaml.safe_load((scene.folder / "MLmodel").read_text())
    described["flavors"]["sklearn"] |= {"pickled_model": "model.pkl", "serialization_format": "pickle"}
    (scene.folder / "MLmodel").write_text(yaml.safe_dump(described))


def own_trust_list(scene: Scene) -> None:
    """A skops file that calls the system, and an MLmodel that trusts it."""
    skops.io.dump(FunctionTransformer(os.system), scene.folder / artifact.MODEL_FILE)
    described = yaml.safe_load((scene.folder / "MLmodel").read_text())
    described["flavors"]["sklearn"]["skops_trusted_types"] = ["posix.system", "os.system"]
    (scene.folder / "MLmodel").write_text(yaml.safe_dump(described))


def linked(scene: Scene) -> None:
    """The same bytes, behind a link that can be turned elsewhere later."""
    path = scene.folder / artifact.MODEL_FILE
    shutil.move(path, scene.folder.parent / "elsewhere")
    path.symlink_to(scene.folder.parent / "elsewhere")


def linked_folder(scene: Scene) -> None:
    other = scene.folder.parent / "other"
    put(other / "x", b"x")
    (scene.folder / "more").symlink_to(other, target_is_directory=True)


def flipped(scene: Scene) -> None:
    path = scene.folder / artifact.MODEL_FILE
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def renamed(scene: Scene) -> None:
    (scene.folder / "MLmodel").rename(scene.folder / "MLmodel2")


def zipped_bomb(scene: Scene) -> None:
    with zipfile.ZipFile(scene.folder / artifact.MODEL_FILE, "w") as archive:
        archive.writestr("schema.json", "{}")
        archive.writestr("model.pkl", scene.bomb)


ATTACKS: dict[str, Callable[[Scene], object]] = {
    "a changed byte": flipped,
    "a pickle in place of skops, and an MLmodel that says so": as_pickle,
    "a pickle under the name of the skops file": lambda s: put(s.folder / artifact.MODEL_FILE, s.bomb),
    "a pickle beside it": lambda s: put(s.folder / "model.pkl", s.bomb),
    "the attacker's own list of trusted types": own_trust_list,
    "a zip with a pickle in it": zipped_bomb,
    "a native format that was not there": lambda s: put(s.folder / "native.json", b'{"format": "lightgbm"}'),
    "a file that git ignores": lambda s: put(s.folder / ".gitignore", b"*"),
    "a file in a folder of git": lambda s: put(s.folder / ".git" / "hooks" / "x", s.bomb),
    "an attributes file": lambda s: put(s.folder / ".gitattributes", b""),
    "an empty folder": lambda s: (s.folder / "empty").mkdir(),
    "an empty folder of git": lambda s: (s.folder / ".git").mkdir(),
    "an empty file more": lambda s: put(s.folder / "code" / "__init__.py", b""),
    "code beside it, as MLflow would import": lambda s: put(s.folder / "code" / "sklearn.py", b"import os"),
    "a file of another name": renamed,
    "a file less": lambda s: (s.folder / "requirements.txt").unlink(),
    "a name that is no text": lambda s: put(Path(os.fsdecode(os.fsencode(s.folder) + b"/\xff")), b""),
    "a link in place of a file": linked,
    "a link to a folder": linked_folder,
    "a link to nothing": lambda s: (s.folder / "dangling").symlink_to("/nowhere"),
    "a pipe, which would be waited for": lambda s: os.mkfifo(s.folder / "pipe"),
    "a file that is a folder": lambda s: ((s.folder / "MLmodel").unlink(), (s.folder / "MLmodel").mkdir()),
    "nothing left": lambda s: [p.unlink() for p in s.folder.iterdir()],
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_changed_files_are_refused_and_no_byte_of_them_is_deserialised(
    scene: Scene, attack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ATTACKS[attack](scene)
    monkeypatch.setattr(artifact, "restore", lambda *_, **__: scene.canary.touch())
    with pytest.raises(Refused, match="do not match the registered digest"):
        scene.loaded()


@pytest.mark.parametrize("attack", list(ATTACKS)[:6])
def test_they_are_refused_in_a_process_of_their_own(scene: Scene, attack: str) -> None:
    ATTACKS[attack](scene)
    with pytest.raises(Refused, match="do not match the registered digest"):
        scene.loaded(LoadingOptions())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("attack", ["as_pickle", "own_trust_list", "zipped_bomb"])
def test_even_under_the_right_digest_nothing_runs_that_is_not_on_our_own_list(
    scene: Scene, attack: str, way: str
) -> None:
    globals()[attack](scene)
    with pytest.raises(
        Exception, match=r"untrusted types|no model\.skops|rotocol|schema|KeyError|__loader__"
    ) as raised:
        scene.loaded(WAYS[way], digest=artifact.digest_of(scene.folder))
    assert not isinstance(raised.value, NotFound)


@pytest.mark.parametrize("way", WAYS)
def test_a_pickle_is_loaded_only_if_it_was_adopted_and_the_connection_allows_it_and_the_log_tells(
    scene: Scene, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    (scene.folder / artifact.MODEL_FILE).unlink()
    put(scene.folder / "model.pkl", pickle.dumps(LogisticRegression().fit(ROWS, [0, 1] * 10)))
    right = {"digest": artifact.digest_of(scene.folder)}
    allowed = LoadingOptions(in_process=WAYS[way].in_process, allow_pickle=True)
    with pytest.raises(Refused, match="it is a pickle"):
        scene.loaded(WAYS[way], **right, candidate="adopted")
    with pytest.raises(Refused, match="it is a pickle"):
        scene.loaded(allowed, **right, candidate="linear")
    with pytest.raises(Refused, match="do not match the registered digest"):
        scene.loaded(allowed, candidate="adopted")
    assert not caplog.records
    for times in (1, 2):
        assert scene.loaded(allowed, **right, candidate="adopted").predict(ROWS).shape == (20,)
        assert [r.levelname for r in caplog.records if "loading a pickle" in r.message] == ["WARNING"] * times


def test_files_that_are_changed_after_they_were_verified_change_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    restore = artifact.restore

    def swapped(files: Any, **how: Any) -> Any:
        own_trust_list(scene)
        put(scene.folder / "model.pkl", scene.bomb)
        return restore(files, **how)

    monkeypatch.setattr(artifact, "restore", swapped)
    assert isinstance(scene.loaded(), LogisticRegression)
    with pytest.raises(Refused):
        scene.loaded()


def test_a_folder_that_is_swapped_while_it_is_read_gives_no_mixture(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_file = artifact._read_file

    def swapped(path: Path) -> bytes:
        read = read_file(path)
        put(scene.folder / artifact.MODEL_FILE, scene.bomb)  # after this file, before the next
        return read

    monkeypatch.setattr(artifact, "_read_file", swapped)
    with pytest.raises(Refused):
        scene.loaded()


def test_good_files_are_refused_under_the_name_or_the_number_of_another(world: Any) -> None:
    client = world.client
    first, second = world.registered("a", run=world.trained("a")), world.registered("b", run=world.trained("b", ("z",)))
    one, two = (versions.get(world.database, "m", ref.version) for ref in (first, second))
    here, there = (local_folder(v.artifact_uri, client) for v in (one, two))
    shutil.rmtree(there)
    shutil.copytree(here, there)
    for how in WAYS.values():
        assert loading.load_version(one, client.tracking_uri, (), how).predict_proba(pd.DataFrame({"x": [0.1]})).size
        with pytest.raises(Refused, match="do not match the registered digest"):
            loading.load_version(two, client.tracking_uri, (), how)
    with pytest.raises(Refused, match="do not match the registered digest"):
        world.promoted(second, "p")
    with pytest.raises(Refused, match="not a gate report of these files"):  # nor does the word for one count for both
        world.promoted(second, "p", world.gated(first))


def test_where_mlflow_says_that_a_version_is_changes_nothing(world: Any) -> None:
    """Whoever can write to MLflow can make a version of any files, under any name: it is none of ours."""
    first = world.registered("a", run=world.trained("a"))
    stolen = world.client.create_model_version("m", versions.get(world.database, "m", first.version).artifact_uri)
    world.client.set_model_version_tag("m", stolen.version, "mlops.digest", first.digest)
    with pytest.raises(NotFound, match="not in the lifecycle store"):
        versions.get(world.database, "m", int(stolen.version))
    with pytest.raises(NotFound):
        promotion.promote(
            world.client,
            world.database,
            challenger=type(first)("m", int(stolen.version), first.digest, first.run_id, None),
            gate=world.gated(first),
            actor="x",
            reason="r",
        )


def test_an_artifact_is_not_registered_under_another_run_s_word(world: Any) -> None:
    good, other = world.trained("a"), world.trained("b", ("z",))
    forged = RunRef(other.run_id, "linear", other.artifact, good.digest, "roc_auc", 0.9)
    with pytest.raises(Refused, match="do not match the registered digest"):
        register(
            world.client,
            world.database,
            model="m",
            run=forged,
            data=world.data,
            baseline={},
            contract=None,
            cutoff=None,
            key="forged",
        )


def test_a_model_with_a_link_or_an_empty_folder_is_not_even_given_a_digest(scene: Scene) -> None:
    for name in ("a link in place of a file", "an empty folder"):
        ATTACKS[name](scene)
        with pytest.raises(BadInput):
            artifact.digest_of(scene.folder)
        shutil.rmtree(scene.folder / "empty", ignore_errors=True)
