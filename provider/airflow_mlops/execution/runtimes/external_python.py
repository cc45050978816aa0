"""External Python runtime: runs a step with another interpreter on the same machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

from airflow_mlops.common.errors import BadInput
from airflow_mlops.execution.runtimes.base import RemoteRuntime, RemoteStep
from airflow_mlops.execution.runtimes.process import StepProcess


class ExternalPython(RemoteRuntime):
    """Another Python environment on the same machine. It needs the same version of this package, but no Airflow.

    :param python: the path of its interpreter.
    """

    kind: ClassVar[str] = "external_python"

    python: str

    def create_process(self, step: RemoteStep) -> StepProcess:
        """Return the process of a step in the other interpreter."""
        from airflow_mlops.execution.runtimes.command import CommandStep

        if not Path(self.python).is_file() or not os.access(self.python, os.X_OK):
            raise BadInput("no such Python interpreter", where=self.python, hint="give the path of an interpreter")
        return CommandStep([self.python])

    def label(self) -> str:
        """Return the runtime and its interpreter."""
        return f"{self.kind} {self.python}"
