"""A local Airflow whose components can be killed, with short failover timeouts."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil

from include.demo.airflow import COMPONENTS, AirflowStack
from include.demo.signals import deferred_signals

SHORT_TIMEOUTS = {
    # Failover timeouts: the default of up to five minutes is too long for a replay. With much shorter ones a scheduler
    # on a busy machine considers itself dead.
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "60",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "10",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "90",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "10",
    "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "3",
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "30",
    "AIRFLOW__TRIGGERER__RUNNER_HEALTH_CHECK_THRESHOLD": "300",
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
}


class KillableStack(AirflowStack):
    """The demo's Airflow, whose components can be killed and restarted."""

    def kill(self, component: str, family: bool) -> None:
        """Kill a component with SIGKILL and start it again at once.

        :param component: ``scheduler`` or ``triggerer``.
        :param family: together with all its child processes, as when a container ends; otherwise its tasks
            continue as orphans.
        """
        child = self._children[component]
        with deferred_signals():
            victims = _children(child.pid) if family else []
            child.send_signal(signal.SIGKILL)
            for victim in victims:
                _kill_process(victim)
            child.wait()
            self._children[component] = self._spawn(COMPONENTS[component])


def python_path(repo: Path) -> dict[str, str]:
    """Return the setting by which tasks, and triggers, find the worlds and the event source; what is warmed is ours."""
    return {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent / "local_settings"), str(repo)])}


def _children(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []


def _kill_process(process: psutil.Process) -> None:
    try:
        os.kill(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
