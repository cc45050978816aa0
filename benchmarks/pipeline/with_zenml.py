"""The six steps as a ZenML pipeline on its default local stack; caching is off, as nothing would run otherwise."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated

os.environ |= {
    "ZENML_CONFIG_PATH": str(Path(sys.argv[2]) / "zenml"),
    "ZENML_ANALYTICS_OPT_IN": "false",
    "ZENML_LOGGING_VERBOSITY": "ERROR",
    "AUTO_OPEN_DASHBOARD": "false",
}

import pandas as pd
from zenml import __version__, pipeline, step

from benchmarks.pipeline import steps


@step(enable_cache=False)
def ingest(file: str) -> pd.DataFrame:
    return steps.ingest(file)


@step(enable_cache=False)
def validate(raw: pd.DataFrame) -> pd.DataFrame:
    return steps.validate(raw)


@step(enable_cache=False)
def split(
    rows: pd.DataFrame,
) -> tuple[Annotated[pd.DataFrame, "train"], Annotated[pd.DataFrame, "validation"], Annotated[pd.DataFrame, "test"]]:
    train, validation, test = steps.split(rows)
    return train, validation, test  # as a tuple that is written out, else ZenML takes it for one thing


@step(enable_cache=False)
def train(train_rows: pd.DataFrame, validation_rows: pd.DataFrame, folder: str) -> str:
    return steps.train(train_rows, validation_rows, folder)


@step(enable_cache=False)
def evaluate(test_rows: pd.DataFrame, uri: str, folder: str) -> dict[str, dict[str, float]]:
    return steps.evaluate(test_rows, uri, folder)


@step(enable_cache=False)
def gate(figures: dict[str, dict[str, float]], uri: str, folder: str) -> str:
    return steps.gate(figures, uri, folder)


@pipeline(enable_cache=False)
def six_steps(file: str, folder: str) -> None:
    train_rows, validation_rows, test_rows = split(validate(ingest(file)))
    uri = train(train_rows, validation_rows, folder)
    gate(evaluate(test_rows, uri, folder), uri, folder)


if __name__ == "__main__":
    run = six_steps(*sys.argv[1:3])
    decided = run.steps["gate"].outputs["output"][0].load()
    print(json.dumps({"verdict": decided, "version": __version__}))
