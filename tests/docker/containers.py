"""The containers of a task, while it is executed; and containers that a test runs to their end."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from airflow_mlops.execution.runtimes.container import TASK_LABEL
from tests.remote_steps.steps import execute_task

TAG = f"mlops-runtime-test:{os.getpid()}"
"""The image of this session: by it its containers are told from those of another on the same engine."""


def containers(engine: Any, task_id: str) -> list[dict[str, Any]]:
    """Return the containers of a task, running or not."""
    return list(engine.containers(all=True, filters={"ancestor": TAG, "label": f"{TASK_LABEL}=d/r/{task_id}/-1"}))


def has_started(engine: Any, task_id: str) -> bool:
    """Check whether a task's container has come to where it goes on without end."""
    return any(b"going on without end" in engine.logs(c["Id"]) for c in containers(engine, task_id))


def outcome(engine: Any, container: str) -> Any:
    """Run a container to its good end, and remove it; return its last line, which is JSON."""
    try:
        engine.start(container)
        code, said = engine.wait(container)["StatusCode"], engine.logs(container).decode()
    finally:
        engine.remove_container(container, force=True, v=True)
    assert code == 0, said[-3000:]
    return json.loads(said.splitlines()[-1])


@contextmanager
def execute_in_thread(task: Any) -> Iterator[list[BaseException]]:
    """Execute a task that will fail, in a thread; return its error at the end."""
    told: list[BaseException] = []

    def execute() -> None:
        try:
            execute_task(task)
        except Exception as error:
            told.append(error)

    thread = threading.Thread(target=execute)
    thread.start()
    try:
        yield told
    finally:
        thread.join(300)
