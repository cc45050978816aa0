"""The six steps one after the other: a plain script, started cold."""

from __future__ import annotations

import json
import sys

from benchmarks.pipeline import steps


def main(file: str, folder: str) -> str:
    """Run them; return the decision."""
    rows = steps.validate(steps.ingest(file))
    train, validation, test = steps.split(rows)
    uri = steps.train(train, validation, folder)
    return steps.gate(steps.evaluate(test, uri, folder), uri, folder)


if __name__ == "__main__":
    import mlflow

    print(json.dumps({"verdict": main(*sys.argv[1:3]), "version": f"mlflow {mlflow.__version__}"}))
