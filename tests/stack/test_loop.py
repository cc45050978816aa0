"""The closed loop on the stack, with Celery and two workers, while parts of the stack are killed."""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from include.demo.api import Json, RestError
from include.demo.rest import ANY_DAG
from include.demo.scenario import FIRST_CHAMPION
from tests.crash.invariants import MAKES_RUN, MAKES_VERSION
from tests.stack.machine import PROJECT, REPO, Stack, docker, wait_for

pytestmark = pytest.mark.stack
DEADLINE = 900
AWAY_SECONDS = 5


@dataclass
class LoopResult:
    """Result of the story.

    :param killed: what was killed: the service, and the task that was at work then.
    """

    stack: Stack
    killed: dict[str, str] = field(default_factory=dict)
    said: str = ""
    found: dict[str, Any] = field(default_factory=dict)
    tasks: dict[str, list[Json]] = field(default_factory=dict)


class ServiceKiller:
    """Kills what the story needs, each at a moment when it is needed.

    :param story: the process of the story; when it has ended nothing is waited for any more.
    """

    def __init__(self, stack: Stack, story: subprocess.Popen[bytes]) -> None:
        self.stack, self.story = stack, story
        self.client = stack.client()
        self.killed: dict[str, str] = {}

    def worker_in_mid_training(self) -> None:
        task = self._running("churn_training", "train")
        (container,) = [one for one in self.stack.containers("worker") if one.startswith(task["hostname"])]
        self._kill("worker", container, task)
        wait_for(
            lambda: self._over() or self.client.run("churn_training", FIRST_CHAMPION)["state"] != "running",
            DEADLINE,
            "the first champion, trained by the other worker",
        )
        docker("start", container)

    def after_weeks(self, weeks: int, service: str) -> None:
        def lived() -> bool:
            return len(self.client.runs("churn_monitoring", state="success")) >= weeks

        wait_for(lambda: self._over() or lived(), DEADLINE, f"{weeks} weeks")
        self._break(service, self._running(ANY_DAG))

    def in_retraining(self, service: str) -> None:
        self._break(service, self._running("churn_training", "train", after=FIRST_CHAMPION))

    def _break(self, service: str, task: Json) -> None:
        (container,) = self.stack.containers(service)
        self._kill(service, container, task)
        time.sleep(AWAY_SECONDS)
        docker("start", container)

    def _kill(self, service: str, container: str, task: Json) -> None:
        docker("kill", container)
        self.killed[service] = f"{task['dag_id']}.{task['task_id']}"
        print(f"killed {service} during {self.killed[service]}", flush=True)

    def _running(self, dag_id: str, task_id: str = "", after: str = "") -> Json:
        def found() -> Json | None:
            for run in self.client.runs(dag_id, state="running", order_by="-id"):
                if run["dag_run_id"] == after:
                    continue
                for task in self.client.task_instances(run["dag_id"], run["dag_run_id"]):
                    if task["state"] == "running" and task_id in ("", task["task_id"]):
                        return task
            if self._over():
                raise AssertionError(f"the story ended before {dag_id} {task_id} ran")
            return None

        return wait_for(found, DEADLINE, f"a task {task_id} of {dag_id}")

    def _over(self) -> bool:
        return self.story.poll() is not None


@pytest.fixture(scope="module")
def lived(stack: Stack) -> LoopResult:
    told = LoopResult(stack)
    story = stack.story()
    nemesis = ServiceKiller(stack, story)
    try:
        nemesis.worker_in_mid_training()
        nemesis.after_weeks(1, "scheduler")
        nemesis.after_weeks(3, "postgres")
        nemesis.in_retraining("mlflow")
        story.wait(DEADLINE)
    finally:
        if story.poll() is None:
            story.kill()
        told.said = (stack.folder / "story.log").read_text()
        print(told.said)
    told.killed = nemesis.killed
    assert story.returncode == 0, told.said[-4000:]
    told.tasks = wait_for(lambda: tasks_by_run(stack), 60, "the API")
    told.found = records(stack, told.tasks)
    return told


def tasks_by_run(stack: Stack) -> dict[str, list[Json]]:
    client = stack.client()
    runs = client.runs(ANY_DAG)
    return {f"{r['dag_id']}/{r['dag_run_id']}": client.task_instances(r["dag_id"], r["dag_run_id"]) for r in runs}


def records(stack: Stack, tasks: dict[str, list[Json]]) -> dict[str, Any]:
    steps = {*MAKES_RUN, *MAKES_VERSION, "promote"}
    good = [
        (t["task_id"], f"{run}/{t['task_id']}/{t['map_index']}")
        for run, found in tasks.items()
        for t in found
        if t["state"] == "success" and t["task_id"] in steps
    ]
    database = "postgresql+psycopg2://{0}:<secret:{0}_db_password>@postgres:5432/{0}".format
    options = (
        *("--volume", f"{PROJECT}_data:/data:ro", "--volume", f"{PROJECT}_artifacts:/artifacts:ro"),
        *("--volume", f"{stack.secrets_folder}:/run/secrets:ro", "--volume", f"{REPO / 'tests'}:/opt/mlops/tests:ro"),
        *("--env", f"STORE_URL={database('mlops')}", "--env", f"MLFLOW_URL={database('mlflow')}"),
    )
    said = stack.run("python", "-m", "tests.stack.records", json.dumps(good), options=options)
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


