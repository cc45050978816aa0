"""Environment variables of the demo's Airflow: every setting that differs from the default, and why."""

from __future__ import annotations

import base64
import json
import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from include.demo.ports import LOOPBACK
from include.demo.processes import MARKER

BUNDLE = "airflow-mlops"
USER = "admin"
LOCAL_SETTINGS = Path(__file__).parent / "local_settings"
PARALLELISM = 4


@dataclass(frozen=True)
class Secrets:
    """
    Passwords and keys that a resumed demo reuses, in a file that only their owner can read.

    :param password: of the user ``admin``
    :param jwt: signs the tokens of users and tasks
    :param fernet: encrypts connections in the database
    :param session: signs the API server's sessions
    """

    password: str
    jwt: str
    fernet: str
    session: str

    @classmethod
    def generate(cls) -> Secrets:
        """Generate random secrets."""
        return cls(
            password=secrets.token_urlsafe(9),
            jwt=secrets.token_urlsafe(48),
            fernet=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            session=secrets.token_urlsafe(32),
        )

    @classmethod
    def load(cls, home: Path) -> Secrets:
        """
        Load the secrets of a home, or generate them at the first call.

        :param home: the AIRFLOW_HOME
        """
        path = home / "demo_secrets.json"
        try:
            return cls(**json.loads(path.read_text()))
        except (OSError, ValueError, TypeError):
            generated = cls.generate()
            write_private(path, json.dumps(asdict(generated)))
            return generated


def write_private(path: Path, text: str) -> None:
    """
    Write a file that only its owner can read.

    :param path: the file
    :param text: its content
    """
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def passwords_file(home: Path) -> Path:
    """
    Return the path of the simple auth manager's password file.

    :param home: the AIRFLOW_HOME
    """
    return home / "passwords.json"


def bundle_config(repo: Path) -> str:
    """
    Return Airflow's list of DAG bundles: this repository only, since only a bundle's root is added to
    ``sys.path``.

    :param repo: the repository's root; its ``.airflowignore`` excludes all but ``dags/``
    """
    classpath = "airflow.dag_processing.bundles.local.LocalDagBundle"
    return json.dumps([{"name": BUNDLE, "classpath": classpath, "kwargs": {"path": str(repo)}}])


def airflow_environment(
    home: Path,
    repo: Path,
    database_url: str | None,
    port: int,
    keys: Secrets,
    extra: Mapping[str, str] | None = None,
    base: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """
    Return the complete environment of Airflow's processes.

    Settings of another Airflow that the user has exported (``AIRFLOW__*``, ``AIRFLOW_HOME``,
    ``AIRFLOW_CONFIG``) are removed: the demo must not write into a real database. The rest of the base
    environment stays.

    :param home: the demo's own AIRFLOW_HOME
    :param repo: root of the DAG bundle
    :param database_url: Airflow's database; SQLite in the home when None
    :param port: of the API server, on the loopback interface
    :param keys: passwords and keys
    :param extra: overrides all other settings; its PYTHONPATH is prepended to ours
    :param base: the base environment; ``os.environ`` when None
    """
    inherited = {k: v for k, v in (os.environ if base is None else base).items() if not _is_airflow_setting(k)}
    extra = dict(extra or {})
    env = inherited | _process_settings(inherited, home) | _airflow_settings(home, repo, database_url, port, keys)
    # The bundle's root is on sys.path where DAGs are parsed and run, but not in the triggerer, which then fails
    # to import a trigger of this repository and only logs one line.
    own = [str(LOCAL_SETTINGS), str(repo)]
    python_path = [extra.pop("PYTHONPATH", ""), *own, inherited.get("PYTHONPATH", "")]
    env["PYTHONPATH"] = os.pathsep.join(part for part in python_path if part)
    return env | extra


def _is_airflow_setting(name: str) -> bool:
    return name.startswith("AIRFLOW__") or name in {"AIRFLOW_HOME", "AIRFLOW_CONFIG"}


def _process_settings(inherited: Mapping[str, str], home: Path) -> dict[str, str]:
    local = f"{LOOPBACK},localhost"
    no_proxy = inherited.get("NO_PROXY") or inherited.get("no_proxy")
    no_proxy = f"{no_proxy},{local}" if no_proxy else local
    return {
        # executables of this virtual environment, also under `env -i`
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), inherited.get("PATH", os.defpath)]),
        # tasks talk to the API server over loopback; a proxy must not intercept that
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
        "PYTHONUNBUFFERED": "1",
        # setproctitle would overwrite the environment in memory, which `processes.members` reads
        "SPT_NOENV": "1",
        MARKER: str(home),
        "DO_NOT_TRACK": "1",
        "SCARF_ANALYTICS": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        # without this MLflow prints a warning in each task when git is not installed
        "GIT_PYTHON_REFRESH": "quiet",
    }


def _airflow_settings(home: Path, repo: Path, database_url: str | None, port: int, keys: Secrets) -> dict[str, str]:
    base_url = f"http://{LOOPBACK}:{port}"
    sqlite = database_url is None or database_url.startswith("sqlite")
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        # workers are forked at the start, each with the preloaded libraries: 4 cost less memory than 32
        "AIRFLOW__CORE__PARALLELISM": str(PARALLELISM),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
        "AIRFLOW__CORE__FERNET_KEY": keys.fernet,
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{base_url}/execution/",
        # the default resolves the host's full name by DNS, which takes seconds without a DNS server
        "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",
        "AIRFLOW__CORE__AUTH_MANAGER": (
            "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"
        ),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords_file(home)),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database_url or f"sqlite:///{home / 'airflow.db'}",
        **({"AIRFLOW__DATABASE__SQL_ALCHEMY_CONNECT_ARGS": "demo_sqlite.connect_args"} if sqlite else {}),
        "AIRFLOW__API__HOST": LOOPBACK,
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": base_url,
        "AIRFLOW__API__SECRET_KEY": keys.session,
        "AIRFLOW__API_AUTH__JWT_SECRET": keys.jwt,
        "AIRFLOW__API_AUTH__JWT_ISSUER": base_url,
        # an idle scheduler polls four times a second: 0.7 s less per task than with the default of one second
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.25",
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": bundle_config(repo),
        # the files do not change while a demo runs: parse them once and leave the CPU to the tasks
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }
