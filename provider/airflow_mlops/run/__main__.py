"""``python -m airflow_mlops.run STEP SPEC.json``: one step of the lifecycle, wherever it is to run.

``STEP`` is ``train``, ``tune``, ``evaluate`` or ``score``; ``SPEC.json`` what it is asked to do, as
:class:`airflow_mlops.run.spec.Spec` has it, and ``--places`` a file with where everything is, secrets included. With
``-`` in place of a file, an operator tells both by the standard input, whose end also ends the step.

What the step prints, and its log, go to the standard error. The standard output has one line, the outcome in JSON, or
``--result`` names a file for what was made.
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

from airflow_mlops.core.errors import BadInput, MlopsError
from airflow_mlops.core.errors_as_json import in_words
from airflow_mlops.run.message import Message, spec_of
from airflow_mlops.run.outcome import Outcome
from airflow_mlops.run.places import Told, ToldPlaces
from airflow_mlops.run.supervising import died, supervised

STEPS = ("train", "tune", "evaluate", "score")
FAILED = 1
BY_INPUT = "-"
log = logging.getLogger("airflow_mlops.run")


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say; gives the exit code."""
    asked = _parser().parse_args(arguments)
    answer = _answering()
    by_input = asked.spec == BY_INPUT
    try:
        message = Message.from_line(_line()) if by_input else _from_files(asked.spec, asked.places)
    except MlopsError as error:
        return _failed(answer, error)

    def work() -> int:
        message.take_effect()
        outcome = run(asked.step, message)
        _tell(answer, outcome, asked.result)
        if outcome.error is not None and not by_input:
            log.error("%s", outcome.error)
        return 0 if outcome.error is None else FAILED

    code = supervised(work, wanted=0 if by_input else None)
    return _failed(answer, died(-code)) if code < 0 else code


def run(step: str, message: Message) -> Outcome:
    """Do a step here, and say how it has ended."""
    from airflow_mlops.run.steps import execute

    spec = message.spec
    places = ToldPlaces(message.places, spec.key, attempt=spec.attempt, try_number=spec.try_number)
    try:
        return Outcome(execute(step, spec, places), None, places.published)
    except MlopsError as error:
        return Outcome(None, error, places.published)
    except Exception as error:
        log.exception("the step broke off")
        return Outcome(None, MlopsError(in_words(error)), places.published)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m airflow_mlops.run", description=__doc__.split("\n\n")[0])
    parser.add_argument("step", choices=STEPS, metavar="STEP", help=", ".join(STEPS))
    parser.add_argument("spec", metavar="SPEC.json", help="what to do; '-': an operator tells it")
    parser.add_argument("--places", metavar="FILE", help="where everything is: JSON with secrets, mode 0600")
    parser.add_argument("--result", metavar="FILE", help="where to write the reference to what was made")
    return parser


def _answering() -> BinaryIO:
    """Keep the standard output for the answer; whatever prints, prints to the standard error from here on."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    sys.stdout.flush()
    kept = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return kept


def _line() -> bytes:
    """Read one line and not a byte more, so that the end of the input can be waited for."""
    with os.fdopen(os.dup(0), "rb", buffering=1 << 16, closefd=True) as told:
        return told.readline()


def _from_files(spec: str, places: str | None) -> Message:
    if places is None:
        raise BadInput("nobody told where the store and MLflow are", mend="add --places FILE")
    return Message(spec_of(_read(spec)), Told.load(_read(places)), path=[str(Path.cwd())])


def _read(path: str) -> dict[str, object]:
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"the file cannot be read: {error}", where=path, mend="write one JSON object") from None
    if not isinstance(found, dict):
        raise BadInput("the file is no JSON object", where=path)
    return found


def _tell(answer: BinaryIO, outcome: Outcome, result: str | None) -> None:
    answer.write(json.dumps(outcome.to_dict()).encode() + b"\n")
    answer.flush()
    if result is not None and outcome.error is None:
        Path(result).write_text(json.dumps(outcome.given), encoding="utf-8")


def _failed(answer: BinaryIO, error: MlopsError) -> int:
    log.error("%s", error)
    _tell(answer, Outcome(None, error), None)
    return FAILED


if __name__ == "__main__":
    sys.exit(main())
