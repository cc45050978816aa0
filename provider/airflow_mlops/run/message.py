"""What is told to a step's process: one line of JSON, secrets included, by its standard input."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import airflow_mlops
from airflow_mlops.core.errors import BadInput
from airflow_mlops.run.places import Told
from airflow_mlops.run.plain import plain, restored
from airflow_mlops.run.spec import Spec


@dataclass(frozen=True, slots=True)
class Message:
    """All that a step's process is told.

    :param spec: what to do.
    :param places: where everything is.
    :param environment: variables that its code needs.
    :param path: folders that its imports are looked for in, before all others.
    """

    spec: Spec
    places: Told
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    path: Sequence[str] = ()

    def to_line(self) -> bytes:
        """Give the line, with its end.

        :raises BadInput: when a parameter cannot travel.
        """
        spec = self.spec.model_dump(mode="json", exclude={"parameters"})
        told = {
            "version": airflow_mlops.__version__,
            "spec": {**spec, "parameters": plain(self.spec.parameters)},
            "places": self.places.model_dump(),
            "environment": dict(self.environment),
            "path": list(self.path),
        }
        return json.dumps(told).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Self:
        """Read the line.

        :raises BadInput: when it is none, or comes from another version of this package.
        """
        try:
            told = json.loads(line)
            version = told["version"]
        except (ValueError, KeyError, TypeError):
            raise BadInput("the step was told nothing that it understands", mend="start it by an operator") from None
        if version != airflow_mlops.__version__:
            raise BadInput(
                f"where the step runs is airflow-provider-mlops {airflow_mlops.__version__}, the task has {version}",
                where=sys.executable,
                mend=f"install airflow-provider-mlops=={version} where the step runs",
            )
        return cls(spec_of(told["spec"]), Told.load(told["places"]), told["environment"], told["path"])

    def take_effect(self) -> None:
        """Make this process what the message says: its environment, and where imports are looked for."""
        os.environ.update(self.environment)
        sys.path[:0] = [folder for folder in self.path if folder not in sys.path]


def spec_of(told: Mapping[str, Any]) -> Spec:
    """Read a spec that came as JSON."""
    spec = Spec.load(told)
    return spec.model_copy(update={"parameters": restored(spec.parameters)})
