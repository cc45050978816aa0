"""What is served: a gradient-boosted model of the passenger list, as a folder that both servers start from."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from include.titanic.features import FEATURES, TARGET
from include.titanic.model import boosted
from include.titanic.source import cast_text_columns
from include.titanic.synthetic_data import generate_passengers

ROWS = 2000


def prepare(folder: Path) -> None:
    """Create the model, our server's configuration and request rows, unless they exist."""
    from airflow_mlops.core.data.contracts import Contract
    from airflow_mlops.core.models import artifact
    from airflow_mlops.core.serving.settings import ServingSettings

    if (folder / "rows.json").exists():
        return
    rows = cast_text_columns(generate_passengers(0, rows=ROWS))
    digest = artifact.write(boosted().fit(rows[FEATURES], rows[TARGET]), folder / "model", rows[FEATURES][:5])
    contract = Contract.load("include/titanic/contract.yaml").to_dict()
    settings = ServingSettings(model="titanic", version=1, digest=digest, contract=contract)
    (folder / "serving.json").write_text(json.dumps(settings.to_dict()))
    known = rows[FEATURES].dropna()  # MLflow's signature, made from a few rows, refuses a null that they do not have
    (folder / "rows.json").write_text(known.to_json(orient="records", double_precision=15))


def commands(folder: Path, port: int) -> dict[str, list[str]]:
    """Return for each server the command that starts it.

    :param folder: what :func:`prepare` has made.
    :param port: of the first; the next has the next.
    """
    mlflow = ["-m", "mlflow", "models", "serve", "--model-uri", str(folder / "model"), "--env-manager", "local"]
    return {
        "ours": [sys.executable, "-m", "airflow_mlops.model_server", str(folder)],
        "mlflow models serve": [sys.executable, *mlflow, "--host", "127.0.0.1", "--port", str(port + 1)],
    }


def environment(port: int) -> dict[str, str]:
    """Return the environment variables of our server."""
    return {"MLOPS_HOST": "127.0.0.1", "MLOPS_PORT": str(port), "MLOPS_SECRETS": "no-secrets"}


if __name__ == "__main__":
    asked: dict[str, Any] = json.loads(sys.argv[1])
    prepare(Path(asked["folder"]))
    print("{}")
