"""A second extension of each kind, which is registered nowhere: an import path leads to it."""

import subprocess
import sys
from typing import ClassVar

import numpy as np

from acme_mlops.formats import JsonFormat
from acme_mlops.notifiers import Notebook
from acme_mlops.sources import Crm
from airflow_mlops.api import (
    DriftEffect,
    Metric,
    RemoteRuntime,
    RemoteStep,
    SqliteDialect,
    StepOutcome,
    StepOutput,
    StepProcess,
)


def mean_cost(target, scores):
    """Return the cost per customer: 1 for a call, 5 for one who leaves without a call."""
    return np.mean(np.where(scores >= 0.5, 1, 5 * target))


cost = Metric.from_function("cost", mean_cost, direction="lower", task="binary")


class Length:
    """A check without SQL."""

    def violates(self, column, at_most=30, prefix=""):
        return (column.str.len_chars() > at_most) | ~column.str.starts_with(prefix)


length = Length()


class MeanShift:
    """A drift method for numbers, with a test of its own."""

    kinds = ("number",)
    threshold = 0.2

    def compare(self, reference, current):
        shift = abs(current.numbers.mean - reference.numbers.mean) / reference.numbers.std
        z = shift * np.sqrt(current.rows)
        return DriftEffect(shift, p_value=float(np.exp(-(z**2) / 2)), description=f"mean moved by {shift:.2f} sd")


mean_shift = MeanShift()


class TextFormat(JsonFormat):
    file = "threshold.txt"


class Direct(RemoteRuntime):
    """A runtime with a process of its own."""

    kind: ClassVar[str] = "direct"

    def create_process(self, step: RemoteStep) -> StepProcess:
        return DirectProcess()


class DirectProcess:
    process: subprocess.Popen | None = None

    def run(self, step: str, message: bytes) -> StepOutcome:
        output = StepOutput(print)
        command = [sys.executable, "-m", "airflow_mlops.execution.steps", step, "-"]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe) as self.process:
            self.process.stdin.write(message)
            self.process.stdin.flush()
            output.feed_stdout(self.process.stdout.read())
        return output.outcome("direct")

    def kill(self) -> None:
        if self.process is not None:
            self.process.terminate()


class StrictSqlite(SqliteDialect):
    min_version = (3, 35)


def whole_crm(**options):
    """Return a source that is made by a function and gives one pandas frame."""
    crm = Crm(**options)

    class Whole:
        def read(self, partition):
            return crm.customers(partition).to_pandas()

    return Whole()


class ByParity:
    """A split rule that can keep rows where they are."""

    has_validation = True
    earlier_key = "id"

    def __init__(self, parts=None):
        self.parts = parts or {}

    def assign(self, frame):
        number = frame["id"] % 4
        new = np.select([number == 0, number == 1], ["test", "validation"], "train")
        return [self.parts.get(str(key), part) for key, part in zip(frame["id"], new, strict=True)]

    def to_dict(self):
        return {"modulus": 4}

    def with_earlier(self, parts):
        return ByParity(parts)


class Diary(Notebook):
    def send(self, text, context):
        super().send(f"Dear diary, {text}", context)
