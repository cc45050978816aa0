"""Message to a step's process: one line of JSON on its standard input, including secrets."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import airflow_mlops
from airflow_mlops.common.errors import BadInput
from airflow_mlops.execution.steps.json_codec import decode_value, encode_value
from airflow_mlops.execution.steps.resources import ResourceConfig
from airflow_mlops.execution.steps.spec import StepSpec


@dataclass(frozen=True, slots=True)
class StepMessage:
    """Inputs of a step's process.

    :param spec: the step's specification.
    :param resources: the resources.
    :param environment: environment variables for the step's code.
    :param path: folders to put at the front of ``sys.path``.
    """

    spec: StepSpec
    resources: ResourceConfig
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    path: Sequence[str] = ()

    def to_line(self) -> bytes:
        """Return the message as one line, with its newline.

        :raises BadInput: when a parameter is not JSON-serialisable.
        """
        spec = self.spec.model_dump(mode="json", exclude={"parameters"})
        message = {
            "version": airflow_mlops.__version__,
            "spec": {**spec, "parameters": encode_value(self.spec.parameters)},
            "resources": self.resources.model_dump(),
            "environment": dict(self.environment),
            "path": list(self.path),
        }
        return json.dumps(message).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Self:
        """Parse a message.

        :raises BadInput: when the line is not a message, or is of another version of this package.
        """
        try:
            message = json.loads(line)
            version = message["version"]
        except (ValueError, KeyError, TypeError):
            raise BadInput("the step received no valid message", hint="start it with an operator") from None
        if version != airflow_mlops.__version__:
            raise BadInput(
                f"the step's environment has airflow-provider-mlops {airflow_mlops.__version__}, the task {version}",
                where=sys.executable,
                hint=f"install airflow-provider-mlops=={version} in the step's environment",
            )
        return cls(
            parse_spec(message["spec"]),
            ResourceConfig.load(message["resources"]),
            message["environment"],
            message["path"],
        )

    def apply(self) -> None:
        """Set the environment variables and the import path of this process."""
        os.environ.update(self.environment)
        sys.path[:0] = [folder for folder in self.path if folder not in sys.path]


def parse_spec(value: Mapping[str, Any]) -> StepSpec:
    """Parse a specification from JSON."""
    spec = StepSpec.load(value)
    return spec.model_copy(update={"parameters": decode_value(spec.parameters)})