def test_everything_was_killed_while_something_ran(lived: LoopResult) -> None:
    assert set(lived.killed) == {"worker", "scheduler", "postgres", "mlflow"}
    assert lived.killed["worker"] == "churn_training.train"
    assert lived.killed["mlflow"] == "churn_training.train"


def test_the_loop_ends_as_it_does_undisturbed(lived: LoopResult) -> None:
    assert lived.found["counts"]["champions"] == [1, 2]
    assert lived.found["counts"]["versions"] == [1, 2]
    assert "retrainings triggered by drift: 1; v2 is champion" in lived.said


def test_no_promise_is_broken(lived: LoopResult) -> None:
    assert lived.found["violations"] == []


def test_tasks_of_one_run_ran_on_both_workers(lived: LoopResult) -> None:
    workers = {container[:12] for container in lived.stack.containers("worker")}
    assert len(workers) == 2
    together = [run for run, tasks in lived.tasks.items() if {t["hostname"] for t in tasks} >= workers]
    assert together


def test_the_task_that_was_killed_was_tried_again_on_the_other_worker(lived: LoopResult) -> None:
    first = lived.tasks[f"churn_training/{FIRST_CHAMPION}"]
    tries = [t["try_number"] for t in first if t["task_id"] == "train"]
    assert max(tries) >= 2
    assert {t["state"] for t in first} <= {"success", "skipped"}


def test_no_dag_file_has_an_import_error(lived: LoopResult) -> None:
    assert lived.stack.client().import_errors() == {}


def test_without_a_login_neither_airflow_nor_mlflow_answers(lived: LoopResult) -> None:
    import urllib.error
    import urllib.request

    mlflow = f"http://localhost:{lived.stack.environment['MLFLOW_PORT']}"
    for url in (f"{mlflow}/api/2.0/mlflow/experiments/search?max_results=1", f"{mlflow}/ajax-api/2.0/mlflow/users/get"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(url, timeout=30)
        assert refused.value.code == 401
    wrong = lived.stack.client()
    wrong._credentials["password"] = "wrong"
    with pytest.raises(RestError) as refused_too:
        wrong.login()
    assert refused_too.value.status == 401


def test_no_secret_is_seen_from_outside(lived: LoopResult) -> None:
    secrets = lived.stack.secrets()
    places = {f"docker inspect {c['Name']}": json.dumps(c) for c in lived.stack.inspect()}
    places["the image"] = docker("image", "inspect", lived.stack.environment["MLOPS_IMAGE"])
    places["its history"] = docker("history", "--no-trunc", lived.stack.environment["MLOPS_IMAGE"])
    for container in lived.stack.containers():
        done = subprocess.run(["docker", "logs", container], capture_output=True, text=True, check=False)
        places[f"docker logs {container[:12]}"] = done.stdout + done.stderr
    seen = [
        f"{name} in {place}" for place, text in places.items() for name, secret in secrets.items() if secret in text
    ]
    assert seen == []
    # Task logs and files: what is found is named, never printed.
    script = "for s in /secrets/*; do grep -rqF -f $s /logs /data && basename $s; done; true"
    volumes = ("--volume", f"{PROJECT}_logs:/logs:ro", "--volume", f"{PROJECT}_data:/data:ro")
    folder = without_logs(lived.stack.secrets_folder, lived.stack.folder / "to-look-for", secrets)
    options = (*volumes, "--volume", f"{folder}:/secrets:ro")
    assert lived.stack.run("sh", "-c", script, options=options).split() == []


def without_logs(source: Path, folder: Path, secrets: dict[str, str]) -> Path:
    folder.mkdir(mode=0o700)
    for name in secrets:
        (folder / name).write_text((source / name).read_text())
    return folder


def test_the_memory_at_rest_is_told(lived: LoopResult) -> None:
    stats = docker("stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}", *running(lived.stack)).splitlines()
    told = {line.split()[0].removeprefix(f"{PROJECT}-"): mebibytes(line.split()[1]) for line in stats}
    told["total"] = round(sum(told.values()))
    print("memory in MiB:", told)
    (REPO / "build").mkdir(exist_ok=True)
    figures = {"memory_mib": told, "killed": lived.killed, **lived.found}
    (REPO / "build" / "stack.json").write_text(json.dumps(figures, indent=1) + "\n")
    assert len(told) == 10  # nine containers run, and their sum


def running(stack: Stack) -> list[str]:
    return [c["Id"] for c in stack.inspect() if c["State"]["Status"] == "running"]


def mebibytes(text: str) -> float:
    number, unit = text.rstrip("KMGTiB"), text.lstrip("0123456789.")
    return float(number) * {"KiB": 1 / 1024, "MiB": 1, "GiB": 1024}[unit]
