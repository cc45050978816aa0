"""``python -m airflow_mlops.execution.steps STEP SPEC.json``: run one lifecycle step outside Airflow.

``STEP`` is ``train``, ``tune``, ``evaluate`` or ``score``. ``SPEC.json`` has its inputs, see
:class:`airflow_mlops.execution.steps.spec.StepSpec`. The file of ``--resources`` has the resources, including secrets.
With ``-`` instead of ``SPEC.json``, an operator sends both on standard input, and EOF ends the step.

Output and logs of the step go to standard error. Standard output gets one line of JSON with the outcome; ``--result``
also writes the reference to a file.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from airflow_mlops.common.error_codec import format_error
from airflow_mlops.common.errors import BadInput, MlopsError
from airflow_mlops.execution.steps.message import StepMessage, parse_spec
from airflow_mlops.execution.steps.outcome import StepOutcome
from airflow_mlops.execution.steps.parameters import STEP_PARAMETERS
from airflow_mlops.execution.steps.resources import ConfiguredResources, ResourceConfig
from airflow_mlops.execution.steps.supervisor import run_supervised, signal_error

EXIT_FAILURE = 1
STDIN = "-"
log = logging.getLogger("airflow_mlops.execution.steps")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args(arguments)
    stdout = _redirect_stdout()
    from_stdin = options.spec == STDIN
    try:
        message = StepMessage.from_line(_read_line()) if from_stdin else _from_files(options.spec, options.resources)
    except MlopsError as error:
        return _fail(stdout, error)

    def work() -> int:
        message.apply()
        outcome = run(options.step, message)
        _write_outcome(stdout, outcome, options.result)
        if outcome.error is not None and not from_stdin:
            log.error("%s", outcome.error)
        return 0 if outcome.error is None else EXIT_FAILURE

    code = run_supervised(work, watch_fd=0 if from_stdin else None)
    return _fail(stdout, signal_error(-code)) if code < 0 else code


def run(step: str, message: StepMessage) -> StepOutcome:
    """Run a step in this process and return its outcome."""
    from airflow_mlops.execution.steps.model_steps import execute_step

    spec = message.spec
    resources = ConfiguredResources(message.resources, spec.key, attempt=spec.attempt, try_number=spec.try_number)
    try:
        return StepOutcome(execute_step(step, spec, resources), None, resources.published)
    except MlopsError as error:
        return StepOutcome(None, error, resources.published)
    except Exception as error:
        log.exception("The step failed")
        return StepOutcome(None, MlopsError(format_error(error)), resources.published)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m airflow_mlops.execution.steps", description=__doc__.split("\n\n")[0]
    )
    parser.add_argument("step", choices=STEP_PARAMETERS, metavar="STEP", help=", ".join(STEP_PARAMETERS))
    parser.add_argument("spec", metavar="SPEC.json", help="inputs of the step; '-': an operator sends them")
    parser.add_argument("--resources", metavar="FILE", help="resources and secrets as JSON; give it mode 0600")
    parser.add_argument("--result", metavar="FILE", help="file for the reference to the result")
    return parser


def _redirect_stdout() -> BinaryIO:
    """Return standard output for the outcome, and send all other output to standard error."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    sys.stdout.flush()
    stdout = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return stdout


def _read_line() -> bytes:
    """Read one line from a copy of standard input, which stays open to detect its EOF."""
    with os.fdopen(os.dup(0), "rb", buffering=1 << 16, closefd=True) as stdin:
        return stdin.readline()


def _from_files(spec: str, resources: str | None) -> StepMessage:
    if resources is None:
        raise BadInput("no store and MLflow are configured", hint="add --resources FILE")
    return StepMessage(
        parse_spec(_read_object(spec)), ResourceConfig.load(_read_object(resources)), path=[str(Path.cwd())]
    )


def _read_object(path: str) -> dict[str, object]:
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"the file cannot be read: {error}", where=path, hint="write one JSON object") from None
    if not isinstance(content, dict):
        raise BadInput("the file is not a JSON object", where=path)
    return content


def _write_outcome(stdout: BinaryIO, outcome: StepOutcome, result: str | None) -> None:
    stdout.write(json.dumps(outcome.to_dict()).encode() + b"\n")
    stdout.flush()
    if result is not None and outcome.error is None:
        Path(result).write_text(json.dumps(outcome.result), encoding="utf-8")


def _fail(stdout: BinaryIO, error: MlopsError) -> int:
    log.error("%s", error)
    _write_outcome(stdout, StepOutcome(None, error), None)
    return EXIT_FAILURE


if __name__ == "__main__":
    sys.exit(main())
