"""The compose file and its script: valid for both versions of compose, explained, and closed by default."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.stack.engine import compose

REPO = Path(__file__).resolve().parents[2]
FILE = REPO / "docker-compose.yaml"
PINNED = {"airflow-provider-mlops:local", "postgres:16", "redis:7"}
pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(FILE.read_text())["services"]
    return found


@pytest.mark.parametrize("way", [["docker", "compose"], ["docker-compose"]], ids=["v2", "v1"])
def test_the_compose_file_is_valid(way: list[str]) -> None:
    if way not in compose():
        pytest.skip(f"{' '.join(way)} is not installed")
    done = subprocess.run([*way, "config", "--quiet"], cwd=REPO, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_variable_is_explained_with_its_default() -> None:
    used = re.findall(r"(?<!\$)\$\{([A-Z][A-Z0-9_]+)(?::-([^}]*))?\}", FILE.read_text())
    used += re.findall(r"\$\{([A-Z][A-Z0-9_]+):-([^}$]*)\}", (REPO / "docker" / "stack").read_text())
    explained = dict(re.findall(r"^#? ?([A-Z0-9_]+)=(.*)$", (REPO / ".env.example").read_text(), re.MULTILINE))
    assert {name for name, _ in used} == set(explained)
    wrong = {name: default for name, default in used if default and explained[name] != default}
    assert wrong == {}


def test_every_image_is_a_variable_with_the_official_one_as_default(services: dict[str, Any]) -> None:
    images = {service["image"] for service in services.values()}
    assert all(image.startswith("${") for image in images)
    assert {re.sub(r"^\$\{\w+:-(.*)\}$", r"\1", image) for image in images} == PINNED


def test_only_the_web_interfaces_are_published_and_only_on_loopback(services: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert set(published) == {"api-server", "mlflow"}
    assert all(port.startswith("${BIND_ADDRESS:-127.0.0.1}:${") for (port,) in published.values())


def test_every_service_that_stays_has_a_health_check_and_comes_back(services: dict[str, Any]) -> None:
    staying = {name: s for name, s in services.items() if s["restart"] == "unless-stopped"}
    assert set(staying) == {
        *("postgres", "redis", "mlflow", "worker"),
        *("api-server", "scheduler", "dag-processor", "triggerer"),
    }
    assert all("healthcheck" in service for service in staying.values())


def test_no_service_of_ours_is_root_or_may_become_it(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["security_opt"] == ["no-new-privileges:true"], name
        if name != "postgres":
            assert service["user"] == "${MLOPS_UID:-50000}:0", name
            assert service["cap_drop"] == ["ALL"], name


def test_secrets_are_made_once_for_their_owner_alone(tmp_path: Path) -> None:
    folder, fake = tmp_path / "secrets", tmp_path / "bin"
    fake.mkdir()
    # An engine that can nothing: compose fails after the secrets have been made.
    (fake / "docker").write_text('#!/bin/sh\ncase "$*" in info|"compose version") exit 0;; esac\nexit 1\n')
    (fake / "docker").chmod(0o755)
    path = f"{fake}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "MLOPS_SECRETS": str(folder), "MLOPS_BUILD": "no", "MLOPS_WAIT": "0"}
    environment.pop("MLOPS_BASE_IMAGES", None)
    seen = []
    for _ in range(2):
        subprocess.run([REPO / "docker" / "stack", "up"], env=environment, capture_output=True, check=False)
        seen.append({p.name: p.read_text() for p in folder.iterdir() if p.suffix != ".log"})
    assert seen[0] == seen[1]
    assert set(seen[0]) == set(yaml.safe_load(FILE.read_text())["secrets"])
    assert len(set(seen[0].values())) == len(seen[0])
    assert all(len(value) == 44 for value in seen[0].values())
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(p.stat().st_mode) for p in folder.iterdir() if p.suffix != ".log"} == {0o600}


def test_no_secret_can_get_into_the_image_or_into_git() -> None:
    assert "docker/secrets" in (REPO / ".dockerignore").read_text().splitlines()
    ignored = ["git", "check-ignore", "--quiet", "docker/secrets/fernet_key"]
    assert subprocess.run(ignored, cwd=REPO, check=False).returncode == 0


def test_settings_that_name_secrets_get_them_quoted_for_where_they_stand(tmp_path: Path) -> None:
    (tmp_path / "it").write_text('a"b/c@d\n')
    settings = {
        "PLAIN": "<secret:it>",
        "URL": "postgresql://me:<secret:it>@host/db",
        "OBJECT": '{"password": "<secret:it>"}',
        "OTHER": "nothing",
    }
    found = load("with_secrets").fill_secrets(settings, tmp_path)
    assert found["PLAIN"] == 'a"b/c@d'
    assert found["URL"] == "postgresql://me:a%22b%2Fc%40d@host/db"
    assert json.loads(found["OBJECT"]) == {"password": 'a"b/c@d'}
    assert set(found) == {"PLAIN", "URL", "OBJECT"}


def test_a_secret_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="DOOR refers to the secret key: .*No such file"):
        load("with_secrets").fill_secrets({"DOOR": "<secret:key>"}, tmp_path)


def load(name: str) -> Any:
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location(name, REPO / "docker" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
