"""A runtime: another process of this machine, with a lower priority."""

import sys
from typing import ClassVar

from airflow_mlops.api import CommandStep, RemoteRuntime, RemoteStep, StepProcess


class Nice(RemoteRuntime):
    """Run a step with a lower priority.

    :param level: the niceness.
    """

    kind: ClassVar[str] = "nice"

    level: int = 5

    def create_process(self, step: RemoteStep) -> StepProcess:
        return CommandStep(["nice", "-n", str(self.level), sys.executable])

    def label(self) -> str:
        return f"nice {self.level}"
